import { createProbeStack, present, type ProbeStack } from '@ndis-chimney/kit';
import { RULES, attachVerifier, type Verifier } from '@ndis-chimney/verifier';
import { describe, expect, test } from 'vitest';

import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** Probes indicate from wherever a test makes them: at PASSIVE_LEVEL, as a rule. */
const ABOUT_LEVELS = 'CHIM-EVT-020';

function watched({ rule, stack: options = {} }: Scenario): { readonly stack: ProbeStack; readonly verifier: Verifier } {
  const verifiers: Verifier[] = [];
  const stack = createProbeStack({
    isEnabled: true,
    ...options,
    onNdis: (ndis) => {
      verifiers.push(attachVerifier(ndis, { except: rule === ABOUT_LEVELS ? [] : [ABOUT_LEVELS] }));
    },
    onDown: () => {
      verifiers[0]?.finish();
    },
  });
  return { stack, verifier: present(verifiers[0]) };
}

/** What NDIS and the verifier found, advice included, each once. */
function found({ violations }: ProbeStack, { findings }: Verifier): string[] {
  const reported = violations.map(({ rule, actor }) => `${rule} ${actor}`);
  return [...new Set([...reported, ...findings.map(({ rule, actor }) => `${rule.id} ${actor}`)])];
}

describe('the verifier', () => {
  test.each(scenarios)('$rule: catches $catches', (scenario) => {
    const { stack, verifier } = watched(scenario);
    scenario.broken(stack);
    if (scenario.isEventual !== true) expect(found(stack, verifier)).toEqual([`${scenario.rule} ${scenario.actor}`]);
    verifier.finish();
    expect(found(stack, verifier)).toContain(`${scenario.rule} ${scenario.actor}`);
    expect(new Set(verifier.findings.map(({ rule }) => rule.id)).size).toBeLessThanOrEqual(1);
  });

  test.each(scenarios)('$rule: does not flag it when it is done right', (scenario) => {
    const { stack, verifier } = watched(scenario);
    scenario.clean(stack);
    stack.close();
    expect(verifier.findings).toEqual([]);
  });

  test('decides every rule it says it decides, and what it does not decide it gives a reason for', () => {
    const caught = new Set(scenarios.map(({ rule }) => rule));
    expect(RULES.filter(({ id, decidedBy }) => decidedBy !== 'nobody' && !caught.has(id)).map(({ id }) => id)).toEqual([]);
    expect(RULES.filter(({ decidedBy, missing }) => decidedBy === 'nobody' && (missing ?? '') === '').map(({ id }) => id)).toEqual([]);
    expect(RULES.filter(({ decidedBy, watch }) => (decidedBy === 'verifier') !== (watch !== undefined)).map(({ id }) => id)).toEqual([]);
  });
});
