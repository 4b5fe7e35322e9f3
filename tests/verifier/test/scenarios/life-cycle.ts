import type { Scenario } from './scenario.ts';

export const lifeCycleScenarios: readonly Scenario[] = [];
