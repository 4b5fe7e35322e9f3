import type { Scenario } from './scenario.ts';

export const disconnectScenarios: readonly Scenario[] = [];
