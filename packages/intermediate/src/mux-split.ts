import type {
  OffloadBlockState} from '@ndis-chimney/types';
import {
  BlockWalk,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type OFFLOAD_STATE_TYPE,
  type OffloadBlockList,
} from '@ndis-chimney/types';

import { isOffloaded } from './block-list-reuse.ts';
import type { CallEntry } from './call-entry.ts';
import type { MuxBlockLists } from './mux-block-lists.ts';
import { MuxShared, copyOf, type MuxEntry } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import { createBlock } from './mux-own-operations.ts';
import { contextOf, isNew, placeOf } from './mux-plan.ts';
import type { MuxUpper } from './mux-upper.ts';
import type { StateOperation } from './state-operation.ts';

/** A block of a part, and the block of the driver above that it stands for. */
interface Pair {
  readonly own: OffloadBlockList;
  readonly upper: MiniportOffloadBlockList;
  readonly lower: MuxLower;
  /** The entry it names; null for a placeholder. */
  readonly entry: MuxEntry | null;
  /** True when the entry was made for the operation. */
  readonly isNew: boolean;
}

/** The layers of a part while it is built: where the next block of each is appended. */
interface Branch {
  /** Last block of the driver above, and the block of the part that stands for it once there is one. */
  upper: MiniportOffloadBlockList | null;
  own: OffloadBlockList | null;
}

/**
 * A tree that concerns several lower adapters: for each of them a tree of the mux's own, with what concerns that one.
 * The blocks of the driver above stay where they are; what comes back is written into them when all parts are back.
 */
export class TreeSplit {
  readonly operation: StateOperation;
  readonly upper: MuxUpper;
  readonly tree: MiniportOffloadBlockList;
  /** Parts that are below. */
  pending = 0;
  private readonly blocks: MuxBlockLists;
  private readonly call: CallEntry<MuxUpper>;
  private readonly pairs: Pair[] = [];
  private readonly shared = new Map<MiniportOffloadBlockList, MuxShared>();
  /** Blocks of the driver above that have one of a part for them already. */
  private readonly stood = new Set<MiniportOffloadBlockList>();

  private constructor(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList, blocks: MuxBlockLists, call: CallEntry<MuxUpper>) {
    this.operation = operation;
    this.upper = upper;
    this.tree = tree;
    this.blocks = blocks;
    this.call = call;
  }

  /** Splits a tree. @returns null, with nothing changed, when there is no memory for it. */
  static create(
    operation: StateOperation,
    upper: MuxUpper,
    tree: MiniportOffloadBlockList,
    lowers: readonly MuxLower[],
    blocks: MuxBlockLists,
  ): { readonly split: TreeSplit; readonly parts: readonly { readonly lower: MuxLower; readonly root: OffloadBlockList }[] } | null {
    const call = blocks.takeCall(upper);
    if (call === null) return null;
    const split = new TreeSplit(operation, upper, tree, blocks, call);
    const parts: { lower: MuxLower; root: OffloadBlockList }[] = [];
    for (const lower of lowers) {
      const root = split.build(lower);
      if (root === null) {
        split.abandon();
        return null;
      }
      parts.push({ lower, root });
    }
    return { split, parts };
  }

  private abandon(): void {
    for (const { own, entry, isNew: isMade } of this.pairs) if (entry !== null && isMade) this.blocks.untake(own, entry);
    this.blocks.giveCall(this.call);
  }

  /** The part for one adapter; null without memory. */
  private build(lower: MuxLower): OffloadBlockList | null {
    const part = new PartBuilder();
    const walk = new BlockWalk<MiniportOffloadBlockList>();
    for (let block: MiniportOffloadBlockList | null = walk.start(this.tree); block !== null; block = walk.next(block)) {
      const layer = offloadLayerOf(block.header.type);
      const depth = layer === 'neighbor' ? 0 : layer === 'path' ? 1 : 2;
      part.enter(depth, block);
      if (!this.isConcerned(block, lower)) continue;
      for (let at = 0; at <= depth; at++) {
        const branch = part.branches[at] as Branch;
        if (branch.upper === null || branch.own !== null) continue;
        const own = this.stand(branch.upper, lower);
        if (own === null) return null;
        part.append(at, own);
      }
    }
    return part.root;
  }

  /** True when the object of a block is, or comes, below an adapter for a reason of its own. */
  private isConcerned(block: MiniportOffloadBlockList, lower: MuxLower): boolean {
    if (this.operation === 'initiate') return placeOf(block) === lower;
    const context = contextOf(block);
    if (context === null) return false;
    if (offloadLayerOf(block.header.type) === 'tcp') return (context as MuxEntry).lower === lower;
    const isLink = this.operation === 'update' && block.state === null;
    return !isLink && (context as MuxShared).replicaOn(lower) !== null;
  }

  /** A block of the part that stands for one of the driver above. */
  private stand(upperBlock: MiniportOffloadBlockList, lower: MuxLower): OffloadBlockList | null {
    const own = createBlock(upperBlock.header.type as OFFLOAD_STATE_TYPE);
    const isFirst = !this.stood.has(upperBlock);
    this.stood.add(upperBlock);
    own.state = stateFor(this.operation, upperBlock, isFirst);
    own.portNumber = upperBlock.portNumber;
    let entry: MuxEntry | null = null;
    const isMade = isNew(upperBlock);
    if (isMade) {
      own.netBufferListChain = upperBlock.netBufferListChain;
      entry = this.blocks.take(lower, own, upperBlock.ndisOffloadHandle as NonNullable<typeof upperBlock.ndisOffloadHandle>, this.upper, this.sharedOf(upperBlock));
      if (entry === null) return null;
    } else {
      const context = contextOf(upperBlock);
      if (context !== null) entry = offloadLayerOf(upperBlock.header.type) === 'tcp' ? (context as MuxEntry) : (context as MuxShared).replicaOn(lower);
    }
    own.offloadHandle = entry === null ? null : entry.handle;
    this.pairs.push({ own, upper: upperBlock, lower, entry, isNew: isMade });
    return own;
  }

