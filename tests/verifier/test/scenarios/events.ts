import type { Scenario } from './scenario.ts';

export const eventsScenarios: readonly Scenario[] = [];
