import type { Scenario } from './scenario.ts';

export const invalidateScenarios: readonly Scenario[] = [];
