import type { TargetCase } from './target-case.ts';

export const capabilitiesCases: readonly TargetCase[] = [];
