import type { TargetCase } from './target-case.ts';

export const receiveCases: readonly TargetCase[] = [];
