// The conformance kit as a user gets it: installed out of tarballs beside a target of somebody else, run by its command and
// under node:test. A target that does wrong must fail in both. Called by check-packages.mjs.
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { runNode } from './readme-examples.mjs';

/** @typedef {{ version: string, executable: string }} NodeVersion */

/**
 * What is tried. `fails` are ids of cases that have to fail, when the subject is one that does wrong.
 * @typedef {{ specifier: string, fails?: string[] }} Subject
 */

/** @type {Subject[]} */
export const SUBJECTS = [
  { specifier: '@ndis-chimney/target-memory' },
  { specifier: 'ndis-chimney-fixture-target-discard' },
  {
    specifier: 'ndis-chimney-fixture-target-discard/endless',
    fails: ['target-disconnect-after-sends', 'target-disconnect-without-data'],
  },
];

/** Longest that the kit may take over the memory target, in milliseconds. */
const BUDGET_MS = 20_000;

/**
 * @param {string} project where kit and subjects are installed
 * @param {NodeVersion} node
 * @param {Subject[]} [subjects]
 * @returns {Promise<string[]>} problems
 */
export async function checkConformance(project, node, subjects = SUBJECTS) {
  const problems = [];
  for (const subject of subjects) {
    problems.push(...(await checkCommand(project, node, subject)), ...(await checkNodeTest(project, node, subject)));
  }
  return [...problems, ...(await checkShim(project, node))];
}

/**
 * The command's exit code and JSON.
 * @param {string} project
 * @param {NodeVersion} node
 * @param {Subject} subject
 * @returns {Promise<string[]>} problems
 */
async function checkCommand(project, { version, executable }, { specifier, fails = [] }) {
  const command = join(project, 'node_modules', '@ndis-chimney', 'conformance', 'dist', 'bin', 'conformance.js');
  const { code, stdout, stderr } = await runNode(executable, [command, specifier, '--json'], project);
  const label = `Node ${version}: conformance ${specifier}`;
  const expected = fails.length === 0 ? 0 : 1;
  if (code !== expected) return [`${label}: exit code ${code}, not ${expected}\n${stdout}${stderr}`];
  /** @type {{ counts: { passed: number }, durationMs: number, clauses: { results: { id: string, outcome: string }[] }[] }} */
  const { counts, durationMs, clauses } = JSON.parse(stdout);
  const failed = clauses.flatMap(({ results }) => results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id));
  const problems = fails.filter((id) => !failed.includes(id)).map((id) => `${label}: ${id} did not fail`);
  if (counts.passed === 0) problems.push(`${label}: no case passed, so nothing is known`);
  if (durationMs > BUDGET_MS) problems.push(`${label}: took ${Math.round(durationMs)} ms, more than ${BUDGET_MS}`);
  return problems;
}

/**
 * The three lines of a plugin's author, under `node --test`.
 * @param {string} project
 * @param {NodeVersion} node
 * @param {Subject} subject
 * @returns {Promise<string[]>} problems
 */
async function checkNodeTest(project, { version, executable }, { specifier, fails = [] }) {
  const file = join(project, `${specifier.replaceAll(/[^\w-]+/g, '-')}.test.mjs`);
  writeFileSync(
    file,
    `import { offloadTargetConformance, pluginSubject } from '@ndis-chimney/conformance';
import { testConformance } from '@ndis-chimney/conformance/node-test';
import plugin, { conformanceAbilities } from '${specifier}';

testConformance(offloadTargetConformance(pluginSubject(plugin, conformanceAbilities)));
`,
  );
  const { code, stdout, stderr } = await runNode(executable, ['--test', '--test-reporter=tap', file], project);
  const label = `Node ${version}: node --test of ${specifier}`;
  const expected = fails.length === 0 ? 0 : 1;
  if (code !== expected) return [`${label}: exit code ${code}, not ${expected}\n${stdout}${stderr}`];
  const problems = fails
    .filter((id) => !new RegExp(`^ *not ok \\d+ - ${id}: `, 'm').test(stdout))
    .map((id) => `${label}: ${id} did not fail`);
  if (!/^ *ok \d+ - target-\S+: (?!.*# SKIP)/m.test(stdout)) problems.push(`${label}: no case passed, so nothing is known`);
  return problems;
}

/**
 * The installed command, started by its name: hashbang and mode are right.
 * @param {string} project
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
async function checkShim(project, { version, executable }) {
  if (process.platform === 'win32') return [];
  const shim = join(project, 'node_modules', '.bin', 'conformance');
  if (!existsSync(shim)) return [`Node ${version}: npm installed no command conformance`];
  const path = [dirname(executable), process.env['PATH']].join(delimiter);
  const { code, stdout, stderr } = await runNode('/usr/bin/env', [`PATH=${path}`, shim, '--version'], project);
  return code === 0 && /^\d+\.\d+\.\d+/.test(stdout) ? [] : [`Node ${version}: conformance --version: exit code ${code}\n${stdout}${stderr}`];
}
