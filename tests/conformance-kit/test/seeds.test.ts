// A subject that keeps the contract passes with every seed: `--seed` must not find fault with the kit itself.
import { intermediateConformance, offloadTargetConformance, runCases, type CasesRun } from '@ndis-chimney/conformance';
import { SystemClock } from '@ndis-chimney/core/runtime';
import { expect, test } from 'vitest';

import { muxSubject, passThroughSubject } from './intermediate-subjects.ts';
import { subjects } from './subjects.ts';

const SEEDS = { test: 2, ci: 10, nightly: 200 }[process.env['TEST_SIZE'] ?? 'test'] ?? 2;
/** The slowest case, in which nothing is drawn. */
const LARGE = 'target-capabilities-1024';
const clock = new SystemClock();

async function failures(name: string, cases: Parameters<typeof runCases>[0]): Promise<string[]> {
  const { results }: CasesRun = await runCases(cases, { clock, filter: ({ id }) => id !== LARGE });
  return results.filter(({ outcome }) => outcome === 'failed').map(({ id, problem }) => `${name}: ${id}: ${problem}`);
}

test.each(Array.from({ length: SEEDS }, (_, at) => at + 2))('seed %i finds nothing in targets and drivers that keep the contract', async (seed) => {
  const found: string[] = [];
  for (const [name, subject] of subjects) found.push(...await failures(name, offloadTargetConformance({ ...subject, seed })));
  for (const [name, subject] of [['PassThroughDriver', passThroughSubject()], ['MuxDriver', muxSubject()]] as const) found.push(...await failures(name, intermediateConformance({ ...subject, seed })));
  expect(found).toEqual([]);
}, 60_000);
