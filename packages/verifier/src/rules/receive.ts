import type { Rule } from '../rule.ts';

export const receiveRules: readonly Rule[] = [];
