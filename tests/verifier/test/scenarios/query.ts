import type { Scenario } from './scenario.ts';

export const queryScenarios: readonly Scenario[] = [];
