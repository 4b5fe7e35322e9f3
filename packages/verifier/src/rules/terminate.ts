import type { Rule } from '../rule.ts';

export const terminateRules: readonly Rule[] = [];
