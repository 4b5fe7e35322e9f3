import type { TargetCase } from './target-case.ts';

export const disconnectCases: readonly TargetCase[] = [];
