import { AssertionError } from 'node:assert';

import { describe, expect, it } from 'vitest';

import type { Group } from './group.ts';
import { GROUPS } from './groups/index.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants/index.ts';
import { runGroup } from './run-group.ts';
import type { Observation } from './world/observers.ts';

const OBSERVATIONS: readonly Observation[] = ['nobody', 'crossings'];

/** What came of one group's test with one mutant; the error is null when the test passed. */
interface Outcome {
  readonly group: string;
  readonly depth: number;
  readonly error: unknown;
}

/** Runs a group's test with a mutant, in every depth, unobserved and observed. */
function outcomesOf(group: Group, { createFaults }: Mutant): Outcome[] {
  const settings = group.depths.flatMap((depth) => OBSERVATIONS.map((observation) => ({ depth, observation })));
  return settings.map(({ depth, observation }) => {
    try {
      runGroup(group, { depth, observation, faults: createFaults() });
      return { group: group.id, depth, error: null };
    } catch (error) {
      return { group: group.id, depth, error };
    }
  });
}

/** Without intermediate drivers there is none that could be wrong. */
function mustNotice({ group, party }: Mutant, outcome: Outcome): boolean {
  return outcome.group === group && (party !== 'an intermediate driver' || outcome.depth > 0);
}

function print({ group, depth, error }: Outcome): string {
  if (error === null) return `${group} through ${depth} passed`;
  return `${group} through ${depth}: ${error instanceof Error ? error.message : 'something that is no error was thrown'}`;
}

describe('the tests and the mutants', () => {
  it('belong together: every mutant is of a group, and every group has a mutant', () => {
    const groups = new Set(GROUPS.map(({ id }) => id));
    expect(new Set(MUTANTS.map(({ group }) => group))).toEqual(groups);
  });

  for (const mutant of MUTANTS) {
    const { seeds = [], rules = [] } = GROUPS.find(({ id }) => id === mutant.group) ?? {};
    it(`${mutant.group} (${[...seeds, ...rules].join(' ')}), and no other group, notices ${mutant.party} that ${mutant.does}`, () => {
      const outcomes = GROUPS.flatMap((group) => outcomesOf(group, mutant));
      const notice = outcomes.filter((outcome) => mustNotice(mutant, outcome));
      // An AssertionError is what a check throws: the test has seen what is wrong, and has not merely broken down.
      expect(notice.filter(({ error }) => !(error instanceof AssertionError)).map(print)).toEqual([]);
      expect(notice.length).toBeGreaterThan(0);
      expect(outcomes.filter((outcome) => !mustNotice(mutant, outcome) && outcome.error !== null).map(print)).toEqual([]);
    });
  }
});
