import { REQUIREMENTS } from '../requirements.ts';
import type { ConformanceCase } from '../case.ts';
import { problemOf, skipReason } from './case-result.ts';

/** What the kit needs of a test runner: `describe` and `test` of Vitest, Jest and their like, imported or global. */
export interface DescribeAndTest {
  describe(name: string, body: () => void): unknown;
  readonly test: {
    (name: string, body: () => Promise<void>): unknown;
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

/** Options of {@link defineConformance}. */
export interface DefineConformanceOptions {
  /** Told what an advisory case says against the subject; the test passes. Default: a warning on the console. */
  readonly onAdvisory?: (subject: ConformanceCase, problem: string) => void;
}

/**
 * Defines a test for each case, grouped by requirement:
 *
 * ```
 * import { describe, test } from 'vitest';
 * defineConformance(offloadTargetConformance({ create }), { describe, test });
 * ```
 *
 * A case whose abilities the subject lacks is defined as skipped, with the reason in its name. Advisory cases are run and
 * reported, and pass.
 */
export function defineConformance(cases: readonly ConformanceCase[], runner: DescribeAndTest, options: DefineConformanceOptions = {}): void {
  const { onAdvisory = warn } = options;
  for (const [name, members] of groupCases(cases)) {
    runner.describe(name, () => {
      for (const subject of members) {
        const { missing, isAdvisory, run } = subject;
        if (missing.length > 0) runner.test.skip(`${nameOf(subject)} [${skipReason(missing)}]`, run);
        else if (!isAdvisory) runner.test(nameOf(subject), run);
        else runner.test(`${nameOf(subject)} [advisory]`, () => run().catch((error: unknown) => { onAdvisory(subject, problemOf(error)); }));
      }
    });
  }
}

/** Cases by the clause they belong to, as a name for the group; in the order of the cases. */
export function groupCases(cases: readonly ConformanceCase[]): Map<string, ConformanceCase[]> {
  const groups = new Map<string, ConformanceCase[]>();
  for (const subject of cases) {
    const clause = REQUIREMENTS[subject.requirement]?.clause;
    const name = clause === undefined ? subject.requirement : `${subject.requirement} ${clause}`;
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [subject]);
    else members.push(subject);
  }
  return groups;
}

/** What a case is called in a list of tests. */
export function nameOf({ id, title, rules }: Pick<ConformanceCase, 'id' | 'title' | 'rules'>): string {
  return rules.length === 0 ? `${id}: ${title}` : `${id}: ${title} (${rules.join(', ')})`;
}

function warn({ id }: ConformanceCase, problem: string): void {
  console.warn(`advisory, fails nobody: ${id}: ${problem}`);
}
