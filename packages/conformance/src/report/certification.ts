import { REQUIREMENTS, type RequirementId } from '../requirements.ts';
import { countResults, type CaseCounts, type CaseResult } from '../run/case-result.ts';
import type { CasesRun } from '../run/run-cases.ts';
import { UNDECIDED_RULES } from '../undecided-rules.ts';

/**
 * What can be said of a subject: `failed` when a case that counts failed; `undecided` when no case that counts was run,
 * so that nothing is known; `passed` otherwise.
 */
export type Verdict = 'passed' | 'failed' | 'undecided';

/**
 * What can be said of a clause: a verdict of its cases; `partly` when some passed and the subject lacks what others need;
 * `advisory` when only advisory cases say something, against the subject; `skipped` when the subject lacks what all of them
 * need; `undecidable` when no case can decide it; `untested` when none of those run belongs to it.
 */
export type ClauseState = 'passed' | 'partly' | 'failed' | 'advisory' | 'skipped' | 'undecidable' | 'untested';

/** One clause of the requirements, with the cases that belong to it. */
export interface ClauseReport {
  readonly id: string;
  /** The requirement or test job the clause is part of. */
  readonly source: string;
  readonly clause: string;
  readonly state: ClauseState;
  /** Why no case can decide it; empty when cases do. */
  readonly undecidable: string;
  readonly counts: CaseCounts;
  readonly results: readonly CaseResult[];
}

/** A rule for targets or intermediate drivers of which no report says anything. */
export interface UndecidedRule {
  readonly id: string;
  /** Why no case decides it. */
  readonly reason: string;
}

/** What a run of cases says about a subject, clause by clause: plain data, also as JSON. */
export interface CertificationReport {
  /** Who was tried. */
  readonly subject: string;
  /** What the order of DPCs and the subject's chance came from; empty when it was not told. */
  readonly seed: string | number;
  readonly verdict: Verdict;
  readonly counts: CaseCounts;
  readonly durationMs: number;
  /** Every clause in the order of the requirements, also those without a case. */
  readonly clauses: readonly ClauseReport[];
  /** What nothing is said of, whoever is tried. */
  readonly undecidedRules: readonly UndecidedRule[];
}

/** Makes the report of a run. @param seed what the run was repeatable by, if it is known. */
export function certify(subject: string, { results, counts, durationMs }: CasesRun, seed: string | number = ''): CertificationReport {
  const known = Object.keys(REQUIREMENTS);
  // Cases of a later kit may belong to clauses that this one does not know.
  const later = new Set<string>(results.map(({ requirement }) => requirement).filter((id) => !known.includes(id)));
  return {
    subject,
    seed,
    verdict: verdictOf(counts),
    counts,
    durationMs,
    clauses: [...known, ...later].map((id) => clauseReport(id, results.filter(({ requirement }) => requirement === id))),
    undecidedRules: Object.entries(UNDECIDED_RULES).map(([id, reason]) => ({ id, reason })),
  };
}

function verdictOf({ passed, failed }: CaseCounts): Verdict {
  if (failed > 0) return 'failed';
  return passed > 0 ? 'passed' : 'undecided';
}

function clauseReport(id: string, results: readonly CaseResult[]): ClauseReport {
  const { source, clause, undecidable = '' } = REQUIREMENTS[id as RequirementId] ?? { source: 'unknown here', clause: id };
  const counts = countResults(results);
  return { id, source, clause, state: stateOf(counts, undecidable), undecidable, counts, results };
}

function stateOf(counts: CaseCounts, undecidable: string): ClauseState {
  const verdict = verdictOf(counts);
  if (verdict === 'passed' && counts.skipped > 0) return 'partly';
  if (verdict !== 'undecided') return verdict;
  if (counts.advisory > 0) return 'advisory';
  if (counts.skipped > 0) return 'skipped';
  return undecidable === '' ? 'untested' : 'undecidable';
}

/** All results with this outcome, in the order of the clauses. */
export function resultsOf({ clauses }: CertificationReport, outcome: CaseResult['outcome']): CaseResult[] {
  return clauses.flatMap(({ results }) => results.filter((result) => result.outcome === outcome));
}

/** The verdict in one line. */
export function verdictLine({ verdict, counts, durationMs }: CertificationReport): string {
  const { passed, failed, advisory, skipped } = counts;
  const parts = [`${failed} failed`, `${passed} passed`, `${skipped} skipped`];
  if (advisory > 0) parts.push(`${advisory} advisory ${advisory === 1 ? 'failure' : 'failures'}`);
  return `${verdict.toUpperCase()}: ${parts.join(', ')}, in ${secondsOf(durationMs)} s`;
}

/** Milliseconds as seconds with two or three places. */
export function secondsOf(ms: number): string {
  return (ms / 1000).toFixed(ms < 1000 ? 3 : 2);
}
