import type { Scenario } from './scenario.ts';

export const timestampsScenarios: readonly Scenario[] = [];
