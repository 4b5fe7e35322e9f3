import type { Rule } from '../rule.ts';

export const netBufferListsRules: readonly Rule[] = [];
