import {
  NDIS_STATUS_FAILURE,
  type AllocationKind,
  type DdiCrossing,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisMiniport,
  type NdisObserver,
  type NetBuffer,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

/** Who sees a crossing first: a verifier may forbid it, a trace notes it, a stream shows it to people. */
export type ObserverRank = 'verifier' | 'trace' | 'stream';

const ORDER: readonly ObserverRank[] = ['verifier', 'trace', 'stream'];

interface Attached {
  readonly observer: NdisObserver;
  readonly rank: number;
}

/**
 * All observers of one NDIS behind one object, so that the data path calls one shape. Without observers there is no
 * list: whoever would notify holds null instead.
 *
 * `enter` alone may stop what it sees, see {@link NdisObserver}. What an observer throws elsewhere is reported: what it
 * was told of has happened.
 */
export class ObserverList implements Required<Omit<NdisObserver, 'seesEntriesOnly'>> {
  private attached: readonly Attached[] = [];
  private readonly onError: (error: unknown) => void;

  /** The only one there is, so that the usual case need not go through a list; null when there are more or none. */
  private sole: NdisObserver | null = null;
  /** Whether any observer is told of allocations; they are as many as there are NBLs. */
  seesAllocations = false;

  /** @param onError told of what observers throw where nobody can be stopped. */
  constructor(onError: (error: unknown) => void) {
    this.onError = onError;
  }

  get isEmpty(): boolean {
    return this.attached.length === 0;
  }

  /**
   * Observers of one rank see things in the order they were added; one that is added twice sees them twice.
   * @returns a function that takes this addition back.
   */
  add(observer: NdisObserver, rank: ObserverRank): () => void {
    const added: Attached = { observer, rank: ORDER.indexOf(rank) };
    const after = this.attached.findIndex((one) => one.rank > added.rank);
    const at = after < 0 ? this.attached.length : after;
    this.attached = [...this.attached.slice(0, at), added, ...this.attached.slice(at)];
    this.look();
    return () => {
      this.attached = this.attached.filter((one) => one !== added);
      this.look();
    };
  }

  private look(): void {
    this.sole = this.attached.length === 1 ? (this.attached[0]?.observer ?? null) : null;
    this.seesAllocations = this.attached.some(({ observer }) => observer.seesEntriesOnly !== true && (observer.allocated !== undefined || observer.freed !== undefined));
  }

  enter(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number, handle: OffloadHandle | null = null): void {
    const { sole } = this;
    if (sole === null) this.enterEach(crossing, edge, subject, count, detail, handle);
    else sole.enter?.(crossing, edge, subject, count, detail, handle);
  }

  private enterEach(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number, handle: OffloadHandle | null): void {
    const { attached } = this;
    for (let i = 0; i < attached.length; i++) {
      try {
        attached[i]!.observer.enter?.(crossing, edge, subject, count, detail, handle);
      } catch (error) {
        // Those that saw it begin see it end.
        for (let seen = i - 1; seen >= 0; seen--) this.leaveOne(attached[seen]!.observer, crossing, edge, subject, NDIS_STATUS_FAILURE, detail, handle);
        throw error;
      }
    }
  }

  /** As {@link enter}, for what nobody can stop. */
  enterAnyway(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number): void {
    for (const { observer } of this.attached) {
      this.guard(() => {
        observer.enter?.(crossing, edge, subject, count, detail, null);
      });
    }
  }

  leave(crossing: DdiCrossing, edge: NdisBinding, subject: object, status: NDIS_STATUS, detail: number, handle: OffloadHandle | null = null): void {
    const { attached, sole } = this;
    if (sole !== null) this.leaveOne(sole, crossing, edge, subject, status, detail, handle);
    else for (const { observer } of attached) this.leaveOne(observer, crossing, edge, subject, status, detail, handle);
  }

  private leaveOne(observer: NdisObserver, crossing: DdiCrossing, edge: NdisBinding, subject: object, status: NDIS_STATUS, detail: number, handle: OffloadHandle | null): void {
    try {
      observer.leave?.(crossing, edge, subject, status, detail, handle);
    } catch (error) {
      this.onError(error);
    }
  }

  allocated(kind: AllocationKind, object: object, owner: string): void {
    for (const { observer } of this.attached) {
      if (observer.allocated === undefined || (observer.seesEntriesOnly === true && !isEntry(kind))) continue;
      this.guard(() => observer.allocated?.(kind, object, owner));
    }
  }

  freed(kind: AllocationKind, object: object, owner: string): void {
    for (const { observer } of this.attached) {
      if (observer.freed === undefined || (observer.seesEntriesOnly === true && !isEntry(kind))) continue;
      this.guard(() => observer.freed?.(kind, object, owner));
    }
  }

  dataStart(netBuffer: NetBuffer, byteCount: number): void {
    for (const { observer } of this.attached) {
      this.guard(() => observer.dataStart?.(netBuffer, byteCount));
    }
  }

  timer(action: 'start' | 'cancel' | 'expire', name: string, delayMs: number): void {
    for (const { observer } of this.attached) {
      this.guard(() => observer.timer?.(action, name, delayMs));
    }
  }

  wire(direction: 'transmit' | 'receive', adapter: string, frame: Uint8Array<ArrayBufferLike>): void {
    for (const { observer } of this.attached) {
      this.guard(() => observer.wire?.(direction, adapter, frame));
    }
  }

  nonOffload(adapter: NdisMiniport, netBufferList: NetBufferList, count: number): void {
    for (const { observer } of this.attached) {
      this.guard(() => observer.nonOffload?.(adapter, netBufferList, count));
    }
  }

  private guard(notify: () => void): void {
    try {
      notify();
    } catch (error) {
      this.onError(error);
    }
  }
}

/** What intermediate drivers keep, as against what pools make. */
function isEntry(kind: AllocationKind): boolean {
  return kind === 'IM_CALL_ENTRY' || kind === 'IM_OFFLOAD_ENTRY';
}
