/**
 * The three sources of nondeterminism, as contracts. Nothing in this project reads a clock, draws a number or defers
 * work except through them; `@ndis-chimney/core/runtime` has one implementation of each for production and one for
 * tests.
 */

/** Simulated interrupt request level: passive code may wait, code in a DPC runs at dispatch level. */
export const IRQL = { PASSIVE_LEVEL: 0, DISPATCH_LEVEL: 2 } as const;
export type IRQL = (typeof IRQL)[keyof typeof IRQL];

/** What a {@link Dpc} runs. */
export interface DeferredRoutine {
  /** Runs at DISPATCH_LEVEL. It must not throw; what it throws is reported against it and the drain goes on. */
  runDpc(dpc: Dpc): void;
}

/**
 * A deferred procedure call, allocated once and queued again and again. Queueing one that is queued already is a
 * no-op, so a burst of completions costs one run.
 */
export class Dpc {
  readonly deferredRoutine: DeferredRoutine;
  /** True from `insert` until the routine is about to run. */
  isQueued = false;

  constructor(deferredRoutine: DeferredRoutine) {
    this.deferredRoutine = deferredRoutine;
  }
}

/** Told what a DPC threw. */
export type DpcErrorListener = (error: unknown, dpc: Dpc) => void;

/** Runs DPCs, each pass in some order that the implementation fixes. Work queued during a pass runs in the next one. */
export interface DpcQueue {
  /** DISPATCH_LEVEL while a DPC runs, PASSIVE_LEVEL otherwise. */
  readonly irql: IRQL;
  /** DPCs begun so far: two moments with the same count lie in one DPC. A queue need not count. */
  readonly runCount?: number;
  /** Queues the DPC. @returns false when it was queued already (KeInsertQueueDpc). */
  insert(dpc: Dpc): boolean;
  /** Takes the DPC off the queue. @returns false when it was not queued (KeRemoveQueueDpc). */
  remove(dpc: Dpc): boolean;
  /** Adds a listener for what DPCs throw. @returns a function that removes it. */
  onError(listener: DpcErrorListener): () => void;
}

/** Called when a timer is due. Work for NDIS belongs in a DPC that the routine inserts. */
export interface TimerRoutine {
  timerExpired(timer: Timer): void;
}

/** A one-shot timer, allocated once and started as often as needed. */
export interface Timer {
  readonly isRunning: boolean;
  /** When it is due, in the clock's milliseconds; meaningless unless running. */
  readonly dueMs: number;
  /** Starts or restarts it. @param delayMs milliseconds from now; 0 or less fires as soon as the clock runs. */
  start(delayMs: number): void;
  /** @returns false when it was not running. */
  cancel(): boolean;
}

/** Monotonic time in milliseconds, fractions allowed. Timers with equal deadlines fire in the order they were started. */
export interface Clock {
  now(): number;
  createTimer(routine: TimerRoutine): Timer;
}

/** A seeded stream of pseudo-random numbers. Equal seeds give equal streams, on every platform. */
export interface Random {
  /** A number in [0, 2^32). */
  nextUint32(): number;
  /** A number in [0, 1). */
  nextFloat(): number;
  /** A whole number in [0, limit). @throws TypeError unless `limit` is a whole number from 1 to 2^32. */
  nextInt(limit: number): number;
  /**
   * An independent stream named `label`. It depends on this stream's seed and the label alone, not on how many numbers
   * were drawn, so that adding a consumer does not shift the others.
   */
  fork(label: string): Random;
}
