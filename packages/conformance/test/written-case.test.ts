import { readFileSync } from 'node:fs';

import { intermediateConformance, offloadTargetConformance } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { KIT_VERSION } from '../src/kit-version.ts';
import { isAdvisoryIn, toCase, type CaseWorld } from '../src/written-case.ts';

describe('a case', () => {
  test.each<[since: `${number}.${number}`, version: string, isAdvisory: boolean]>([
    ['0.2', '0.1.9', true],
    ['0.2', '0.2.0', true],
    ['0.2', '0.2.17', true],
    ['0.2', '0.2.0-next.1', true],
    ['0.2', '0.3.0', false],
    ['0.9', '0.10.0', false],
    ['0.10', '0.9.0', true],
    ['0.2', '1.0.0', false],
    ['1.0', '0.9.0', true],
    ['1.0', '1.0.5', true],
    ['1.0', '1.1.0', false],
    ['1.3', '2.0.0', false],
  ])('since %s is in %s advisory: %s', (since, version, isAdvisory) => {
    expect(isAdvisoryIn(version, { since })).toBe(isAdvisory);
  });

  test('counts from the start where no version is named, and never where it is advice', () => {
    expect(isAdvisoryIn('0.1.0', {})).toBe(false);
    expect(isAdvisoryIn('9.0.0', { weight: 'advice' })).toBe(true);
    expect(isAdvisoryIn('9.0.0', { weight: 'advice', since: '0.2' })).toBe(true);
  });

  test('names a version that is one', () => {
    expect(() => isAdvisoryIn('1', { since: '0.2' })).toThrow(/"1" is no version/u);
  });

  test('is compared with the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };
    expect(KIT_VERSION).toBe(version);
  });

  test('that is advice says so', () => {
    const create = (): never => {
      throw new Error('no case is run here');
    };
    const cases = [...offloadTargetConformance({ create }), ...intermediateConformance({ create })];
    const advisory = cases.filter(({ isAdvisory }) => isAdvisory).map(({ id }) => id);
    expect(advisory).toEqual(expect.arrayContaining(['target-initiate-quiet', 'target-blocks-not-inside', 'target-timers-push-restart']));
    expect(advisory.length).toBeLessThan(cases.length / 4);
  });
});

describe('the world of a case', () => {
  const told: string[] = [];
  const worldOf = (change: Partial<CaseWorld> = {}): CaseWorld => ({
    close: () => {
      told.push('close');
      return Promise.resolve();
    },
    dispose: () => {
      told.push('dispose');
      return Promise.resolve();
    },
    ...change,
  });
  const runIn = (world: CaseWorld, run: () => Promise<void> = () => Promise.resolve()): Promise<void> => {
    told.length = 0;
    return toCase({ id: 'tried', title: 't', rules: [], requirement: 'C-NDIS-SND', run }, new Set(), () => Promise.resolve(world)).run();
  };

  test('is closed, then disposed of', async () => {
    await runIn(worldOf());
    expect(told).toEqual(['close', 'dispose']);
  });

  test('is disposed of when the case fails, which says what failed even if that fails too', async () => {
    await expect(runIn(worldOf(), () => Promise.reject(new Error('the case')))).rejects.toThrow('the case');
    expect(told).toEqual(['dispose']);
    await expect(runIn(worldOf({ dispose: () => Promise.reject(new Error('the disposal')) }), () => Promise.reject(new Error('the case')))).rejects.toThrow('the case');
  });

  test('fails the case when it cannot be closed or disposed of', async () => {
    await expect(runIn(worldOf({ close: () => Promise.reject(new Error('something is left')) }))).rejects.toThrow('something is left');
    expect(told).toEqual(['dispose']);
    await expect(runIn(worldOf({ dispose: () => Promise.reject(new Error('the disposal')) }))).rejects.toThrow('the disposal');
  });
});
