import { present } from '@ndis-chimney/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { walks, type WalkPlan } from './commands.ts';
import * as hosts from './mutants/hosts.ts';
import * as intermediates from './mutants/intermediates.ts';
import * as targets from './mutants/targets.ts';
import { noTransitions } from './object-ledger.ts';
import { pick } from './pick.ts';
import { Walk } from './walk.ts';
import type { Mutant, WorldOptions } from './walk-world.ts';
import { NO_REFUSALS } from './watched-target.ts';

/** A driver that is not as it should be, and what a walk says about it. */
interface Case {
  readonly who: string;
  readonly mutant: Mutant;
  readonly says: RegExp;
  /** What the walk's ground needs for it to show. */
  readonly world?: Partial<WorldOptions>;
}

const intermediate = (Driver: (typeof intermediates)[keyof typeof intermediates]): Mutant => ({ intermediate: (ndis, options) => new Driver(ndis, options) });
const target = (Target: (typeof targets)[keyof typeof targets]): Mutant => ({ target: (inner, settings) => new Target(inner, settings) });

/** Little memory for requests. */
const SHORT = { netBufferListContexts: 4 };

const cases: readonly Case[] = [
  { who: 'an intermediate driver that loses completions', mutant: intermediate(intermediates.LosesCompletions), says: /CHIM-TRM-007/ },
  { who: 'an intermediate driver that completes twice', mutant: intermediate(intermediates.CompletesTwice), says: /CHIM-/ },
  { who: 'an intermediate driver that does not restore the SourceHandle', mutant: intermediate(intermediates.ForgetsToRestore), says: /CHIM-/ },
  { who: 'an intermediate driver that turns lists round', mutant: intermediate(intermediates.TurnsListsRound), says: /is not the one that was sent/ },
  { who: 'an intermediate driver that changes a byte', mutant: intermediate(intermediates.ChangesBytes), says: /is not the one that was sent/ },
  { who: 'an intermediate driver that leaks entries', mutant: intermediate(intermediates.LeaksEntries), says: /IM_OFFLOAD_ENTRY are left/, world: { seed: 1 } },
  { who: 'an intermediate driver that denies data that was taken', mutant: intermediate(intermediates.DeniesData), says: /CHIM-|not the one that was sent|bytes were received/ },
  { who: 'an intermediate driver that keeps updates', mutant: intermediate(intermediates.KeepsUpdates), says: /the target has other state/ },
  { who: 'an intermediate driver that never pauses', mutant: intermediate(intermediates.NeverPauses), says: /does not run again|cannot be closed/ },
  { who: 'an intermediate driver that goes on after it asked for the upload', mutant: intermediate(intermediates.GoesOn), says: /CHIM-|came back at byte|is not the one that was sent/, world: { limits: SHORT, intermediates: 1 } },
  { who: 'an intermediate driver that owes completions at a terminate', mutant: intermediate(intermediates.OvertakesFailures), says: /CHIM-TRM-007/, world: { limits: SHORT, intermediates: 1 } },
  { who: 'a target that forgets updates', mutant: target(targets.ForgetsUpdates), says: /the target has other state/ },
  { who: 'a target that drops an unread byte', mutant: target(targets.DropsUnreadByte), says: /bytes received, of which/ },
  { who: 'a target that acknowledges too much', mutant: target(targets.AcknowledgesTooMuch), says: /came back at byte|are acknowledged/ },
  { who: 'a target that reports other state', mutant: target(targets.ReportsOtherState), says: /the target has other state of a path: pathMtu/ },
  { who: 'a target that loses receives', mutant: target(targets.LosesReceives), says: /CHIM-TRM-007/ },
  { who: 'a target that indicates twice', mutant: target(targets.IndicatesTwice), says: /is not the one that was sent|CHIM-/ },
  { who: 'a host that keeps what was indicated', mutant: { host: hosts.keepsIndications }, says: /cannot be closed|are left|does not run again/ },
  { who: 'a host that believes in failed updates', mutant: { host: hosts.believesUpdates }, says: /the target has other state/, world: { refusals: { ...NO_REFUSALS, update: 50 } } },
  { who: 'a host that loses receives', mutant: { host: hosts.losesReceives }, says: /requests that have not ended|CHIM-TRM-007/ },
  { who: 'a host that drops data', mutant: { host: hosts.dropsData }, says: /is not the one that was sent|bytes received, of which/ },
  { who: 'a host that never recovers what was lost', mutant: { host: hosts.neverRecovers }, says: /objects did not come back|cannot be closed|does not run again|without an end/, world: { refusals: { ...NO_REFUSALS, terminate: 60 } } },
];

/** Walks on which something goes wrong are tried again so often, shorter and shorter. */
const MOST_SHORTER = 60;

describe('a walk finds', () => {
  test.each(cases)('$who', async ({ mutant, says, world }) => {
    let shorter = 0;
    const few = fc.integer({ min: 1, max: 4 });
    const plans = walks(80, few).map((plan): WalkPlan => ({ ...plan, world: { ...plan.world, intermediates: Math.max(1, plan.world.intermediates), limits: {}, ...world } }));
    const longest: number[] = [];
    const details = await fc.check(
      fc.asyncProperty(plans, async (plan) => {
        fc.pre(shorter < MOST_SHORTER);
        if (longest.length > 0) shorter++;
        try {
          await new Walk(plan, noTransitions(), mutant).run();
        } catch (error) {
          longest.push(plan.commands.length);
          throw error;
        }
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(details.failed).toBe(true);
    const [plan] = present(details.counterexample);
    expect(String(details.errorInstance)).toMatch(says);
    expect(plan.commands.length).toBeLessThan(pick(longest, 0));
  }, 60_000);
});
