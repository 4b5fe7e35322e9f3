import type { TargetCase } from './target-case.ts';

export const receiveReturnCases: readonly TargetCase[] = [];
