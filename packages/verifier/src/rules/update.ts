import type { Rule } from '../rule.ts';

export const updateRules: readonly Rule[] = [];
