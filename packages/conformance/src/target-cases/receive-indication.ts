import type { TargetCase } from './target-case.ts';

export const receiveIndicationCases: readonly TargetCase[] = [];
