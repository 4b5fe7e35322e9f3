import type { Broken } from './broken-target.ts';

export const brokenTimers: readonly Broken[] = [];
