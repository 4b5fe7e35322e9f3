import type { TargetCase } from './target-case.ts';

export const eventsCases: readonly TargetCase[] = [];
