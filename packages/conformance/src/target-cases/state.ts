import type { TargetCase } from './target-case.ts';

export const stateCases: readonly TargetCase[] = [];
