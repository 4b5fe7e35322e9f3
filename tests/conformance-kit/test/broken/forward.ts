import type { Broken } from './broken-target.ts';

export const brokenForward: readonly Broken[] = [];
