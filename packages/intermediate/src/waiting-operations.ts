import { Dpc, type DeferredRoutine, type DpcQueue } from '@ndis-chimney/types';

/** A state operation that may have to wait. */
export interface WaitingOperation {
  /** Passes it on. @returns false, with nothing changed, when there is no memory for it. @throws when it is refused. */
  relay(): boolean;
  /** Completes it with failure: it was refused after it had waited, when there was no caller to tell any more. */
  fail(): void;
}

/**
 * State operations for which an intermediate driver has no memory just now. Query, update, invalidate and terminate must
 * not fail for that, so they wait, in order, until a call entry is free.
 */
export class WaitingOperations implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private waiting: WaitingOperation[] = [];

  constructor(dpcQueue: DpcQueue) {
    this.dpcQueue = dpcQueue;
  }

  /** Operations that wait. */
  get count(): number {
    return this.waiting.length;
  }

  /**
   * Passes an operation on, or keeps it for later when there is no memory or when others wait already.
   * @throws what `relay` throws, with nothing kept.
   */
  attempt(operation: WaitingOperation): void {
    if (this.waiting.length > 0 || !operation.relay()) this.waiting.push(operation);
  }

  /** To be called whenever a call entry was released. */
  retry(): void {
    if (this.waiting.length > 0) this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { waiting } = this;
    let at = 0;
    try {
      for (; at < waiting.length; at++) {
        const operation = waiting[at] as WaitingOperation;
        if (!relayOrFail(operation)) break;
      }
    } catch (error) {
      // The one that was refused is dealt with; those behind it are tried again.
      at++;
      this.dpcQueue.insert(this.dpc);
      throw error;
    } finally {
      this.waiting = waiting.slice(at);
    }
  }
}

function relayOrFail(operation: WaitingOperation): boolean {
  try {
    return operation.relay();
  } catch (error) {
    operation.fail();
    throw error;
  }
}
