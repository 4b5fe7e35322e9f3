import type { Broken } from './broken-target.ts';

export const brokenInitiate: readonly Broken[] = [];
