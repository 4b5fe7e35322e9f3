import type { Broken } from './broken-target.ts';

export const brokenReceiveIndication: readonly Broken[] = [];
