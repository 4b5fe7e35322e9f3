import type { TargetCase } from './target-case.ts';

export const powerCases: readonly TargetCase[] = [];
