import type { TargetCase } from './target-case.ts';

export const vlanCases: readonly TargetCase[] = [];
