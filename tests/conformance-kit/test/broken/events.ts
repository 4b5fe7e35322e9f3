import type { Broken } from './broken-target.ts';

export const brokenEvents: readonly Broken[] = [];
