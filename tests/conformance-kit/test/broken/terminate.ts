import type { Broken } from './broken-target.ts';

export const brokenTerminate: readonly Broken[] = [];
