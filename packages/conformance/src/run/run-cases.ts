import type { Clock, TimerRoutine } from '@ndis-chimney/types';

import type { ConformanceCase } from '../case.ts';
import { ConformanceFailure } from '../check.ts';
import { countResults, problemOf, skipReason, stackOf, type CaseCounts, type CaseOutcome, type CaseResult } from './case-result.ts';

/** How long a case may take, in milliseconds of the run's clock; twice what a case waits for a single thing. */
const PATIENCE_MS = 120_000;

/**
 * Tells what nobody caught while a case ran: a timer routine that threw, a promise that nobody waits for.
 * @param report takes each error. @returns what ends the watch, and resolves when nothing more can come from before.
 */
export type UncaughtWatch = (report: (error: unknown) => void) => () => Promise<void>;

/** Options of {@link runCases}. */
export interface RunCasesOptions {
  /** Measures durations and patience: `new SystemClock()` of `@ndis-chimney/core/runtime`. */
  readonly clock: Clock;
  /** Which cases to run. Default all. */
  readonly filter?: (subject: ConformanceCase) => boolean;
  /** Called before each case that is run. */
  readonly onStart?: (subject: ConformanceCase) => void;
  /** Called after each case, also one that was skipped. */
  readonly onResult?: (result: CaseResult) => void;
  /** How long a case may take, in milliseconds of the clock, before it fails and is left alone. Default 120000. */
  readonly patienceMs?: number;
  /** Brings errors that no case can catch; the first one during a case fails it. Default none. */
  readonly watchUncaught?: UncaughtWatch;
}

/** What became of a list of cases. */
export interface CasesRun {
  /** In the order of the cases. */
  readonly results: readonly CaseResult[];
  readonly counts: CaseCounts;
  /** By the clock of the run. */
  readonly durationMs: number;
}

/**
 * Runs cases one after the other. A case fails when it throws, whatever it throws. This is what the command does; in a
 * test runner, `defineConformance` is shorter.
 */
export async function runCases(cases: readonly ConformanceCase[], options: RunCasesOptions): Promise<CasesRun> {
  const { clock, filter = () => true, onStart, onResult } = options;
  const startMs = clock.now();
  const results: CaseResult[] = [];
  for (const subject of cases) {
    if (!filter(subject)) continue;
    if (subject.missing.length === 0) onStart?.(subject);
    const result = await runCase(subject, options);
    results.push(result);
    onResult?.(result);
  }
  return { results, counts: countResults(results), durationMs: clock.now() - startMs };
}

async function runCase(subject: ConformanceCase, { clock, patienceMs = PATIENCE_MS, watchUncaught }: RunCasesOptions): Promise<CaseResult> {
  const { id, title, rules, requirement, requires, missing, isAdvisory } = subject;
  const startMs = clock.now();
  const ended = (outcome: CaseOutcome, problem = '', stack = ''): CaseResult => {
    return { id, title, rules, requirement, requires, missing, isAdvisory, outcome, problem, stack, durationMs: clock.now() - startMs };
  };
  if (missing.length > 0) return ended('skipped', skipReason(missing));
  // Boxed: what is thrown may be undefined.
  let thrown: { readonly error: unknown } | null = null;
  const fail = (error: unknown): void => {
    thrown ??= { error };
  };
  let stopWatch: (() => Promise<void>) | undefined;
  const interruption = new Promise<void>((resolve) => {
    stopWatch = watchUncaught?.((error) => {
      fail(error);
      resolve();
    });
  });
  const patience = new Patience(clock, patienceMs);
  try {
    // A case that throws before its first await is no different.
    await Promise.race([Promise.resolve().then(() => subject.run()), interruption, patience.end]);
  } catch (error) {
    fail(error);
  }
  patience.stop();
  await stopWatch?.();
  // Widened: assigned in a callback.
  const failure = thrown as { readonly error: unknown } | null;
  if (failure === null) return ended('passed');
  return ended(isAdvisory ? 'advisory' : 'failed', problemOf(failure.error), stackOf(failure.error));
}

/** Rejects when a case has taken too long. */
class Patience implements TimerRoutine {
  /** Never resolves. */
  readonly end: Promise<never>;
  /** Ends the wait. */
  readonly stop: () => void;
  private readonly patienceMs: number;
  private reject: (error: unknown) => void = () => undefined;

  constructor(clock: Clock, patienceMs: number) {
    this.patienceMs = patienceMs;
    this.end = new Promise<never>((_resolve, reject) => {
      this.reject = reject;
    });
    const timer = clock.createTimer(this);
    timer.start(patienceMs);
    this.stop = () => {
      timer.cancel();
    };
  }

  timerExpired(): void {
    this.reject(new ConformanceFailure(`did not end within ${this.patienceMs} ms`));
  }
}
