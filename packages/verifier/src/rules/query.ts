import type { Rule } from '../rule.ts';

export const queryRules: readonly Rule[] = [];
