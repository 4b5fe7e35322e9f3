import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

import { TimerHeap } from './timer-heap.ts';

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
    this.hostTimer = setTimeout(() => {
      this.expire();
    }, Math.max(0, Math.ceil(dueMs - this.now())));
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
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    this.rearm();
  }
}
