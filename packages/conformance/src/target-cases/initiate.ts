import type { TargetCase } from './target-case.ts';

export const initiateCases: readonly TargetCase[] = [];
