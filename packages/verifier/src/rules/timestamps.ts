import type { Rule } from '../rule.ts';

export const timestampsRules: readonly Rule[] = [];
