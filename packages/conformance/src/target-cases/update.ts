import type { TargetCase } from './target-case.ts';

export const updateCases: readonly TargetCase[] = [];
