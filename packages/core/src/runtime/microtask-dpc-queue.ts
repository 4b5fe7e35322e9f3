import type { Dpc, DpcErrorListener, DpcQueue, IRQL } from '@ndis-chimney/types';

import { DpcList } from './dpc-list.ts';

// After this much work a drain lets the event loop have a turn: endless microtasks would starve timers and I/O.
const YIELD_AFTER_MS = 1;
const YIELD_AFTER_DPCS = 4096;
// Reading the clock costs more than an average DPC, so it is read once per so many; a short drain never reads it.
const DPCS_PER_CLOCK_READ = 16;

/**
 * The queue for production: the first insertion of a burst starts a drain in the next microtask; everything inserted
 * until then runs in that drain, everything inserted by it in the next pass.
 */
export class MicrotaskDpcQueue implements DpcQueue {
  private readonly list = new DpcList();
  private isArmed = false;
  private readonly drainTask: () => void;

  constructor() {
    this.drainTask = this.drain.bind(this);
  }

  get irql(): IRQL {
    return this.list.irql;
  }

  get runCount(): number {
    return this.list.runCount;
  }

  insert(dpc: Dpc): boolean {
    if (!this.list.insert(dpc)) return false;
    if (!this.isArmed) {
      this.isArmed = true;
      queueMicrotask(this.drainTask);
    }
    return true;
  }

  remove(dpc: Dpc): boolean {
    return this.list.remove(dpc);
  }

  onError(listener: DpcErrorListener): () => void {
    return this.list.onError(listener);
  }

  private drain(): void {
    const list = this.list;
    let ran = 0;
    let startMs = -1;
    while (!list.isEmpty) {
      if (list.isPassOver) list.startPass(null);
      list.runNext();
      if (++ran % DPCS_PER_CLOCK_READ !== 0) continue;
      const nowMs = performance.now();
      if (startMs < 0) startMs = nowMs;
      if (ran >= YIELD_AFTER_DPCS || nowMs - startMs >= YIELD_AFTER_MS) {
        later(this.drainTask);
        return;
      }
    }
    this.isArmed = false;
  }
}

function later(task: () => void): void {
  if (typeof setImmediate === 'function') setImmediate(task);
  else setTimeout(task, 0);
}
