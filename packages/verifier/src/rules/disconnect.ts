import type { Rule } from '../rule.ts';

export const disconnectRules: readonly Rule[] = [];
