import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { walks } from './commands.ts';
import { TRANSITIONS, noTransitions } from './object-ledger.ts';
import { Walk } from './walk.ts';

test('walk', async () => {
  const counts = noTransitions();
  const t0 = performance.now();
  const times: number[] = [];
  await fc.assert(
    fc.asyncProperty(walks(), async (plan) => {
      const t = performance.now();
      await new Walk(plan, counts).run();
      times.push(Math.round(performance.now() - t));
    }),
    { numRuns: Number(process.env['RUNS'] ?? 20), ...(process.env['SEED'] !== undefined && { seed: Number(process.env['SEED']) }), endOnFailure: process.env['NOSHRINK'] === '1' },
  );
  console.log(counts, performance.now() - t0, times.sort((a, b) => b - a).slice(0, 10));
}, 600_000);
