import {
  BlockWalk,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisLibrary,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { CallEntryPool, type CallEntry } from './call-entry.ts';
import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import type { NetBufferListTracker } from './net-buffer-list-tracker.ts';
import { OffloadEntry } from './offload-entry.ts';
import type { StateOperation } from './state-operation.ts';

/** Memory an intermediate driver has for state operations. */
export type BlockListReuseLimits = Pick<IntermediateDriverLimits, 'callEntries' | 'offloadEntries'>;

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
  protected readonly ndis: NdisLibrary;
  protected readonly calls: CallEntryPool<UpperEdge>;
  protected readonly sends: NetBufferListTracker<UpperEdge>;
  protected readonly receives: NetBufferListTracker<NdisBinding>;
  private readonly owner: string;
  private readonly entryLimit: number;
  private readonly walk: BlockWalk<OffloadBlockList> = new BlockWalk<OffloadBlockList>();

  /**
   * @param sends tracks the send NBLs that travel in trees, with those that travel in calls.
   * @param receives tracks received data that comes up with a terminated connection, with that which is indicated.
   */
  constructor(
    ndis: NdisLibrary,
    owner: string,
    sends: NetBufferListTracker<UpperEdge>,
    receives: NetBufferListTracker<NdisBinding>,
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
        const entry = this.entryOf(block, lowerBinding, upperHandle) ?? this.admit(block, upperHandle, upperEdge, lowerBinding);
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

  /** The entry of an object that is offloaded on a binding; null for a new one. */
  protected entryOf(_block: OffloadBlockList, _lowerBinding: NdisBinding, upperHandle: OffloadHandle): OffloadEntry<UpperEdge> | null {
    return upperHandle.miniportOffloadContext as OffloadEntry<UpperEdge> | null;
  }

  /** Makes the entry of a new object. */
  protected createEntry(_block: OffloadBlockList, upperHandle: OffloadHandle, upperEdge: UpperEdge, lowerBinding: NdisBinding): OffloadEntry<UpperEdge> {
    return new OffloadEntry(lowerBinding, upperHandle, upperEdge);
  }

  /** The object of a block was offloaded: from now on the upper cell names the driver's record of it. */
  protected keep(_block: OffloadBlockList, entry: OffloadEntry<UpperEdge>): void {
    entry.upperHandle.miniportOffloadContext = entry;
  }

  /** The object of an entry that was kept is not offloaded any more. */
  protected drop(entry: OffloadEntry<UpperEdge>): void {
    this.forget(entry);
  }

  /** An entry for a new object, contexts on its send data included; null, with nothing changed, without memory. */
  protected admit(block: OffloadBlockList, upperHandle: OffloadHandle, upperEdge: UpperEdge, lowerBinding: NdisBinding): OffloadEntry<UpperEdge> | null {
    const entry = this.createEntry(block, upperHandle, upperEdge, lowerBinding);
    return this.count(block, upperEdge, entry) ? entry : null;
  }

  /** Counts a new entry, and puts contexts on its send data. @returns false, with nothing changed, without memory. */
  protected count(block: OffloadBlockList, upperEdge: UpperEdge, entry: OffloadEntry<UpperEdge>): boolean {
    if (this.offloadEntries >= this.entryLimit) return false;
    if (block.netBufferListChain !== null && !this.sends.push(block.netBufferListChain, upperEdge)) return false;
    this.offloadEntries++;
    this.ndis.observer?.allocated?.('IM_OFFLOAD_ENTRY', entry, this.owner);
    return true;
  }

  /** The object of an entry that {@link admit} made was not offloaded. */
  protected dismiss(block: OffloadBlockList, entry: OffloadEntry<UpperEdge>): void {
    if (block.netBufferListChain !== null) this.sends.pop(block.netBufferListChain);
    this.forget(entry);
  }

  /** Makes a tree that {@link down} prepared, and that was refused below, what it was when it came down. */
  cancel(tree: ProtocolOffloadBlockList): void {
    const root = tree as unknown as OffloadBlockList;
    this.undo(root, root.imReserved0 as CallEntry<UpperEdge>, Infinity);
  }

  private undo(root: OffloadBlockList, call: CallEntry<UpperEdge>, count: number): void {
    let block: OffloadBlockList | null = this.walk.start(root);
    for (let i = 0; i < count && block !== null; i++) {
      const { offloadHandle } = block;
      if (offloadHandle !== null) {
        const entry = offloadHandle.owner as OffloadEntry<UpperEdge>;
        if (offloadHandle.state === 'new') this.dismiss(block, entry);
        block.offloadHandle = entry.upperHandle;
      }
      block = this.walk.next(block);
    }
    call.restore(root);
    this.calls.release(this.ndis, call);
  }

  /** Frees the memory of an entry. */
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
  up(operation: StateOperation, tree: ProtocolOffloadBlockList): { tree: MiniportOffloadBlockList; upperEdge: UpperEdge } {
    const root = tree as unknown as OffloadBlockList;
    const call = root.imReserved0 as CallEntry<UpperEdge>;
    const upperEdge = call.upperEdge as UpperEdge;
    for (let block: OffloadBlockList | null = this.walk.start(root); block !== null; block = this.walk.next(block)) {
      const { offloadHandle } = block;
      if (offloadHandle === null) continue;
      const entry = offloadHandle.owner as OffloadEntry<UpperEdge>;
      if (operation === 'initiate') this.upInitiate(block, entry);
      else if (operation === 'terminate') this.upTerminate(block, entry, offloadHandle.binding);
      block.offloadHandle = entry.upperHandle;
    }
    call.restore(root);
    this.calls.release(this.ndis, call);
    return { tree: root as unknown as MiniportOffloadBlockList, upperEdge };
  }

  private upInitiate(block: OffloadBlockList, entry: OffloadEntry<UpperEdge>): void {
    if (entry.upperHandle.miniportOffloadContext !== null) return;
    if (isOffloaded(block.status)) this.keep(block, entry);
    else this.dismiss(block, entry);
  }

  private upTerminate(block: OffloadBlockList, entry: OffloadEntry<UpperEdge>, lowerBinding: NdisBinding): void {
    this.takeReturned(block, lowerBinding);
    if (block.status === NDIS_STATUS_SUCCESS) this.drop(entry);
  }

  /** Data that comes back with a terminated connection: sends are done with, received data goes up like any other. */
  protected takeReturned(block: OffloadBlockList, lowerBinding: NdisBinding): void {
    if (block.netBufferListChain !== null) this.sends.pop(block.netBufferListChain);
    const buffered = bufferedDataOf(block);
    // Nobody could be told that there is no memory for it.
    if (buffered !== null) this.receives.pushAlways(buffered, lowerBinding);
  }
}

/** True for the status of an initiated block whose own object was offloaded. */
export function isOffloaded(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

function bufferedDataOf(block: OffloadBlockList): NetBufferList | null {
  // Only TCP state has the member.
  return (block.state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
}
