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

  test('ends with 1 when a case fails, with what it says, and writes both reports', () => {
    const module = casesWith('failing.mjs', { 'own-good': '', 'own-bad': "throw Object.assign(new Error('byte 3 is 1, not 2'), { name: 'ConformanceFailure' });" });
    const { status, stdout } = conformance(module, '--junit', join(folder, 'report.xml'), '--html', join(folder, 'report.html'));
    expect(status).toBe(1);
    expect(stdout).toContain('  own-bad  [C-NDIS-SND, CHIM-SND-001]\n    Case own-bad\n    byte 3 is 1, not 2\n\nFAILED: 1 failed, 1 passed, 0 skipped');
    expect(readFileSync(join(folder, 'report.xml'), 'utf8')).toContain('<failure message="byte 3 is 1, not 2"');
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<pre>byte 3 is 1, not 2</pre>');
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

  test('ends with 1 when nothing could be decided', () => {
    const lacking = "{ id: 'own-lacking', title: 't', rules: [], requirement: 'C-NDIS-SND', requires: ['peer'], missing: ['peer'], isAdvisory: false, run: async () => {} }";
    const { status, stdout } = conformance(moduleWith('lacking.mjs', `export const conformance = [${lacking}];`));
    expect([status, stdout.trim().split('\n').at(-1)]).toEqual([1, expect.stringMatching(/^UNDECIDED: 0 failed, 0 passed, 1 skipped/u)]);
  });

  test('lists cases without running them', () => {
    const { status, stdout } = conformance('@ndis-chimney/target-memory', '--list', '--filter', 'C-NDIS-SND');
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toContain('C-NDIS-SND  target-send-posting-order: Sends are completed in the order in which they were passed down, each with all of its bytes (CHIM-SND-011, CHIM-SND-010)');
    for (const line of lines) expect(line).toMatch(/^C-NDIS-SND /u);
  });

  test('a seed reaches every case, and the report', () => {
    const module = moduleWith('seeded.mjs', "export const conformance = ({ seed }) => [{ id: 'own', title: 't', rules: [], requirement: 'C-NDIS-SND', requires: [], missing: [], isAdvisory: false, run: async () => { throw new Error(typeof seed + ' ' + seed); } }];");
    expect(conformance(module, '--seed', '42').stdout).toMatch(/^Conformance of .*seeded\.mjs, seed 42\n[^]*threw Error: number 42\n/u);
  });

  test('ends with 2 and its usage for a command line it cannot read', () => {
    const { status, stdout, stderr } = conformance('--nope');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Unknown option '--nope'[^]*\n\nconformance <module> \[options\]\n/u);
  });

  test.each<[says: string, ...args: string[]]>([
    ['no-such-target: neither a file nor a package installed here (', 'no-such-target'],
    ['target target-memory: options/latencyMs: ', '@ndis-chimney/target-memory', '--options', '{"latencyMs":-1}'],
    ['none of its', '@ndis-chimney/target-memory', '--filter', 'no such text'],
    ['--behind @ndis-chimney/types: it has no export createIntermediate', '@ndis-chimney/target-memory', '--behind', '@ndis-chimney/types'],
  ])('ends with 2 and one sentence when there is nothing to run: %s', (says, ...args) => {
    const { status, stdout, stderr } = conformance(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a module that cannot be loaded is told with where it throws', () => {
    const { status, stderr } = conformance(moduleWith('throwing.mjs', "throw new RangeError('on the way in');"));
    expect(status).toBe(2);
    expect(stderr).toMatch(/throwing\.mjs cannot be loaded: RangeError: on the way in\n +at .*throwing\.mjs/u);
  });

  test('tells its version and its usage', () => {
    const { version } = JSON.parse(readFileSync(join(KIT, 'package.json'), 'utf8')) as { version: string };
    expect(conformance('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
    const { status, stdout } = conformance('--help');
    expect([status, stdout]).toEqual([0, expect.stringContaining('Exit code: 0 when the subject passed')]);
  });
});
