import type { Broken } from './broken-target.ts';

export const brokenState: readonly Broken[] = [];
