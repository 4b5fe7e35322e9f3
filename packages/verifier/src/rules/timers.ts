import type { Rule } from '../rule.ts';

export const timersRules: readonly Rule[] = [];
