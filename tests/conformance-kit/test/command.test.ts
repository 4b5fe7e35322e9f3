import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { intermediateConformance, offloadTargetConformance, type CertificationReport } from '@ndis-chimney/conformance';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { passThroughSubject } from './intermediate-subjects.ts';
import { memorySubject } from './subjects.ts';

const here = join(import.meta.dirname, '..');
const KIT = join(here, '../../packages/conformance');
let folder: string;

/** The command as it is run by its users, from this workspace, with the packages as sources. */
function conformance(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const node = ['--import', '../../tools/ts-register.mjs', '--conditions=@ndis-chimney/source', join(KIT, 'src/bin/conformance.ts')];
  return spawnSync(process.execPath, [...node, ...args], { cwd: here, encoding: 'utf8' });
}

/** A module beside which the packages of this workspace are not installed: it can only use what it brings. */
function moduleWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Cases as the text of a module: each `run` is this function body. */
function casesWith(name: string, bodies: Readonly<Record<string, string>>): string {
  const cases = Object.entries(bodies).map(([id, body]) => `{ id: '${id}', title: 'Case ${id}', rules: ['CHIM-SND-001'], requirement: 'C-NDIS-SND', requires: [], missing: [], isAdvisory: false, run: async () => { ${body} } }`);
  return moduleWith(name, `export const conformance = [${cases.join(', ')}];`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-command-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the conformance command', { timeout: 60_000 }, () => {
  test('runs every case over an installed target that says what it can do, and ends with 0', () => {
    const { status, stdout, stderr } = conformance('@ndis-chimney/target-memory', '--json');
    expect([status, stderr]).toEqual([0, '']);
    const { subject, seed, verdict, counts, durationMs, clauses } = JSON.parse(stdout) as CertificationReport;
    expect([subject, seed, verdict, counts.failed, counts.advisory]).toEqual(['target-memory', 1, 'passed', 0, 0]);
    const cases = offloadTargetConformance(memorySubject);
    expect(counts.passed).toBe(cases.filter(({ missing }) => missing.length === 0).length);
    expect(clauses.flatMap(({ results }) => results.map(({ id }) => id)).sort()).toEqual(cases.map(({ id }) => id).sort());
    expect(durationMs).toBeLessThan(20_000);
  });

  test('runs a target behind the intermediate drivers of other modules', () => {
    const behind = ['--behind', '@ndis-chimney/intermediate'];
    const { status, stdout } = conformance('@ndis-chimney/target-memory', ...behind, ...behind, '--filter', 'target-send-posting-order');
    expect(status).toBe(0);
    expect(stdout).toMatch(/PASSED: 0 failed, 1 passed, 0 skipped, in \d+\.\d+ s\n$/u);
  });

  test('runs every case over an intermediate driver, also over several in a row', () => {
    const cases = intermediateConformance(passThroughSubject());
    const { status, stdout, stderr } = conformance('@ndis-chimney/intermediate', '--drivers', '2', '--json');
    expect([status, stderr]).toEqual([0, '']);
    const { subject, counts } = JSON.parse(stdout) as CertificationReport;
    expect([subject, counts]).toEqual(['@ndis-chimney/intermediate', { passed: cases.filter(({ missing }) => missing.length === 0).length, failed: 0, advisory: 0, skipped: cases.filter(({ missing }) => missing.length > 0).length }]);
  });

  test('a failure that nobody caught fails its case, and the others are still run', () => {
    const module = casesWith('uncaught.mjs', {
      'own-timer': "setImmediate(() => { throw new Error('out of a timer'); }); await new Promise(() => {});",
      'own-promise': "Promise.reject(new Error('out of a promise'));",
      'own-good': '',
    });
    const { status, stdout, stderr } = conformance(module, '--json');
    expect([status, stderr]).toEqual([1, '']);
    const problems = (JSON.parse(stdout) as CertificationReport).clauses.flatMap(({ results }) => results.map(({ problem }) => problem));
    expect(problems).toEqual(['threw Error: out of a timer', 'threw Error: out of a promise', '']);
  });

  test('a case that never ends fails when its time is over, and what a subject left running is not waited for', () => {
    const { status, stdout } = conformance(casesWith('stuck.mjs', { 'own-stuck': 'await new Promise(() => {});', 'own-good': 'setInterval(() => {}, 1000);' }), '--timeout', '1');
    expect(status).toBe(1);
    expect(stdout).toContain('did not end within 1000 ms');
    expect(stdout).toContain('1 failed, 1 passed');
  });

  test('a module that goes wrong where no case ran, or never lets the command go on, ends it with 2', () => {
    const stray = conformance(moduleWith('stray.mjs', "Promise.reject(new RangeError('nobody waits')); export const conformance = () => [];"));
    expect([stray.status, stray.stdout]).toEqual([2, '']);
    expect(stray.stderr).toMatch(/^while no case ran: RangeError: nobody waits\n/u);
    expect(conformance(moduleWith('endless.mjs', 'await new Promise(() => {});')).status).toBe(2);
  });

  test('tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(KIT, 'package.json'), 'utf8')) as { version: string };
    expect(conformance('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});
