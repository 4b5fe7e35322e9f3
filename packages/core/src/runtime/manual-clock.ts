import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

import { TimerHeap } from './timer-heap.ts';

/**
 * A clock that stands still until it is told to move. Time passes exactly as far as `advance` says, and every timer
 * fires at its own deadline.
 */
export class ManualClock implements Clock {
  private nowMs: number;
  private readonly timers: TimerHeap;

  /** @param startMs what `now()` says at first. */
  constructor(startMs = 0) {
    this.nowMs = startMs;
    this.timers = new TimerHeap(this);
  }

  now(): number {
    return this.nowMs;
  }

  /** When the next timer is due, or Infinity. */
  get nextDueMs(): number {
    return this.timers.nextDueMs;
  }

  /** Timers running. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  createTimer(routine: TimerRoutine): Timer {
    return this.timers.createTimer(routine);
  }

  /**
   * Moves time forward by `ms`, firing what becomes due on the way, timers that those timers start included.
   * @throws TypeError when `ms` is negative or not a number.
   */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new TypeError(`ManualClock.advance: ${ms} is not a span of time`);
    const until = this.nowMs + ms;
    while (this.fireNext(until));
    this.nowMs = until;
  }

  /**
   * Moves time to the next deadline, if it is not after `untilMs`, and fires that one timer.
   * @returns false when there was none.
   */
  fireNext(untilMs: number = Infinity): boolean {
    const timer = this.timers.takeDue(untilMs);
    if (timer === null) return false;
    this.nowMs = Math.max(this.nowMs, timer.dueMs);
    timer.fire();
    return true;
  }

  /** @internal Nothing waits: time moves only by `advance`. */
  rearm(): void {
    // Deliberately empty, see above.
  }
}
