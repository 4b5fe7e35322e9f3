import type { TargetCase } from './target-case.ts';

export const terminateCases: readonly TargetCase[] = [];
