import { present } from '@ndis-chimney/kit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { largeWalks, walks, type WalkPlan } from './commands.ts';
import { missingFrom, noTransitions, reportOf, type TransitionCounts } from './object-ledger.ts';
import { sizeNow } from './sizes.ts';
import { Walk } from './walk.ts';

const TIMEOUT_MS = 3_600_000;

/** Smaller sizes are the beginning of larger ones. */
const SEED = Number(process.env['SEED'] ?? 20_261_120);

const size = sizeNow();

/** Does so many walks, and counts the transitions of all of them. */
async function walk(plans: fc.Arbitrary<WalkPlan>, numRuns: number): Promise<TransitionCounts> {
  const counts = noTransitions();
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      await new Walk(plan, counts).run();
    }),
    { numRuns, seed: SEED },
  );
  return counts;
}

test(`on ${size.walks} walks both sides agree, every byte arrives once, every request ends once, nothing is left, and every transition LC1 to LC13 is taken`, async ({ annotate }) => {
  const counts = await walk(walks(), size.walks);
  await annotate(reportOf(counts));
  expect(missingFrom(counts), reportOf(counts)).toEqual([]);
}, TIMEOUT_MS);

test(`so it is with a thousand objects (${size.largeWalks} walks)`, async ({ annotate }) => {
  const counts = await walk(largeWalks(), size.largeWalks);
  await annotate(reportOf(counts));
  expect(counts.LC2, reportOf(counts)).toBeGreaterThan(900 * size.largeWalks);
}, TIMEOUT_MS);

test('a walk is the same walk every time', async () => {
  const [plan] = fc.sample(walks(), { numRuns: 1, seed: 7 });
  const times = await Promise.all(
    [0, 1].map(async () => {
      const counts = noTransitions();
      const one = new Walk(present(plan), counts);
      const changes: string[] = [];
      one.world.host.stateChanges$.subscribe(({ object, from, to, reason, status }) => changes.push(`${one.world.runtime.clock.now()} ${object.layer} ${from} ${to} ${reason} ${status}`));
      await one.run();
      return { counts, changes };
    }),
  );
  expect(present(times[0]).changes.length).toBeGreaterThan(50);
  expect(times[1]).toEqual(times[0]);
});
