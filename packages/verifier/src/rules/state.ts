import type { Rule } from '../rule.ts';

export const stateRules: readonly Rule[] = [];
