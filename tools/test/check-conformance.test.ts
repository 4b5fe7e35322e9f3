import { chmodSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { checkConformance } from '../check-conformance.mjs';
import { removeTree, writeTree } from './tree.ts';

const node = { version: process.versions.node, executable: process.execPath };

/** What a kit may do. */
interface Kit {
  /** Ids of cases, with their outcomes. */
  readonly cases: Readonly<Record<string, string>>;
  readonly exitCode: number;
  readonly durationMs?: number;
  readonly version?: string;
}

let root = '';
afterEach(() => {
  removeTree(root);
});

/** A project with a kit that does what it is told instead of running anything. */
function projectWith({ cases, exitCode, durationMs = 10, version = '1.0.0' }: Kit): string {
  const results = Object.entries(cases).map(([id, outcome]) => ({ id, outcome }));
  const counts = { passed: results.filter(({ outcome }) => outcome === 'passed').length };
  const report = JSON.stringify({ counts, durationMs, clauses: [{ results }] });
  const kit = 'node_modules/@ndis-chimney/conformance';
  root = writeTree({
    'package.json': {},
    [`${kit}/package.json`]: { type: 'module', exports: { '.': './index.js', './node-test': './node-test.js' } },
    [`${kit}/index.js`]: 'export const offloadTargetConformance = (subject) => subject; export const pluginSubject = (plugin) => plugin;',
    [`${kit}/node-test.js`]: `import test from 'node:test';
export const testConformance = () => {
  for (const { id, outcome } of ${JSON.stringify(results)}) test(id + ': does so', { skip: outcome === 'skipped' }, () => { if (outcome === 'failed') throw new Error('wrong'); });
};`,
    [`${kit}/dist/bin/conformance.js`]: `console.log(process.argv[2] === '--version' ? '${version}' : ${JSON.stringify(report)}); process.exitCode = process.argv[2] === '--version' ? 0 : ${exitCode};`,
    'node_modules/.bin/conformance': `#!/usr/bin/env node\nconsole.log('${version}');`,
    'node_modules/subject/package.json': { type: 'module', exports: './index.js' },
    'node_modules/subject/index.js': 'export default {}; export const conformanceAbilities = {};',
  });
  chmodSync(join(root, 'node_modules/.bin/conformance'), 0o755);
  return root;
}

const problemsOf = (kit: Kit, ...fails: string[]): Promise<string[]> => checkConformance(projectWith(kit), node, [{ specifier: 'subject', fails }]);
const command = `Node ${node.version}: conformance subject`;
const nodeTest = `Node ${node.version}: node --test of subject`;

describe('checkConformance', { timeout: 30_000 }, () => {
  it('accepts a subject that passes, and one that fails where it has to', async () => {
    expect(await problemsOf({ cases: { 'target-a': 'passed', 'target-b': 'skipped' }, exitCode: 0 })).toEqual([]);
    removeTree(root);
    expect(await problemsOf({ cases: { 'target-a': 'passed', 'target-b': 'failed' }, exitCode: 1 }, 'target-b')).toEqual([]);
  });

  it('reports a subject that fails and should pass', async () => {
    expect(await problemsOf({ cases: { 'target-a': 'passed', 'target-b': 'failed' }, exitCode: 1 })).toEqual([
      expect.stringContaining(`${command}: exit code 1, not 0`),
      expect.stringContaining(`${nodeTest}: exit code 1, not 0`),
    ]);
  });

  it('reports a kit that does not see what a subject does wrong', async () => {
    expect(await problemsOf({ cases: { 'target-a': 'passed', 'target-b': 'passed' }, exitCode: 0 }, 'target-b')).toEqual([
      expect.stringContaining(`${command}: exit code 0, not 1`),
      expect.stringContaining(`${nodeTest}: exit code 0, not 1`),
    ]);
    removeTree(root);
    expect(await problemsOf({ cases: { 'target-a': 'passed', 'target-b': 'passed', 'target-c': 'failed' }, exitCode: 1 }, 'target-b')).toEqual([
      `${command}: target-b did not fail`,
      `${nodeTest}: target-b did not fail`,
    ]);
  });

  it('reports a run that proves nothing, and one that takes too long', async () => {
    expect(await problemsOf({ cases: { 'target-a': 'skipped' }, exitCode: 0, durationMs: 20_001 })).toEqual([
      `${command}: no case passed, so nothing is known`,
      `${command}: took 20001 ms, more than 20000`,
      `${nodeTest}: no case passed, so nothing is known`,
    ]);
  });

  it.skipIf(process.platform === 'win32')('reports a command that cannot be started by its name', async () => {
    expect(await problemsOf({ cases: { 'target-a': 'passed' }, exitCode: 0, version: 'none' })).toEqual([expect.stringContaining('conformance --version: exit code 0')]);
    removeTree(root);
    const project = projectWith({ cases: { 'target-a': 'passed' }, exitCode: 0 });
    chmodSync(join(project, 'node_modules/.bin/conformance'), 0o644);
    expect(await checkConformance(project, node, [])).toEqual([expect.stringContaining('conformance --version: exit code 126')]);
  });
});
