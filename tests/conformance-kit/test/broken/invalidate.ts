import type { Broken } from './broken-target.ts';

export const brokenInvalidate: readonly Broken[] = [];
