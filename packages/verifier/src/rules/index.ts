import type { Rule } from '../rule.ts';
import { sendRules } from './send.ts';

/** Every rule of the chimney, decided or not, in the order of its group. */
export const RULES: readonly Rule[] = [...sendRules];
