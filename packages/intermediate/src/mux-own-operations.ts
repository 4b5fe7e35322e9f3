import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  createProtocolOffloadBlockList,
  offloadLayerOf,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { isOffloaded } from './block-list-reuse.ts';
import type { MuxBlockLists } from './mux-block-lists.ts';
import type { MuxEntry, MuxShared } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import { passTreeDown, type StateOperation } from './state-operation.ts';

/** Called with a tree of the mux's own when it is back. */
export type OwnCompletion = (tree: OffloadBlockList) => void;

/** What own operations need of their driver. */
export interface OwnOperationsOwner {
  /** Milliseconds of the clock. */
  nowMs(): number;
  /** Clock rate that the host has set. */
  ticksPerSecond(): number;
  /** Fills in VLAN ids. */
  tag(shared: MuxShared, state: OffloadBlockList['state']): void;
  /** Called when an operation on neighbors and paths is over: trees may have waited for it. */
  onOver(): void;
}

/**
 * State operations that a mux makes itself, with trees that it builds: parts of a tree that goes to several adapters,
 * replicas of neighbors and paths that an adapter needs, and their end when it goes.
 */
export class OwnOperations {
  private readonly blocks: MuxBlockLists;
  private readonly owner: OwnOperationsOwner;
  private readonly pending = new Map<OffloadBlockList, OwnCompletion>();

  constructor(blocks: MuxBlockLists, owner: OwnOperationsOwner) {
    this.blocks = blocks;
    this.owner = owner;
  }

  /** Passes a tree of the mux's own down. @throws when it is refused; it is not under way then. */
  start(lower: MuxLower, operation: StateOperation, root: OffloadBlockList, onCompleted: OwnCompletion): void {
    this.pending.set(root, onCompleted);
    try {
      passTreeDown(lower.binding, operation, root as unknown as ProtocolOffloadBlockList);
    } catch (error) {
      this.pending.delete(root);
      throw error;
    }
  }

  /** Ends the operation of a tree that is back. @returns false when the tree is not one of the mux's own. */
  complete(tree: ProtocolOffloadBlockList): boolean {
    if (this.pending.size === 0) return false;
    const root = tree as unknown as OffloadBlockList;
    const onCompleted = this.pending.get(root);
    if (onCompleted === undefined) return false;
    this.pending.delete(root);
    onCompleted(root);
    return true;
  }

  /**
   * Offloads a neighbor or path below one more adapter, a path with its neighbor.
   * @param onOver told whether it is there now.
   * @returns false, with nothing begun, when there is no memory for it.
   */
  replicate(shared: MuxShared, lower: MuxLower, onOver: (isThere: boolean) => void): boolean {
    const made: { readonly block: OffloadBlockList; readonly entry: MuxEntry }[] = [];
    const undo = (): void => {
      for (const { block, entry } of made) this.blocks.untake(block, entry);
    };
    const make = (object: MuxShared): OffloadBlockList | null => {
      const block = createBlock(object.type);
      const there = object.replicaOn(lower);
      if (there !== null) {
        block.offloadHandle = there.handle;
        return block;
      }
      const entry = this.blocks.take(lower, block, object.upperHandle, object.upper, object);
      if (entry === null) return null;
      made.push({ block, entry });
      block.offloadHandle = entry.handle;
      block.state = object.stateAt(this.owner.nowMs(), this.owner.ticksPerSecond());
      this.owner.tag(object, block.state);
      return block;
    };
    const own = make(shared);
    const parent = shared.parent === null || own === null ? null : make(shared.parent);
    if (own === null || (parent === null && shared.parent !== null)) {
      undo();
      return false;
    }
    if (parent !== null) parent.dependentBlockList = own;
    lower.hasOwnOperation = true;
    try {
      this.start(lower, 'initiate', parent ?? own, () => {
        lower.hasOwnOperation = false;
        for (const { block, entry } of made) {
          if (isOffloaded(block.status)) this.blocks.settle(entry);
          else this.blocks.untake(block, entry);
        }
        onOver(shared.replicaOn(lower) !== null);
        this.owner.onOver();
      });
    } catch (error) {
      lower.hasOwnOperation = false;
      undo();
      throw error;
    }
    return true;
  }

  /** Takes replicas of one layer back from an adapter. @param onOver called when it is over, however it ended. */
  terminate(lower: MuxLower, entries: readonly MuxEntry[], onOver: () => void): void {
    const blocks = entries.map((entry) => {
      const block = createBlock(entry.shared?.type ?? OFFLOAD_STATE_TYPE.TcpOffloadState);
      block.offloadHandle = entry.handle;
      block.status = NDIS_STATUS_FAILURE;
      return block;
    });
    blocks.forEach((block, at) => {
      block.nextBlock = blocks[at + 1] ?? null;
    });
    const [root] = blocks;
    if (root === undefined) return;
    lower.hasOwnOperation = true;
    try {
      this.start(lower, 'terminate', root, () => {
        lower.hasOwnOperation = false;
        blocks.forEach((block, at) => {
          const entry = entries[at] as MuxEntry;
          // An adapter that cannot give one back twice has lost it: nothing waits for it any more.
          if (block.status === NDIS_STATUS_SUCCESS || ++entry.failures > 1) this.blocks.end(entry);
        });
        onOver();
        this.owner.onOver();
      });
    } catch (error) {
      lower.hasOwnOperation = false;
      throw error;
    }
  }

  /** The replicas below an adapter that can go next: paths before the neighbors that they depend on. */
  static next(lower: MuxLower, mayGo: (entry: MuxEntry) => boolean): MuxEntry[] {
    const going = [...lower.replicas].filter(mayGo);
    const paths = going.filter(({ shared }) => shared !== null && offloadLayerOf(shared.type) === 'path');
    if (paths.length > 0) return paths;
    const withPaths = new Set([...lower.replicas].map(({ shared }) => shared?.parent));
    return going.filter(({ shared }) => !withPaths.has(shared));
  }
}

/** A block of the mux's own. */
export function createBlock(type: OFFLOAD_STATE_TYPE): OffloadBlockList {
  return createProtocolOffloadBlockList(type) as unknown as OffloadBlockList;
}
