import type { NdisBinding, NdisLibrary, OffloadBlockList } from '@ndis-chimney/types';

/**
 * IM call entry: what an intermediate driver keeps per state operation it relays, from the call to its completion.
 * `ImReserved` and `SourceHandle` of the root go in here on the way down, and come out unchanged on the way up; meanwhile
 * `ImReserved` holds the entry. Nobody writes these members of the other blocks, so that there is nothing to save.
 *
 * Source: `reusing-an-ndis-miniport-offload-block-list-structure.md`,
 * `reusing-an-ndis-protocol-offload-block-list-structure.md`.
 */
export class CallEntry<UpperEdge = unknown> {
  /** The upper interface the operation came down on. */
  upperEdge: UpperEdge | null = null;
  private imReserved0: unknown = null;
  private imReserved1: unknown = null;
  private sourceHandle: NdisBinding | null = null;

  /** Saves the root's members and takes its `ImReserved`. */
  save(root: OffloadBlockList): void {
    this.imReserved0 = root.imReserved0;
    this.imReserved1 = root.imReserved1;
    this.sourceHandle = root.sourceHandle;
    root.imReserved0 = this;
    root.imReserved1 = null;
  }

  /** Puts the root's members back to what they were. */
  restore(root: OffloadBlockList): void {
    root.imReserved0 = this.imReserved0;
    root.imReserved1 = this.imReserved1;
    root.sourceHandle = this.sourceHandle;
  }

  /** Forgets everything. */
  clear(): void {
    this.upperEdge = null;
    this.imReserved0 = null;
    this.imReserved1 = null;
    this.sourceHandle = null;
  }
}

/** The call entries of one driver. */
export class CallEntryPool<UpperEdge = unknown> {
  /** Entries in use. */
  outstanding = 0;
  private readonly limit: number;
  private readonly owner: string;
  private readonly free: CallEntry<UpperEdge>[] = [];

  /**
   * @param owner names the driver for observers.
   * @param limit most entries in use at one time; unlimited by default.
   */
  constructor(owner: string, limit: number = Infinity) {
    this.owner = owner;
    this.limit = limit;
  }

  /** @returns null when the pool is at its limit. */
  allocate(ndis: NdisLibrary, upperEdge: UpperEdge): CallEntry<UpperEdge> | null {
    if (this.outstanding >= this.limit) return null;
    const entry = this.free.pop() ?? new CallEntry<UpperEdge>();
    entry.upperEdge = upperEdge;
    this.outstanding++;
    ndis.observer?.allocated?.('IM_CALL_ENTRY', entry, this.owner);
    return entry;
  }

  release(ndis: NdisLibrary, entry: CallEntry<UpperEdge>): void {
    entry.clear();
    this.free.push(entry);
    this.outstanding--;
    ndis.observer?.freed?.('IM_CALL_ENTRY', entry, this.owner);
  }
}
