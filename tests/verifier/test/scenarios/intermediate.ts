import type { Scenario } from './scenario.ts';

export const intermediateScenarios: readonly Scenario[] = [];
