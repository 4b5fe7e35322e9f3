import type { Scenario } from './scenario.ts';

export const forwardScenarios: readonly Scenario[] = [];
