import type { Scenario } from './scenario.ts';

export const initiateScenarios: readonly Scenario[] = [];
