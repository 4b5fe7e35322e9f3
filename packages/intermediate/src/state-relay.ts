import {
  BlockWalk,
  NDIS_STATUS_FAILURE,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisLibrary,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { BlockListReuse } from './block-list-reuse.ts';
import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import { IoRelay } from './io-relay.ts';
import { passTreeDown, passTreeUp, type StateOperation } from './state-operation.ts';
import type { VirtualMiniport } from './virtual-miniport.ts';
import { WaitingOperations } from './waiting-operations.ts';

/**
 * The state operations of an intermediate driver: trees down and up in place. Without memory an initiate fails, which
 * the documentation allows; the other four wait until there is some.
 */
export abstract class StateRelay<Upper extends VirtualMiniport, Lower> extends IoRelay<Upper, Lower> {
  protected readonly blocks: BlockListReuse<Upper>;
  protected readonly waiting: WaitingOperations;

  constructor(ndis: NdisLibrary, name: string, limits: IntermediateDriverLimits) {
    super(ndis, name, limits);
    this.blocks = this.createBlocks(limits);
    this.waiting = new WaitingOperations(ndis.dpcQueue);
  }

  /** What turns block lists round; called from the constructor. */
  protected createBlocks(limits: IntermediateDriverLimits): BlockListReuse<Upper> {
    return new BlockListReuse(this.ndis, this.name, this.sends, this.receives, limits);
  }

  /**
   * Passes a tree of an upper interface on.
   * @returns false, with nothing changed, when there is not memory for it. @throws when it is refused.
   */
  protected abstract relayTree(operation: StateOperation, edge: Upper, tree: MiniportOffloadBlockList): boolean;

  // --- down ---

  miniportInitiateOffload(edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    if (!this.relayTree('initiate', edge, offloadBlockList)) this.failLater('initiate', edge, offloadBlockList);
  }

  miniportTerminateOffload(edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayOrWait('terminate', edge, offloadBlockList);
  }

  miniportUpdateOffload(edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayOrWait('update', edge, offloadBlockList);
  }

  miniportInvalidateOffload(edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayOrWait('invalidate', edge, offloadBlockList);
  }

  miniportQueryOffload(edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayOrWait('query', edge, offloadBlockList);
  }

  private relayOrWait(operation: StateOperation, edge: Upper, tree: MiniportOffloadBlockList): void {
    this.waiting.attempt({
      relay: () => this.relayTree(operation, edge, tree),
      fail: () => {
        this.failLater(operation, edge, tree);
      },
    });
  }

  /** Turns a tree round in place and passes it to a lower binding. See {@link relayTree}. */
  protected relayInPlace(operation: StateOperation, edge: Upper, offloadBlockList: MiniportOffloadBlockList, lower: NdisBinding): boolean {
    const tree = this.blocks.down(offloadBlockList, edge, lower);
    if (tree === null) return false;
    try {
      passTreeDown(lower, operation, tree);
    } catch (error) {
      this.blocks.cancel(tree);
      throw error;
    }
    return true;
  }

  /** Fails every block of a tree, and completes it from a DPC. NBLs in the tree are not touched. */
  protected failLater(operation: StateOperation, edge: Upper, offloadBlockList: MiniportOffloadBlockList, status: NDIS_STATUS = NDIS_STATUS_FAILURE): void {
    this.completeLater(operation, edge, setStatus(offloadBlockList, status));
  }

  /** Completes a tree, its statuses written, from a DPC. */
  protected completeLater(operation: StateOperation, edge: Upper, offloadBlockList: MiniportOffloadBlockList): void {
    this.completions.addFirstTry(edge, () => {
      passTreeUp(edge.miniport, operation, offloadBlockList);
    });
  }

  // --- up ---

  protocolInitiateOffloadComplete(lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('initiate', lower, offloadBlockList);
  }

  protocolTerminateOffloadComplete(lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    try {
      // What had no memory and waits for its DPC ends before: after a terminate nothing of a connection is under way.
      this.completions.drain();
    } finally {
      this.relayUp('terminate', lower, offloadBlockList);
    }
  }

  protocolUpdateOffloadComplete(lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('update', lower, offloadBlockList);
  }

  protocolInvalidateOffloadComplete(lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('invalidate', lower, offloadBlockList);
  }

  protocolQueryOffloadComplete(lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('query', lower, offloadBlockList);
  }

  /** Turns a completed tree back in place and passes it to the upper interface it came from. */
  protected relayUp(operation: StateOperation, lower: Lower, offloadBlockList: ProtocolOffloadBlockList): void {
    const { tree, upperEdge } = this.blocks.up(operation, offloadBlockList);
    this.completeTree(operation, lower, upperEdge, tree);
  }

  /** Completes a tree to its upper interface, and lets go on what waited for its end. */
  protected completeTree(operation: StateOperation, lower: Lower, edge: Upper, tree: MiniportOffloadBlockList): void {
    this.waiting.retry();
    try {
      this.completeOrRetry(edge, () => {
        passTreeUp(edge.miniport, operation, tree);
      });
    } finally {
      // What was sent may have come back in the tree.
      this.returned(edge, lower);
    }
  }
}

/** Writes one status into every block of a tree. @returns the tree */
export function setStatus(tree: MiniportOffloadBlockList, status: NDIS_STATUS): MiniportOffloadBlockList {
  const walk = new BlockWalk<MiniportOffloadBlockList>();
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) block.status = status;
  return tree;
}
