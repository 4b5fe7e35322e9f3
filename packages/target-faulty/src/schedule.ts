import type { Random } from '@ndis-chimney/types';

import type { PlannedFault } from './plan.ts';

/** Decides at which of its occasions a planned fault strikes, and says why. */
export class Schedule {
  private readonly planned: PlannedFault;
  private readonly random: Random;
  private occasions = 0;
  private struck = 0;
  /** Strikes that were asked for from outside and have yet to happen. */
  private asked = 0;

  /** @param random a stream of this schedule's own. */
  constructor(planned: PlannedFault, random: Random) {
    this.planned = planned;
    this.random = random;
  }

  /** Strikes at the next `count` occasions, whatever the plan says of their number. */
  strikeNext(count: number): void {
    this.asked += count;
  }

  /** @returns why the fault strikes at this occasion, or null when it does not. @param atMs milliseconds since the faults began. */
  cause(atMs: number): string | null {
    if (this.asked > 0) {
      this.asked--;
      return 'asked for';
    }
    const { window, limit = Infinity } = this.planned;
    if (window !== undefined && (atMs < (window.fromMs ?? 0) || atMs >= (window.toMs ?? Infinity))) return null;
    this.occasions++;
    const cause = this.decide();
    if (cause === null || this.struck >= limit) return null;
    this.struck++;
    return cause;
  }

  private decide(): string | null {
    const { occasions } = this;
    const { probability, nth, every, next, window } = this.planned;
    // The number is drawn at every occasion, so that one decision does not depend on the others.
    if (probability !== undefined) return this.random.nextFloat() < probability ? `probability ${probability}` : null;
    if (nth !== undefined) return occasions === nth ? `occasion ${nth}` : null;
    if (every !== undefined) return occasions % every === 0 ? `every ${every}, occasion ${occasions}` : null;
    if (next !== undefined) return occasions <= next ? `${occasions} of the next ${next}` : null;
    return window === undefined ? 'always' : 'window';
  }
}
