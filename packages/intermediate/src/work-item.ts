import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

/**
 * Work that must run at PASSIVE_LEVEL and is asked for from anywhere: NdisAllocateIoWorkItem and NdisQueueIoWorkItem.
 * Asking again before it runs is a no-op.
 */
export class WorkItem implements TimerRoutine {
  private readonly timer: Timer;
  private readonly routine: () => void;

  constructor(clock: Clock, routine: () => void) {
    this.timer = clock.createTimer(this);
    this.routine = routine;
  }

  /** Runs the routine as soon as the clock runs. */
  queue(): void {
    if (!this.timer.isRunning) this.timer.start(0);
  }

  timerExpired(): void {
    this.routine();
  }
}
