import { IRQL, type Dpc, type DpcErrorListener, type Random } from '@ndis-chimney/types';

import { throwLater } from './throw-later.ts';

/**
 * What both DPC queues have in common: the DPCs that wait for the next pass, the pass under way, the IRQL, and the care
 * for what DPCs throw.
 */
export class DpcList {
  irql: IRQL = IRQL.PASSIVE_LEVEL;
  /** DPCs begun so far. */
  runCount = 0;
  // The arrays only grow, and counters say how much of them counts: setting a length would free and allocate per burst.
  private waiting: (Dpc | null)[] = [];
  private waitingCount = 0;
  private pass: (Dpc | null)[] = [];
  private passCount = 0;
  private cursor = 0;
  private readonly listeners = new Set<DpcErrorListener>();

  /** True when nothing is queued, for this pass or the next. */
  get isEmpty(): boolean {
    return this.waitingCount === 0 && this.isPassOver;
  }

  /** True when every DPC of the pass has run. */
  get isPassOver(): boolean {
    return this.cursor >= this.passCount;
  }

  insert(dpc: Dpc): boolean {
    if (dpc.isQueued) return false;
    dpc.isQueued = true;
    this.waiting[this.waitingCount++] = dpc;
    return true;
  }

  remove(dpc: Dpc): boolean {
    if (!dpc.isQueued) return false;
    const inWaiting = this.waiting.indexOf(dpc);
    const inPass = inWaiting < 0 ? this.pass.indexOf(dpc, this.cursor) : -1;
    if (inWaiting >= 0) this.waiting[inWaiting] = null;
    else if (inPass >= 0) this.pass[inPass] = null;
    else return false;
    dpc.isQueued = false;
    return true;
  }

  /** Makes what waits the next pass, in an order drawn from `random` if there is one. The pass before must be over. */
  startPass(random: Random | null): void {
    const finished = this.pass;
    this.pass = this.waiting;
    this.passCount = this.waitingCount;
    this.cursor = 0;
    this.waiting = finished;
    this.waitingCount = 0;
    if (random === null) return;
    for (let last = this.passCount - 1; last > 0; last--) {
      const other = random.nextInt(last + 1);
      const moved = this.pass[last] ?? null;
      this.pass[last] = this.pass[other] ?? null;
      this.pass[other] = moved;
    }
  }

  /** Runs the next DPC of the pass, at DISPATCH_LEVEL. */
  runNext(): void {
    const at = this.cursor++;
    const dpc = this.pass[at];
    this.pass[at] = null;
    if (dpc === null || dpc === undefined) return;
    dpc.isQueued = false;
    this.runCount++;
    const before = this.irql;
    this.irql = IRQL.DISPATCH_LEVEL;
    try {
      dpc.deferredRoutine.runDpc(dpc);
    } catch (error) {
      this.report(error, dpc);
    } finally {
      this.irql = before;
    }
  }

  onError(listener: DpcErrorListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** What a DPC threw goes to the listeners; without any, to the host's handler for uncaught errors. */
  private report(error: unknown, dpc: Dpc): void {
    if (this.listeners.size === 0) throwLater(error);
    for (const listener of [...this.listeners]) {
      try {
        listener(error, dpc);
      } catch (listenerError) {
        throwLater(listenerError);
      }
    }
  }
}
