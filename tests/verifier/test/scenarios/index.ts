import type { Scenario } from './scenario.ts';
import { sendScenarios } from './send.ts';

/** All scenarios, by rule group. */
export const scenarios: readonly Scenario[] = [...sendScenarios];
