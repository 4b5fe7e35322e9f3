import type { TargetCase } from './target-case.ts';

export const blocksCases: readonly TargetCase[] = [];
