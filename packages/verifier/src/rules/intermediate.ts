import type { Rule } from '../rule.ts';

export const intermediateRules: readonly Rule[] = [];
