import { Dpc, type DeferredRoutine, type DpcQueue } from '@ndis-chimney/types';

interface Owed<UpperEdge> {
  readonly upperEdge: UpperEdge;
  readonly complete: () => void;
}

/**
 * Completions that an intermediate driver owes and must not make inside the call that causes them: of what it has no
 * memory for, and second tries of those that were stopped. They come from a DPC, in the order they were added.
 */
export class DeferredCompletions<UpperEdge = unknown> implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private readonly onCompleted: (upperEdge: UpperEdge) => void;
  private readonly owed: Owed<UpperEdge>[] = [];

  /** @param onCompleted called after each completion, with the upper interface it went to. */
  constructor(dpcQueue: DpcQueue, onCompleted: (upperEdge: UpperEdge) => void) {
    this.dpcQueue = dpcQueue;
    this.onCompleted = onCompleted;
  }

  /** True while completions to an upper interface wait. */
  isPending(upperEdge: UpperEdge): boolean {
    return this.owed.some((owed) => owed.upperEdge === upperEdge);
  }

  /** Completes something later. What `complete` throws is reported against the DPC, and the others go on. */
  add(upperEdge: UpperEdge, complete: () => void): void {
    this.owed.push({ upperEdge, complete });
    this.dpcQueue.insert(this.dpc);
  }

  /** As {@link add}; when it is stopped it is tried once more. */
  addFirstTry(upperEdge: UpperEdge, complete: () => void): void {
    this.add(upperEdge, () => {
      this.completeOrRetry(upperEdge, complete);
    });
  }

  /** Completes something now; when that is stopped it is tried once more, later. @throws what stopped it. */
  completeOrRetry(upperEdge: UpperEdge, complete: () => void): void {
    try {
      complete();
    } catch (error) {
      this.add(upperEdge, complete);
      throw error;
    }
  }

  /** Makes what is owed, now. A completion may call it: those that are still behind it are made then. */
  drain(): void {
    while (this.owed.length > 0) this.runDpc();
  }

  runDpc(): void {
    const next = this.owed.shift();
    if (next === undefined) return;
    // Whether or not this one throws, those behind it come from the next DPC.
    this.dpcQueue.insert(this.dpc);
    try {
      next.complete();
    } finally {
      this.onCompleted(next.upperEdge);
    }
  }
}
