import type { Rule } from '../rule.ts';

export const initiateRules: readonly Rule[] = [];
