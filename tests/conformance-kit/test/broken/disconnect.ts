import type { Broken } from './broken-target.ts';

export const brokenDisconnect: readonly Broken[] = [];
