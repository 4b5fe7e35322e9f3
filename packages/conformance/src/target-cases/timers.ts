import type { TargetCase } from './target-case.ts';

export const timersCases: readonly TargetCase[] = [];
