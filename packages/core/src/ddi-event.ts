import { formatNdisStatus, type DdiCrossing, type IRQL, type NDIS_STATUS, type NdisBinding } from '@ndis-chimney/types';

/** Says whether an event is being delivered right now. */
export interface DdiEventSource {
  readonly delivering: DdiEvent | null;
}

/**
 * One crossing of one edge, as the dispatcher's streams show it: what was called and on which edge, with how much. It
 * never changes; whole lists cross, so there is one event per list, not one per NET_BUFFER_LIST.
 */
export class DdiEvent {
  /** Counts the events of one dispatcher, from 1. */
  readonly sequence: number;
  /**
   * `enter`: the call is about to reach the driver. `leave`: it has returned; only for calls that answer on return
   * (receive indications, neighbor queries, OID requests).
   */
  readonly phase: 'enter' | 'leave';
  readonly crossing: DdiCrossing;
  /** The edge that was crossed. */
  readonly binding: NdisBinding;
  /** NET_BUFFER_LISTs or blocks that crossed. */
  readonly count: number;
  /** Flags of a disconnect, type of an event, code of an indication; on leave, the bytes a receive indication had consumed. */
  readonly detail: number;
  /** What the driver answered; NDIS_STATUS_SUCCESS on enter. */
  readonly status: NDIS_STATUS;
  readonly irql: IRQL;
  /** The dispatcher's clock, in milliseconds; null unless it was made with `timestamps`. */
  readonly timeMs: number | null;
  private readonly source: DdiEventSource;
  private readonly subject: object;

  constructor(
    source: DdiEventSource,
    sequence: number,
    phase: 'enter' | 'leave',
    crossing: DdiCrossing,
    binding: NdisBinding,
    subject: object,
    count: number,
    detail: number,
    status: NDIS_STATUS,
    irql: IRQL,
    timeMs: number | null,
  ) {
    this.source = source;
    this.sequence = sequence;
    this.phase = phase;
    this.crossing = crossing;
    this.binding = binding;
    this.subject = subject;
    this.count = count;
    this.detail = detail;
    this.status = status;
    this.irql = irql;
    this.timeMs = timeMs;
  }

  /**
   * What crossed: the head of an NBL list, the root of a tree, a handle, an indication, a request. Null once the
   * subscriber has returned: by then it belongs to somebody else and may be something else.
   */
  get live(): object | null {
    return this.source.delivering === this ? this.subject : null;
  }

  /** The function that was called going down, or the driver function that was called coming up. */
  get name(): string {
    return this.crossing.direction === 'down' ? this.crossing.call : this.crossing.entry;
  }

  toString(): string {
    const answer = this.phase === 'leave' ? ` -> ${formatNdisStatus(this.status)}` : '';
    return `${this.sequence} ${this.name} on ${this.binding.adapterName} (${this.count})${answer}`;
  }
}
