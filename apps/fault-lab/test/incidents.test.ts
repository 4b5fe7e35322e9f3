import 'reflect-metadata';

import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { parseArguments, type LabArguments } from '../src/arguments.ts';
import { chooseExperiment } from '../src/choose.ts';
import { QUIET } from '../src/experiment.ts';
import { INCIDENTS } from '../src/incidents/index.ts';
import { jsonOf, textOf } from '../src/report.ts';
import { run, type Outcome } from '../src/run.ts';

const argumentsOf = (...argv: string[]): LabArguments => {
  const args = parseArguments(argv);
  if (args === null) throw new Error('help was asked for');
  return args;
};

const meet = async (...argv: string[]): Promise<Outcome> => run(await chooseExperiment(argumentsOf(...argv)));

describe('an incident', () => {
  test.each(INCIDENTS)('$id shows what was noticed in the field, and what NDIS and the verifier say to it', async ({ id, symptoms, rules, findings = [] }) => {
    const outcome = await meet(id);
    expect(outcome.faults.filter(({ kind }) => kind === 'injected').length).toBeGreaterThan(0);
    for (const symptom of symptoms) expect(outcome.symptoms).toContainEqual(expect.stringMatching(symptom));
    expect([...new Set(outcome.violations.map(({ rule }) => rule))].sort()).toEqual([...rules].sort());
    expect([...new Set(outcome.findings.map(({ rule }) => rule.id))].sort()).toEqual([...findings].sort());
  });

  test.each(INCIDENTS)('$id happens again in the same way, event by event, by the command it names', async ({ id }) => {
    const args = argumentsOf(id, '--seed', 'another course');
    const first = jsonOf(args, await run(await chooseExperiment(args)));
    const { command } = first as { command: string };
    const argv = command.replace('npm run fault-lab -- ', '').match(/"[^"]*"|\S+/g) ?? [];
    const again = argumentsOf(...argv.map((word) => (word.startsWith('"') ? (JSON.parse(word) as string) : word)));
    expect(JSON.stringify(jsonOf(again, await run(await chooseExperiment(again))))).toBe(JSON.stringify(first));
  });

  test.each(INCIDENTS)('$id has a page in the guide, with its source, its faults, its command, and what comes of it', async ({ id, title, source, experiment }) => {
    const file = new URL(`../../../docs/guide/incidents/${id}.md`, import.meta.url);
    expect(existsSync(file)).toBe(true);
    const page = readFileSync(file, 'utf8');
    const faults = [experiment.target, experiment.intermediate, experiment.host].flatMap((plan) => plan?.faults ?? []).map(({ fault }) => fault);
    const { symptoms, violations, findings } = await meet(id);
    for (const { rule } of findings) expect(page).toContain(`\`${rule.id}\``);
    for (const { rule } of violations) expect(page).toContain(`\`${rule}\``);
    for (const symptom of symptoms) expect(page).toContain(`- ${symptom}\n`);
    for (const text of [`# ${title}`, source, `npm run fault-lab -- ${id} --seed 1`, ...faults.map((fault) => `\`${fault}\``)]) expect(page).toContain(text);
  });

  test('has an id of its own', () => {
    expect(new Set(INCIDENTS.map(({ id }) => id)).size).toBe(INCIDENTS.length);
  });
});

describe('without faults', () => {
  test.each([0, 1, 3])('nobody notices anything, and nothing is left (%i intermediate drivers)', async (intermediates) => {
    const outcome = await run({ ...QUIET, intermediates });
    expect([outcome.symptoms, outcome.faults, outcome.violations, outcome.findings]).toEqual([[], [], [], []]);
    expect(outcome.conversations.map(({ ending, echoedBytes }) => [ending, echoedBytes])).toEqual(Array.from({ length: 8 }, () => ['finished', 40_000]));
  });

  test('a stack that is taken away, or put to sleep and woken, costs time and no data', async () => {
    const outcome = await run({ ...QUIET, interventions: [{ atMs: 500, does: 'sleep' }, { atMs: 900, does: 'wake' }] });
    expect(outcome.conversations.every(({ ending }) => ending === 'finished')).toBe(true);
    expect(outcome.violations).toEqual([]);
  });
});

test('the report names faults, broken rules, symptoms and the command', async () => {
  const args = argumentsOf('npcap-390', '--lines', '5');
  const text = textOf(args, await run(await chooseExperiment(args)));
  expect(text).toMatch(/faults {8}\d+ x A11 \(a driver that pauses wrongly\)/);
  expect(text).toMatch(/rules broken {2}.*CHIM-NBL-001 by target-memory.* \(NDIS\)/);
  expect(text).toMatch(/and \d+ more; --lines shows them/);
  expect(text).toMatch(/The same again:\n {2}npm run fault-lab -- npcap-390 --seed 1$/);
});
