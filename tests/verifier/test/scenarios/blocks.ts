import type { Scenario } from './scenario.ts';

export const blocksScenarios: readonly Scenario[] = [];
