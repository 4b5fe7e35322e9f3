import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

import { throwLater } from './throw-later.ts';
import { TimerHeap } from './timer-heap.ts';

/** Host timers fire at once when asked for more; a timer beyond that is looked at again on the way. */
const LONGEST_HOST_DELAY_MS = 2 ** 31 - 1;

/**
 * Real time. All its timers share one host timer, which runs only while one of them does, so that a clock at rest does
 * not keep a process alive.
 */
export class SystemClock implements Clock {
  private readonly timers: TimerHeap = new TimerHeap(this);
  private hostTimer: unknown = null;
  private hostDueMs = Infinity;

  now(): number {
    return performance.now();
  }

  createTimer(routine: TimerRoutine): Timer {
    return this.timers.createTimer(routine);
  }

  /** @internal */
  rearm(): void {
    const dueMs = this.timers.nextDueMs;
    if (dueMs === this.hostDueMs) return;
    if (this.hostTimer !== null) clearTimeout(this.hostTimer);
    this.hostTimer = null;
    this.hostDueMs = dueMs;
    if (dueMs === Infinity) return;
    const delayMs = Math.min(LONGEST_HOST_DELAY_MS, Math.max(0, Math.ceil(dueMs - this.now())));
    this.hostTimer = setTimeout(() => {
      this.expire();
    }, delayMs);
  }

  private expire(): void {
    this.hostTimer = null;
    this.hostDueMs = Infinity;
    const nowMs = this.now();
    for (;;) {
      const timer = this.timers.takeDue(nowMs);
      if (timer === null) break;
      try {
        timer.fire();
      } catch (error) {
        // One timer's error must neither stop the others nor vanish.
        throwLater(error);
      }
    }
    this.rearm();
  }
}
