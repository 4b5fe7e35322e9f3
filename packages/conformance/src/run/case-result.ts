import type { Ability, ConformanceCase } from '../case.ts';
import { ABILITY } from '../case.ts';

/**
 * How a case ended: `failed` counts against the subject; `advisory` is the failure of an advisory case, which does not;
 * `skipped` was not run, because the subject lacks an ability.
 */
export type CaseOutcome = 'passed' | 'failed' | 'advisory' | 'skipped';

/** What became of one case: plain data, for reports. */
export interface CaseResult extends Omit<ConformanceCase, 'run'> {
  readonly outcome: CaseOutcome;
  /** What the subject did wrong, or why the case was skipped; empty when it passed. */
  readonly problem: string;
  /** Where it was thrown, when it was not a sentence of the kit but an error of the subject; empty otherwise. */
  readonly stack: string;
  /** By the clock of the run. */
  readonly durationMs: number;
}

/** How many cases ended in which way. */
export type CaseCounts = Readonly<Record<CaseOutcome, number>>;

/** Counts results by their outcome. */
export function countResults(results: readonly Pick<CaseResult, 'outcome'>[]): CaseCounts {
  const counts = { passed: 0, failed: 0, advisory: 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

/** Why a case is not run: which abilities the subject lacks, and what they are. */
export function skipReason(missing: readonly Ability[]): string {
  return `needs ${missing.map((ability) => `${ability} (${ABILITY[ability] ?? 'unknown here'})`).join(', ')}`;
}

/** What a case threw, in words: a sentence of the kit as it is, any other error with its name. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  return isSentence(error) ? error.message : `threw ${error.name}: ${error.message}`;
}

/** Where an error came from; empty for a sentence of the kit. */
export function stackOf(error: unknown): string {
  return error instanceof Error && !isSentence(error) ? (error.stack ?? '') : '';
}

/** By name: the cases may come from another copy of the kit. */
function isSentence({ name }: Error): boolean {
  return name === 'ConformanceFailure';
}
