import type { Broken } from './broken-target.ts';

export const brokenBlocks: readonly Broken[] = [];
