import type { Dpc, DpcErrorListener, DpcQueue, IRQL, Random } from '@ndis-chimney/types';

import { DpcList } from './dpc-list.ts';

/**
 * The queue for tests and simulations: DPCs run when `run` is called, those of one pass in an order drawn from a seeded
 * stream. Nothing guarantees an order between two DPCs; a driver that needs one is found out.
 */
export class SeededDpcQueue implements DpcQueue {
  private readonly list = new DpcList();
  private readonly random: Random | null;

  /** @param random where the order comes from; left out, a pass runs in insertion order. */
  constructor(random: Random | null = null) {
    this.random = random;
  }

  get irql(): IRQL {
    return this.list.irql;
  }

  get runCount(): number {
    return this.list.runCount;
  }

  /** True when nothing is queued. */
  get isIdle(): boolean {
    return this.list.isEmpty;
  }

  insert(dpc: Dpc): boolean {
    return this.list.insert(dpc);
  }

  remove(dpc: Dpc): boolean {
    return this.list.remove(dpc);
  }

  onError(listener: DpcErrorListener): () => void {
    return this.list.onError(listener);
  }

  /**
   * Runs passes until the queue is empty.
   * @param limit gives up after so many passes, because something queues itself for ever.
   * @returns the number of passes. @throws Error when the limit is reached.
   */
  run(limit = 100_000): number {
    let passes = 0;
    while (this.runPass()) {
      if (++passes >= limit) throw new Error(`SeededDpcQueue.run: still not idle after ${limit} passes`);
    }
    return passes;
  }

  /** Runs what is queued now, and nothing that gets queued meanwhile. @returns false when there was nothing. */
  runPass(): boolean {
    const list = this.list;
    if (list.isEmpty) return false;
    // Called by a DPC, it goes on with the pass that the DPC is part of.
    if (list.isPassOver) list.startPass(this.random);
    while (!list.isPassOver) list.runNext();
    return true;
  }
}
