import type { Scenario } from './scenario.ts';

export const vlanScenarios: readonly Scenario[] = [];
