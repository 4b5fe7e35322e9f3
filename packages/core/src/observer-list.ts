import type {
  AllocationKind,
  DdiCrossing,
  NDIS_STATUS,
  NdisBinding,
  NdisMiniport,
  NdisObserver,
  NetBuffer,
  NetBufferList,
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
 */
export class ObserverList implements Required<NdisObserver> {
  private attached: readonly Attached[] = [];

  /** Whether any observer is told of allocations; they are as many as there are NBLs. */
  seesAllocations = false;

  get isEmpty(): boolean {
    return this.attached.length === 0;
  }

  /** Observers of one rank see things in the order they were added. */
  add(observer: NdisObserver, rank: ObserverRank): void {
    const added: Attached = { observer, rank: ORDER.indexOf(rank) };
    const after = this.attached.findIndex((one) => one.rank > added.rank);
    const at = after < 0 ? this.attached.length : after;
    this.attached = [...this.attached.slice(0, at), added, ...this.attached.slice(at)];
    this.look();
  }

  remove(observer: NdisObserver): void {
    this.attached = this.attached.filter((one) => one.observer !== observer);
    this.look();
  }

  private look(): void {
    this.seesAllocations = this.attached.some(({ observer }) => observer.allocated !== undefined || observer.freed !== undefined);
  }

  enter(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number): void {
    for (const { observer } of this.attached) observer.enter?.(crossing, edge, subject, count, detail);
  }

  leave(crossing: DdiCrossing, edge: NdisBinding, subject: object, status: NDIS_STATUS, detail: number): void {
    for (const { observer } of this.attached) observer.leave?.(crossing, edge, subject, status, detail);
  }

  allocated(kind: AllocationKind, object: object, owner: string): void {
    for (const { observer } of this.attached) observer.allocated?.(kind, object, owner);
  }

  freed(kind: AllocationKind, object: object, owner: string): void {
    for (const { observer } of this.attached) observer.freed?.(kind, object, owner);
  }

  dataStart(netBuffer: NetBuffer, byteCount: number): void {
    for (const { observer } of this.attached) observer.dataStart?.(netBuffer, byteCount);
  }

  timer(action: 'start' | 'cancel' | 'expire', name: string, delayMs: number): void {
    for (const { observer } of this.attached) observer.timer?.(action, name, delayMs);
  }

  wire(direction: 'transmit' | 'receive', adapter: string, frame: Uint8Array<ArrayBufferLike>): void {
    for (const { observer } of this.attached) observer.wire?.(direction, adapter, frame);
  }

  nonOffload(adapter: NdisMiniport, netBufferList: NetBufferList, count: number): void {
    for (const { observer } of this.attached) observer.nonOffload?.(adapter, netBufferList, count);
  }
}
