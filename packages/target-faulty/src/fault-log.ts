import { formatFaultEvent, type FaultEvent } from './fault-event.ts';

/** Told of every injection when it happens. It runs within the driver's call, so it does not call into the stack. */
export type FaultListener = (event: FaultEvent) => void;

/** Events that are kept unless somebody says otherwise. */
export const DEFAULT_LOG_LIMIT = 10_000;

/** What happened: the last events, and counts of all of them. */
export class FaultLog {
  /** Strikes so far, by the id of the planned fault. Every planned fault has its count, 0 at first. */
  readonly injections: Record<string, number> = {};
  /** Of what was injected, how much NDIS refused, by the id of the planned fault. */
  readonly refusals: Record<string, number> = {};
  /** Events that are no longer kept. */
  dropped = 0;
  private readonly kept: FaultEvent[] = [];
  private readonly limit: number;
  private readonly listener: FaultListener | null;

  /** @param limit most events that are kept; the oldest go first. 0 keeps none. */
  constructor(limit: number, listener: FaultListener | null) {
    this.limit = limit;
    this.listener = listener;
  }

  /** The events that are kept, oldest first. */
  get events(): readonly FaultEvent[] {
    return this.kept;
  }

  /** The canonical lines of the events that are kept. */
  get lines(): string[] {
    return this.kept.map(formatFaultEvent);
  }

  /** @internal */
  add(event: FaultEvent): void {
    const counts = event.kind === 'injected' ? this.injections : this.refusals;
    counts[event.id] = (counts[event.id] ?? 0) + 1;
    this.kept.push(event);
    if (this.kept.length > this.limit) {
      this.kept.shift();
      this.dropped++;
    }
    this.listener?.(event);
  }
}
