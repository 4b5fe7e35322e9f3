import type { Broken } from './broken-target.ts';

export const brokenReceive: readonly Broken[] = [];
