import type { TargetCase } from './target-case.ts';

export const queryCases: readonly TargetCase[] = [];
