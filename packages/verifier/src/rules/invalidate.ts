import type { Rule } from '../rule.ts';

export const invalidateRules: readonly Rule[] = [];
