import type { Clock, Timer, TimerRoutine } from '@ndis-chimney/types';

import type { Segment } from './segment.ts';

/** How long a segment takes. */
const LATENCY_MS = 3;

interface Travelling {
  readonly segment: Segment;
  readonly dueMs: number;
}

/** The way between the target and a far end, while a connection is offloaded. Nothing is lost on it, or overtaken. */
export class Wire implements TimerRoutine {
  private readonly lines = { toPeer: [] as Travelling[], toHost: [] as Travelling[] };
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly wake: () => void;

  /** @param wake called when something has arrived at either end. */
  constructor(clock: Clock, wake: () => void) {
    this.clock = clock;
    this.timer = clock.createTimer(this);
    this.wake = wake;
  }

  put(line: 'toPeer' | 'toHost', segment: Segment): void {
    this.lines[line].push({ segment, dueMs: this.clock.now() + LATENCY_MS });
    this.arm();
  }

  /** True when something has arrived that was not taken. */
  hasArrived(line: 'toPeer' | 'toHost'): boolean {
    const head = this.lines[line][0];
    return head !== undefined && head.dueMs <= this.clock.now();
  }

  take(line: 'toPeer' | 'toHost'): Segment | null {
    return this.hasArrived(line) ? (this.lines[line].shift()?.segment ?? null) : null;
  }

  /** Nothing more arrives. @returns what was on its way to the far end. */
  cut(): Segment[] {
    this.timer.cancel();
    this.lines.toHost = [];
    return this.lines.toPeer.splice(0).map(({ segment }) => segment);
  }

  timerExpired(): void {
    this.wake();
    this.arm();
  }

  /** What has arrived already is not waited for. */
  private arm(): void {
    const now = this.clock.now();
    const due = [...this.lines.toPeer, ...this.lines.toHost].map(({ dueMs }) => dueMs).filter((dueMs) => dueMs > now);
    if (due.length > 0) this.timer.start(Math.min(...due) - now);
  }
}
