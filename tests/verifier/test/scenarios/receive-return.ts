import type { Scenario } from './scenario.ts';

export const receiveReturnScenarios: readonly Scenario[] = [];
