import type { Scenario } from './scenario.ts';

export const updateScenarios: readonly Scenario[] = [];
