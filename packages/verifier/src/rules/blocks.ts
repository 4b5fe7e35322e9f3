import type { Rule } from '../rule.ts';

export const blocksRules: readonly Rule[] = [];
