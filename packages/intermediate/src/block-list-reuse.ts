import {
  BlockWalk,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type NdisBinding,
  type NdisLibrary,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { CallEntryPool, type CallEntry } from './call-entry.ts';
import type { NetBufferListTracker } from './net-buffer-list-tracker.ts';
import { OffloadEntry } from './offload-entry.ts';

/** Which state operation a tree is relayed for: only two of the five change what the driver keeps. */
export type RelayedOperation = 'initiate' | 'terminate' | 'other';

/** Memory an intermediate driver has for state operations. */
export interface BlockListReuseLimits {
  /** Most state operations relayed at one time. */
  readonly callEntries?: number;
  /** Most objects offloaded through the driver. */
  readonly offloadEntries?: number;
}

/**
 * In-place reuse of block lists: a MINIPORT block list that came down is turned into the PROTOCOL block list that goes
 * further down, and back when it completes. No block is copied; every member the upper driver had in it is as it was
 * when it sees the block again.
 *
 * Source: `reusing-an-ndis-miniport-offload-block-list-structure.md`,
 * `reusing-an-ndis-protocol-offload-block-list-structure.md`.
 */
export class BlockListReuse<UpperEdge = unknown> {
  /** Objects offloaded through the driver. */
  offloadEntries = 0;
  private readonly ndis: NdisLibrary;
  private readonly owner: string;
  private readonly calls: CallEntryPool<UpperEdge>;
  private readonly entryLimit: number;
  private readonly sends: NetBufferListTracker<UpperEdge>;
  private readonly receives: NetBufferListTracker<UpperEdge>;
  private readonly walk: BlockWalk<OffloadBlockList> = new BlockWalk<OffloadBlockList>();

  /**
   * @param sends tracks the send NBLs that travel in trees, with those that travel in calls.
   * @param receives tracks received data that comes up with a terminated connection, with that which is indicated.
   */
  constructor(
    ndis: NdisLibrary,
    owner: string,
    sends: NetBufferListTracker<UpperEdge>,
    receives: NetBufferListTracker<UpperEdge>,
    limits: BlockListReuseLimits = {},
  ) {
    this.ndis = ndis;
    this.owner = owner;
    this.sends = sends;
    this.receives = receives;
    this.calls = new CallEntryPool(owner, limits.callEntries);
    this.entryLimit = limits.offloadEntries ?? Infinity;
  }

  /** State operations being relayed. */
  get callEntries(): number {
    return this.calls.outstanding;
  }

  /**
   * Reusing an NDIS_MINIPORT_OFFLOAD_BLOCK_LIST: makes the tree ready for the downcall of the same name on
   * `lowerBinding`.
   * @returns null, with the tree as it was, when there is not memory for the call or for one of its objects.
   */
  down(
    tree: MiniportOffloadBlockList,
    upperEdge: UpperEdge,
    lowerBinding: NdisBinding,
  ): ProtocolOffloadBlockList | null {
    const call = this.calls.allocate(this.ndis, upperEdge);
    if (call === null) return null;
    const root = tree as unknown as OffloadBlockList;
    call.save(root);
    let done = 0;
    for (let block: OffloadBlockList | null = this.walk.start(root); block !== null; block = this.walk.next(block)) {
      const upperHandle = block.offloadHandle;
      if (upperHandle !== null) {
        const entry = (upperHandle.miniportOffloadContext as OffloadEntry<UpperEdge> | null) ?? this.entryFor(block, upperHandle, upperEdge, lowerBinding);
        if (entry === null) {
          this.undo(root, call, done);
          return null;
        }
        block.offloadHandle = entry.handle;
      }
      done++;
    }
    return root as unknown as ProtocolOffloadBlockList;
  }

  /** @returns the entry of a new object, or null when there is not memory for it. */
  private entryFor(block: OffloadBlockList, upperHandle: OffloadHandle, upperEdge: UpperEdge, lowerBinding: NdisBinding): OffloadEntry<UpperEdge> | null {
    if (this.offloadEntries >= this.entryLimit) return null;
    if (block.netBufferListChain !== null && !this.sends.push(block.netBufferListChain, upperEdge)) return null;
    const entry = new OffloadEntry(lowerBinding, upperHandle, upperEdge);
    this.offloadEntries++;
    this.ndis.observer?.allocated?.('IM_OFFLOAD_ENTRY', entry, this.owner);
    return entry;
  }

  /** Makes a tree that {@link down} prepared, and that was refused below, what it was when it came down. */
  cancel(tree: ProtocolOffloadBlockList): void {
    const root = tree as unknown as OffloadBlockList;
    this.undo(root, root.imReserved0 as CallEntry<UpperEdge>, Infinity);
  }

  private undo(root: OffloadBlockList, call: CallEntry<UpperEdge>, count: number): void {
    let block: OffloadBlockList | null = this.walk.start(root);
    for (let i = 0; i < count && block !== null; i++) {
      const { offloadHandle, netBufferListChain } = block;
      if (offloadHandle !== null) {
        const entry = offloadHandle.owner as OffloadEntry<UpperEdge>;
        if (offloadHandle.state === 'new') {
          this.forget(entry);
          if (netBufferListChain !== null) this.sends.pop(netBufferListChain);
        }
        block.offloadHandle = entry.upperHandle;
      }
      block = this.walk.next(block);
    }
    call.restore(root);
    this.calls.release(this.ndis, call);
  }

  private forget(entry: OffloadEntry<UpperEdge>): void {
    this.offloadEntries--;
    this.ndis.observer?.freed?.('IM_OFFLOAD_ENTRY', entry, this.owner);
  }

  /**
   * Reusing an NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST: makes the completed tree what it was when it came down, statuses and
   * state as the driver below left them, ready for the completion of the same name. After an initiate the upper cells
   * of the objects that were offloaded name the driver's entries; after a terminate the entries are gone.
   * @returns the tree, and the upper interface it belongs to.
   */
  up(operation: RelayedOperation, tree: ProtocolOffloadBlockList): { tree: MiniportOffloadBlockList; upperEdge: UpperEdge } {
    const root = tree as unknown as OffloadBlockList;
    const call = root.imReserved0 as CallEntry<UpperEdge>;
    const upperEdge = call.upperEdge as UpperEdge;
    for (let block: OffloadBlockList | null = this.walk.start(root); block !== null; block = this.walk.next(block)) {
      const { offloadHandle } = block;
      if (offloadHandle === null) continue;
      const entry = offloadHandle.owner as OffloadEntry<UpperEdge>;
      if (operation === 'initiate') this.upInitiate(block, entry);
      else if (operation === 'terminate') this.upTerminate(block, entry, upperEdge);
      block.offloadHandle = entry.upperHandle;
    }
    call.restore(root);
    this.calls.release(this.ndis, call);
    return { tree: root as unknown as MiniportOffloadBlockList, upperEdge };
  }

  private upInitiate(block: OffloadBlockList, entry: OffloadEntry<UpperEdge>): void {
    const { upperHandle } = entry;
    if (upperHandle.miniportOffloadContext !== null) return;
    if (block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) {
      upperHandle.miniportOffloadContext = entry;
      return;
    }
    if (block.netBufferListChain !== null) this.sends.pop(block.netBufferListChain);
    this.forget(entry);
  }

  private upTerminate(block: OffloadBlockList, entry: OffloadEntry<UpperEdge>, upperEdge: UpperEdge): void {
    if (block.netBufferListChain !== null) this.sends.pop(block.netBufferListChain);
    const buffered = bufferedDataOf(block);
    // Nobody could be told that there is no memory for it.
    if (buffered !== null) this.receives.pushAlways(buffered, upperEdge);
    if (block.status === NDIS_STATUS_SUCCESS) this.forget(entry);
  }
}

function bufferedDataOf(block: OffloadBlockList): NetBufferList | null {
  // Only TCP state has the member.
  return (block.state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
}
