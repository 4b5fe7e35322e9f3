import type { TargetCase } from './target-case.ts';

export const timestampsCases: readonly TargetCase[] = [];
