import type { Broken } from './broken-target.ts';

export const brokenNetBufferLists: readonly Broken[] = [];
