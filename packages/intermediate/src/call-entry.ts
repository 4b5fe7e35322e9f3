import type { NdisBinding, NdisLibrary, OffloadBlockList, OffloadHandle } from '@ndis-chimney/types';

/** So many blocks' worth of memory a returned call entry keeps. */
const KEEP_BLOCKS = 64;
const SLOTS = 4;

/**
 * IM call entry: what an intermediate driver keeps per state operation it relays, from the call to its completion.
 * `ImReserved`, `SourceHandle` and the handle slot of every block go in here on the way down, and come out unchanged on
 * the way up; a block finds its place again by `ImReserved`, which holds the entry and the block's number meanwhile.
 *
 * Source: `reusing-an-ndis-miniport-offload-block-list-structure.md`,
 * `reusing-an-ndis-protocol-offload-block-list-structure.md`.
 */
export class CallEntry<UpperEdge = unknown> {
  /** The upper interface the operation came down on. */
  upperEdge: UpperEdge | null = null;
  private saved: unknown[] = [];
  private count = 0;

  /** Saves a block's members and takes its `ImReserved`. */
  save(block: OffloadBlockList): void {
    const at = this.count++ * SLOTS;
    this.saved[at] = block.imReserved0;
    this.saved[at + 1] = block.imReserved1;
    this.saved[at + 2] = block.sourceHandle;
    this.saved[at + 3] = block.offloadHandle;
    block.imReserved0 = this;
    block.imReserved1 = at;
  }

  /** The upper driver's handle of a saved block; null for a placeholder. */
  upperHandleOf(block: OffloadBlockList): OffloadHandle | null {
    return this.saved[(block.imReserved1 as number) + 3] as OffloadHandle | null;
  }

  /** Puts a block's members back to what they were. */
  restore(block: OffloadBlockList): void {
    const at = block.imReserved1 as number;
    block.imReserved0 = this.saved[at];
    block.imReserved1 = this.saved[at + 1];
    block.sourceHandle = this.saved[at + 2] as NdisBinding | null;
    block.offloadHandle = this.saved[at + 3] as OffloadHandle | null;
  }

  /** Forgets everything. */
  clear(): void {
    this.upperEdge = null;
    if (this.count > KEEP_BLOCKS) this.saved = [];
    else this.saved.fill(null, 0, this.count * SLOTS);
    this.count = 0;
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
