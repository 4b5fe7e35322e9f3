import { describe, test } from 'node:test';

import type { ConformanceCase } from '../case.ts';
import { skipReason } from '../run/case-result.ts';
import { groupCases, nameOf } from '../run/define-conformance.ts';

/**
 * Defines a test of `node:test` for each case, grouped by requirement:
 *
 * ```
 * testConformance(offloadTargetConformance({ create }));
 * ```
 *
 * A case whose abilities the subject lacks is skipped with the reason. Advisory cases are `todo`: run, reported with what
 * they say, and failing nobody.
 */
export function testConformance(cases: readonly ConformanceCase[]): void {
  for (const [name, members] of groupCases(cases)) {
    // The runner reports what goes wrong, in these promises too.
    void describe(name, () => {
      for (const subject of members) {
        const { missing, isAdvisory, run } = subject;
        const options = {
          ...(missing.length > 0 && { skip: skipReason(missing) }),
          ...(isAdvisory && { todo: 'advisory' }),
        };
        void test(nameOf(subject), options, run);
      }
    });
  }
}
