import type { Rule } from '../rule.ts';

export const powerRules: readonly Rule[] = [];
