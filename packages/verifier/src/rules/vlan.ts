import type { Rule } from '../rule.ts';

export const vlanRules: readonly Rule[] = [];
