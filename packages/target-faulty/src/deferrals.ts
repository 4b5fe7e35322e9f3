import { Dpc, type Clock, type DeferredRoutine, type DpcQueue, type Timer } from '@ndis-chimney/types';

/** Something a fault does later. */
export type DeferredWork = () => void;

/** Something that is held back. */
export interface Held {
  /** Lets it go on from a DPC. */
  release(): void;
  /** Lets it go on at once. */
  releaseNow(): void;
}

interface Waiting {
  readonly work: DeferredWork;
  readonly timer: Timer | null;
}

/** What faults do later: from a DPC, after some time, or not before they are healed. */
export class Deferrals implements DeferredRoutine {
  private readonly clock: Clock;
  private readonly dpcQueue: DpcQueue;
  private readonly dpc = new Dpc(this);
  private readonly due: DeferredWork[] = [];
  private readonly waiting = new Set<Waiting>();

  constructor(clock: Clock, dpcQueue: DpcQueue) {
    this.clock = clock;
    this.dpcQueue = dpcQueue;
  }

  /** Things held back that only healing or time will let go on. */
  get heldCount(): number {
    return this.waiting.size;
  }

  /** Does it from a DPC, in the order of these calls. @param delayMs not before so many milliseconds have passed. */
  later(delayMs: number, work: DeferredWork): void {
    if (delayMs <= 0) this.insert(work);
    else this.startTimer(delayMs, work, (due) => { this.insert(due); });
  }

  /** Does it from the clock itself, at PASSIVE_LEVEL. */
  outsideOfDpc(delayMs: number, work: DeferredWork): void {
    this.startTimer(delayMs, work, (due) => { due(); });
  }

  /** Does it when {@link healed}, or when it is released before. */
  hold(work: DeferredWork): Held {
    const held: Waiting = { work, timer: null };
    this.waiting.add(held);
    return {
      release: () => {
        if (this.waiting.delete(held)) this.insert(work);
      },
      releaseNow: () => {
        if (this.waiting.delete(held)) work();
      },
    };
  }

  /** Everything that waits is due now. */
  healed(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const { timer, work } of waiting) {
      timer?.cancel();
      this.insert(work);
    }
  }

  runDpc(): void {
    try {
      for (let work = this.due.shift(); work !== undefined; work = this.due.shift()) work();
    } finally {
      // What throws is reported against the DPC; the rest is not lost with it.
      if (this.due.length > 0) this.dpcQueue.insert(this.dpc);
    }
  }

  private insert(work: DeferredWork): void {
    this.due.push(work);
    this.dpcQueue.insert(this.dpc);
  }

  private startTimer(delayMs: number, work: DeferredWork, expired: (work: DeferredWork) => void): void {
    const timer = this.clock.createTimer({
      timerExpired: () => {
        this.waiting.delete(entry);
        expired(work);
      },
    });
    const entry: Waiting = { work, timer };
    this.waiting.add(entry);
    timer.start(delayMs);
  }
}
