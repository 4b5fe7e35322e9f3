import type { Scenario } from './scenario.ts';

export const stateScenarios: readonly Scenario[] = [];
