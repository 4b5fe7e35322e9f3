import type { Scenario } from './scenario.ts';

export const receiveScenarios: readonly Scenario[] = [];
