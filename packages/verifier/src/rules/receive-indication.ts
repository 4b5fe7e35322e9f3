import type { Rule } from '../rule.ts';

export const receiveIndicationRules: readonly Rule[] = [];
