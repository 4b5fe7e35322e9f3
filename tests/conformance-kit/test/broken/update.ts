import type { Broken } from './broken-target.ts';

export const brokenUpdate: readonly Broken[] = [];
