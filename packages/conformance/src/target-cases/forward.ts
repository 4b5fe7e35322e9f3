import type { TargetCase } from './target-case.ts';

export const forwardCases: readonly TargetCase[] = [];
