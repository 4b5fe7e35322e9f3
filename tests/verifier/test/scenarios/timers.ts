import type { Scenario } from './scenario.ts';

export const timersScenarios: readonly Scenario[] = [];
