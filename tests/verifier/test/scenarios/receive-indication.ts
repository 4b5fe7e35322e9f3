import type { Scenario } from './scenario.ts';

export const receiveIndicationScenarios: readonly Scenario[] = [];
