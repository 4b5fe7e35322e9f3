import type { Rule } from '../rule.ts';

export const forwardRules: readonly Rule[] = [];
