import type { TargetCase } from './target-case.ts';

export const invalidateCases: readonly TargetCase[] = [];