  private sharedOf(upperBlock: MiniportOffloadBlockList): MuxShared | null {
    if (offloadLayerOf(upperBlock.header.type) === 'tcp') return null;
    let shared = this.shared.get(upperBlock);
    if (shared === undefined) this.shared.set(upperBlock, (shared = new MuxShared(upperBlock as unknown as OffloadBlockList, this.upper)));
    return shared;
  }

  /** A part could not be passed down: it counts as failed. */
  failPart(lower: MuxLower): void {
    for (const pair of this.pairs) if (pair.lower === lower) pair.own.status = NDIS_STATUS_FAILURE;
  }

  /** Writes the results into the blocks of the driver above, and ends or settles entries. To be called once. */
  finish(): void {
    const results = new Map<MiniportOffloadBlockList, NDIS_STATUS[]>();
    for (const pair of this.pairs) {
      const { own, upper, entry } = pair;
      if (entry === null) continue;
      results.set(upper, [...(results.get(upper) ?? []), own.status]);
      if (this.operation === 'initiate') this.finishInitiate(pair, entry);
      else if (this.operation === 'terminate') this.finishTerminate(pair, entry);
      combineState(upper, own);
    }
    const walk = new BlockWalk<MiniportOffloadBlockList>();
    for (let block: MiniportOffloadBlockList | null = walk.start(this.tree); block !== null; block = walk.next(block)) {
      block.status = this.statusOf(results.get(block) ?? []);
    }
    this.blocks.giveCall(this.call);
  }

  private finishInitiate({ own, isNew: isMade }: Pair, entry: MuxEntry): void {
    if (!isMade) return;
    if (isOffloaded(own.status)) this.blocks.settle(entry);
    else this.blocks.untake(own, entry);
  }

  private finishTerminate({ own, upper, lower }: Pair, entry: MuxEntry): void {
    this.blocks.takeBack(own, lower);
    upper.netBufferListChain = own.netBufferListChain;
    if (own.status === NDIS_STATUS_SUCCESS) this.blocks.end(entry);
  }

  /** What the statuses of all parts amount to. Of an initiate an object is offloaded if it is somewhere. */
  private statusOf(statuses: readonly NDIS_STATUS[]): NDIS_STATUS {
    // Of a placeholder, or an object that is below no adapter, nobody was asked.
    if (statuses.every((status) => status === NDIS_STATUS_SUCCESS)) return NDIS_STATUS_SUCCESS;
    if (this.operation === 'initiate' && statuses.some(isOffloaded)) return NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    return statuses.find((status) => !isOffloaded(status)) ?? NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
  }
}

/** The tree of one part: blocks are appended where the walk of the whole tree has got to. */
class PartBuilder {
  root: OffloadBlockList | null = null;
  readonly branches: readonly Branch[] = [newBranch(), newBranch(), newBranch()];
  private readonly last: (OffloadBlockList | null)[] = [null, null, null];

  /** The walk has reached a block: what follows is under it. */
  enter(depth: number, block: MiniportOffloadBlockList): void {
    for (let at = depth; at < this.branches.length; at++) {
      const branch = this.branches[at] as Branch;
      branch.upper = at === depth ? block : null;
      branch.own = null;
    }
  }

  /** Appends a block of a layer to the part. */
  append(depth: number, own: OffloadBlockList): void {
    const parent = depth === 0 ? null : (this.branches[depth - 1] as Branch).own;
    const before = this.last[depth] ?? null;
    if (parent === null) {
      if (this.root === null) this.root = own;
      else (before as OffloadBlockList).nextBlock = own;
    } else if (parent.dependentBlockList === null) {
      parent.dependentBlockList = own;
    } else {
      (before as OffloadBlockList).nextBlock = own;
    }
    this.last[depth] = own;
    (this.branches[depth] as Branch).own = own;
  }
}

function newBranch(): Branch {
  return { upper: null, own: null };
}

/**
 * The state that goes down with a block of a part. What is only read is the very state of the driver above; what is
 * written is so in the first part, and a copy in the others.
 */
function stateFor(operation: StateOperation, block: MiniportOffloadBlockList, isFirst: boolean): OffloadBlockState | null {
  const { state, header } = block;
  if (state === null || isFirst || operation === 'initiate' || operation === 'update') return state;
  return offloadLayerOf(header.type) === 'tcp' ? state : copyOf(header.type, state);
}

/** The neighbor was reachable for one adapter when it was for any: the most recent confirmation counts. */
function combineState(upper: MiniportOffloadBlockList, own: OffloadBlockList): void {
  if (offloadLayerOf(upper.header.type) !== 'neighbor') return;
  const delegated = (upper.state as NeighborOffloadState | null)?.delegated ?? null;
  const other = (own.state as NeighborOffloadState | null)?.delegated ?? null;
  if (delegated === null || other === null || delegated === other) return;
  delegated.nicReachabilityDelta = Math.min(delegated.nicReachabilityDelta, other.nicReachabilityDelta);
}
