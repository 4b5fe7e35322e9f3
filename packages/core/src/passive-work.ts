import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

/** Work that must run at PASSIVE_LEVEL and not inside the call that causes it: what NDIS does from a work item. */
export class PassiveWork implements TimerRoutine {
  private readonly timer: Timer;
  private readonly onError: (error: unknown) => void;
  private queue: (() => void)[] = [];

  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.timer = clock.createTimer(this);
    this.onError = onError;
  }

  add(work: () => void): void {
    this.queue.push(work);
    if (!this.timer.isRunning) this.timer.start(0);
  }

  timerExpired(): void {
    const { queue } = this;
    this.queue = [];
    for (const work of queue) {
      try {
        work();
      } catch (error) {
        this.onError(error);
      }
    }
  }
}
