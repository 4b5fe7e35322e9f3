import type { Broken } from './broken-target.ts';

export const brokenQuery: readonly Broken[] = [];
