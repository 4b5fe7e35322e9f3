import type { Scenario } from './scenario.ts';

export const powerScenarios: readonly Scenario[] = [];
