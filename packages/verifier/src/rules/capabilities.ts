import type { Rule } from '../rule.ts';

export const capabilitiesRules: readonly Rule[] = [];
