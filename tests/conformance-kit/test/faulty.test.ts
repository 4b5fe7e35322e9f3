// What has faults that do not strike keeps the contract: wrapping as such changes nothing.
import { intermediateConformance, offloadTargetConformance, type ConformanceCase, type IntermediateConformanceOptions, type OffloadTargetConformanceOptions } from '@ndis-chimney/conformance';
import { FAULTS, withFaults, type FaultEdge, type FaultPlan } from '@ndis-chimney/target-faulty';
import type { MiniportDriver } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { passThroughSubject } from './intermediate-subjects.ts';
import { memorySubject } from './subjects.ts';

const EMPTY: FaultPlan = { faults: [] };

/** Every fault there is at an edge, each with its taps in place, and none before the end of time. */
const idle = (edge: FaultEdge): FaultPlan => ({
  seed: 1,
  faults: Object.values(FAULTS).filter(({ edges }) => edges.includes(edge)).map(({ id }) => ({ fault: id, window: { fromMs: Number.MAX_SAFE_INTEGER } })),
});

const faultyMemory = (plan: FaultPlan): OffloadTargetConformanceOptions => ({
  ...memorySubject,
  create: async (environment, wishes) => {
    const made = await memorySubject.create(environment, wishes);
    withFaults(made.target, plan, environment);
    return made;
  },
});

const faultyPassThrough = (plan: FaultPlan): IntermediateConformanceOptions => {
  const base = passThroughSubject();
  return {
    ...base,
    create: async (ndis, wishes) => {
      const driver = await base.create(ndis, wishes);
      withFaults(driver as typeof driver & MiniportDriver<never>, plan, ndis);
      return driver;
    },
  };
};

const subjects: readonly (readonly [string, readonly ConformanceCase[]])[] = [
  ['target-memory with an empty plan', offloadTargetConformance(faultyMemory(EMPTY))],
  ['target-memory with every fault, none of which strikes', offloadTargetConformance(faultyMemory(idle('target')))],
  ['PassThroughDriver with an empty plan', intermediateConformance(faultyPassThrough(EMPTY))],
  ['PassThroughDriver with every fault, none of which strikes', intermediateConformance(faultyPassThrough(idle('intermediate')))],
];

describe.each(subjects)('%s', (_name, cases) => {
  for (const { id, title, rules, missing, run } of cases) {
    test.skipIf(missing.length > 0)(`${id}: ${title} (${rules.join(', ')})`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
