import type { Broken } from './broken-target.ts';

export const brokenPower: readonly Broken[] = [];
