import type { Broken } from './broken-target.ts';

export const brokenTimestamps: readonly Broken[] = [];
