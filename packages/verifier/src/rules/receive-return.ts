import type { Rule } from '../rule.ts';

export const receiveReturnRules: readonly Rule[] = [];
