import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import memoryTarget from '@ndis-chimney/target-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { echoOptions, loadTarget } from '../src/load-target.ts';

let folder: string;

const moduleWith = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-targets-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a target', () => {
  test.each([['memory'], ['target-memory']])('of ours goes by its short name: %s', async (name) => {
    expect(await loadTarget(name)).toBe(memoryTarget);
  });

  test('is the default export of a module, by its path', async () => {
    const path = moduleWith('good.mjs', 'export default { name: "own", apiVersion: 1, optionsSchema: {}, create() {} };');
    expect(await loadTarget(path)).toMatchObject({ name: 'own' });
  });

  test('that is nowhere is refused with where it was looked for', async () => {
    await expect(loadTarget('no-such-target')).rejects.toThrow('--target no-such-target: neither a target of ours (memory), nor a file, nor a package installed here');
  });

  test('that is no plugin is refused with its module and what it lacks', async () => {
    await expect(loadTarget(moduleWith('empty.mjs', 'export {};'))).rejects.toThrow(/empty\.mjs is not an offload-target plugin: it has no default export/u);
    await expect(loadTarget(moduleWith('half.mjs', 'export default { name: "half" };'))).rejects.toThrow('it lacks apiVersion (a number)');
  });

  test('whose peer cannot echo is refused: nothing would come back to compare', () => {
    expect(() => echoOptions({ ...memoryTarget, name: 'mute', optionsSchema: { type: 'object' } })).toThrow('target mute has no peer that echoes');
    expect(echoOptions(memoryTarget)).toEqual({ peer: 'echo' });
  });
});
