import type { Broken } from './broken-target.ts';

export const brokenCapabilities: readonly Broken[] = [];
