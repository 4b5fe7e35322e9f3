import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CertificationReport } from '@ndis-chimney/conformance';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runCommand } from '../src/bin/command.ts';
import { conditionsOf } from '../src/bin/load-module.ts';

let folder: string;

/** The command in this process. */
async function conformance(...args: string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const status = await runCommand(args, {
    print: (text) => {
      stdout += `${text}\n`;
    },
    complain: (text) => {
      stderr += `${text}\n`;
    },
  });
  return { status, stdout, stderr };
}

function moduleWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Cases as the text of a module: each `run` is this function body. */
function casesWith(name: string, bodies: Readonly<Record<string, string>>): string {
  const cases = Object.entries(bodies).map(
    ([id, body]) =>
      `{ id: '${id}', title: 'Case ${id}', rules: ['CHIM-SND-001'], requirement: 'C-NDIS-SND', requires: [], missing: [], isAdvisory: false, run: async () => { ${body} } }`,
  );
  return moduleWith(name, `export const conformance = [${cases.join(', ')}];`);
}

/** A module with a plugin, none of whose targets is ever made. */
const TARGET =
  "export default { name: 'target-tried', apiVersion: 1, optionsSchema: { properties: { room: { minimum: 1 } } }, create() { throw new Error('made'); } };";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-command-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the conformance command', () => {
  test('ends with 1 when a case fails, with what it says, and writes both reports', async () => {
    const module = casesWith('failing.mjs', { 'own-good': '', 'own-bad': "throw Object.assign(new Error('byte 3 is 1, not 2'), { name: 'ConformanceFailure' });" });
    const { status, stdout } = await conformance(module, '--junit', join(folder, 'report.xml'), '--html', join(folder, 'report.html'));
    expect(status).toBe(1);
    expect(stdout).toContain('  own-bad  [C-NDIS-SND, CHIM-SND-001]\n    Case own-bad\n    byte 3 is 1, not 2\n\nFAILED: 1 failed, 1 passed, 0 skipped');
    expect(readFileSync(join(folder, 'report.xml'), 'utf8')).toContain('<failure message="byte 3 is 1, not 2"');
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<pre>byte 3 is 1, not 2</pre>');
  });

  test('ends with 1 when nothing could be decided', async () => {
    const lacking = "{ id: 'own-lacking', title: 't', rules: [], requirement: 'C-NDIS-SND', requires: ['peer'], missing: ['peer'], isAdvisory: false, run: async () => {} }";
    const { status, stdout } = await conformance(moduleWith('lacking.mjs', `export const conformance = [${lacking}];`));
    expect([status, stdout.trim().split('\n').at(-1)]).toEqual([1, expect.stringMatching(/^UNDECIDED: 0 failed, 0 passed, 1 skipped/u)]);
  });

  test('lists cases without running them, with what they are and lack', async () => {
    const cases = `[
      { id: 'own-new', title: 'Is new', rules: [], requirement: 'C-NDIS-RCV', requires: [], missing: [], isAdvisory: true, run: async () => { throw new Error('was run'); } },
      { id: 'own-lacking', title: 'Lacks', rules: ['CHIM-SND-001'], requirement: 'C-NDIS-SND', requires: ['peer'], missing: ['peer'], isAdvisory: false, run: async () => { throw new Error('was run'); } },
    ]`;
    const module = moduleWith('listed.mjs', `export const conformance = ${cases};`);
    const { status, stdout } = await conformance(module, '--list');
    expect([status, stdout]).toEqual([
      0,
      "C-NDIS-RCV  own-new: Is new [advisory]\nC-NDIS-SND  own-lacking: Lacks (CHIM-SND-001) [skipped: needs peer (the far end of a connection is at the kit's command)]\n",
    ]);
    const asJson = await conformance(module, '--list', '--json', '--filter', 'chim-snd');
    expect(JSON.parse(asJson.stdout)).toEqual([expect.objectContaining({ id: 'own-lacking', missing: ['peer'] })]);
  });

  test.each([
    ['own-b', ['own-b']],
    ['CASE OWN-A', ['own-a']],
    ['C-NDIS-SND', ['own-a', 'own-b']],
    ['CHIM-SND-001', ['own-a', 'own-b']],
  ])('runs the cases that have the text: %s', async (text, ids) => {
    const { stdout } = await conformance(casesWith('filtered.mjs', { 'own-a': '', 'own-b': '' }), '--json', '--filter', text);
    const { clauses } = JSON.parse(stdout) as CertificationReport;
    expect(clauses.flatMap(({ results }) => results.map(({ id }) => id))).toEqual(ids);
  });

  test('a seed reaches every case, and the report', async () => {
    const module = moduleWith('seeded.mjs', "export const conformance = ({ seed }) => [{ id: 'own', title: 't', rules: [], requirement: 'C-NDIS-SND', requires: [], missing: [], isAdvisory: false, run: async () => { throw new Error(typeof seed + ' ' + seed); } }];");
    expect((await conformance(module, '--seed', '42')).stdout).toMatch(/^Conformance of .*seeded\.mjs, seed 42\n[^]*threw Error: number 42\n/u);
  });

  test('ends with 2 and its usage for a command line it cannot read', async () => {
    const { status, stdout, stderr } = await conformance('--nope');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Unknown option '--nope'[^]*\n\nconformance <module> \[options\]\n/u);
  });

  test.each<[says: string, text: string, ...args: string[]]>([
    ['target target-tried: options/room: ', TARGET, '--options', '{"room":-1}'],
    ["is asked for by --filter \"no such text\"", TARGET, '--filter', 'no such text'],
    ['it has no export createIntermediate, a function of NDIS and { name }', TARGET, '--behind', 'BESIDE'],
    ['a number of drivers is for intermediate drivers; this is a target', TARGET, '--drivers', '2'],
    ['brings nothing to prove', 'export const other = 1;'],
    ['brings no case', 'export const conformance = [];'],
  ])('ends with 2 and one sentence when a module cannot be proved: %s', async (says, text, ...args) => {
    const beside = moduleWith('beside.mjs', 'export const other = 1;');
    const { status, stdout, stderr } = await conformance(moduleWith(`unusable-${says.length}.mjs`, text), ...args.map((arg) => (arg === 'BESIDE' ? beside : arg)));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('ends with 2 and where it was looked for when a module is nowhere', async () => {
    const { status, stderr } = await conformance('no-such-target');
    expect([status, stderr]).toEqual([2, expect.stringContaining('no-such-target: neither a file nor a package installed here (')]);
  });

  test('a module that cannot be loaded is told with where it throws', async () => {
    const { status, stderr } = await conformance(moduleWith('throwing.mjs', "throw new RangeError('on the way in');"));
    expect(status).toBe(2);
    expect(stderr).toMatch(/throwing\.mjs cannot be loaded: RangeError: on the way in\n +at .*throwing\.mjs/u);
  });

  test('tells its usage, and what its exit codes mean', async () => {
    const { status, stdout } = await conformance('--help');
    expect([status, stdout]).toEqual([0, expect.stringContaining('Exit code: 0 when the subject passed')]);
  });
});

test('a package is looked for with the export conditions that Node was started with', () => {
  expect(conditionsOf(['--test', '--conditions=a', '-C', 'b', '--import', 'x', '-C=c', '--conditions', 'd'])).toEqual(['a', 'b', 'c', 'd']);
});
