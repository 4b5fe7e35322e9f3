import type { Scenario } from './scenario.ts';

export const capabilitiesScenarios: readonly Scenario[] = [];
