import type { Scenario } from './scenario.ts';

export const netBufferListsScenarios: readonly Scenario[] = [];
