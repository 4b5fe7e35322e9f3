// The other yardstick: what the same send costs when every hop is an RxJS Subject and every NBL a notification of its
// own, which is how one would build such a stack from Observables first.
import { Subject } from 'rxjs';

import type { ReferenceNbl } from './reference-chain.ts';

/** Host, three layers, target; a Subject down and a Subject up between neighbors. */
export class RxChain {
  private readonly top = new Subject<ReferenceNbl>();
  private readonly completed = new Subject<ReferenceNbl>();
  private readonly queue: ReferenceNbl[] = [];
  private outstanding = 0;
  private isArmed = false;
  private resolve: (() => void) | null = null;
  /** Sends and completions the layers saw, so that they do something. */
  readonly counters: { sent: number; completed: number }[] = [];

  constructor() {
    let down = this.top;
    const up = [this.completed];
    for (let layer = 0; layer < 3; layer++) {
      const counter = { sent: 0, completed: 0 };
      this.counters.push(counter);
      const below = new Subject<ReferenceNbl>();
      const fromBelow = new Subject<ReferenceNbl>();
      const toAbove = up[layer];
      down.subscribe((nbl) => {
        counter.sent++;
        below.next(nbl);
      });
      fromBelow.subscribe((nbl) => {
        counter.completed++;
        toAbove?.next(nbl);
      });
      down = below;
      up.push(fromBelow);
    }
    const bottom = up[3];
    down.subscribe((nbl) => {
      this.queue.push(nbl);
      if (this.isArmed) return;
      this.isArmed = true;
      queueMicrotask(() => {
        this.isArmed = false;
        for (const one of this.queue.splice(0)) {
          one.status = 0;
          bottom?.next(one);
        }
      });
    });
    this.completed.subscribe((nbl) => {
      if (nbl.status !== 0 || --this.outstanding > 0) return;
      this.resolve?.();
    });
  }

  /** Sends all, one by one, and waits for all. */
  burst(nbls: readonly ReferenceNbl[]): Promise<void> {
    this.outstanding = nbls.length;
    for (const nbl of nbls) this.top.next(nbl);
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}
