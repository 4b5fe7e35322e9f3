import type { Broken } from './broken-target.ts';

export const brokenVlan: readonly Broken[] = [];
