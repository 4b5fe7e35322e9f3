import type { Rule } from '../rule.ts';

export const lifeCycleRules: readonly Rule[] = [];
