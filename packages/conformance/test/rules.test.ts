// Which rules the cases decide, of all there are.
import { UNDECIDED_RULES, intermediateConformance, offloadTargetConformance, type ConformanceCase } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { driverRuleIds, ruleIds } from './rule-catalogue.ts';

const neverMade = (): never => {
  throw new Error('no case is run here');
};
const cases: readonly ConformanceCase[] = [...offloadTargetConformance({ create: neverMade }), ...intermediateConformance({ create: neverMade })];
const claimed = new Set(cases.flatMap(({ rules }) => rules));
const undecided = Object.keys(UNDECIDED_RULES);

describe('the rules of the contract', () => {
  test('are 220, most of them for targets and intermediate drivers', () => {
    expect([new Set(ruleIds).size, driverRuleIds.length]).toEqual([220, 186]);
  });

  test('for targets and intermediate drivers are claimed by a case, or listed with the reason why not', () => {
    expect(driverRuleIds.filter((id) => !claimed.has(id) && !undecided.includes(id))).toEqual([]);
  });

  test('are not listed as undecided while a case claims them, nor when they are for somebody else', () => {
    expect(undecided.filter((id) => claimed.has(id) || !driverRuleIds.includes(id))).toEqual([]);
    expect(Object.values(UNDECIDED_RULES).filter((reason) => !/^(?:needs|depends on) /u.test(reason))).toEqual([]);
  });

  test('are all that a case claims, once each, and at least one', () => {
    expect(cases.filter(({ rules }) => rules.length === 0 || new Set(rules).size !== rules.length || !rules.every((id) => ruleIds.includes(id))).map(({ id }) => id)).toEqual([]);
  });
});
