import type { TargetCase } from './target-case.ts';

export const netBufferListsCases: readonly TargetCase[] = [];
