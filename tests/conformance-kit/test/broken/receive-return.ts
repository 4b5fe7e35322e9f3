import type { Broken } from './broken-target.ts';

export const brokenReceiveReturn: readonly Broken[] = [];
