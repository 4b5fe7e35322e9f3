import type { Scenario } from './scenario.ts';

export const terminateScenarios: readonly Scenario[] = [];
