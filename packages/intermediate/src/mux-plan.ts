import { BlockWalk, offloadLayerOf, type MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { MuxEntry, MuxShared } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import type { MuxPlacement } from './mux-placement.ts';
import type { MuxUpper } from './mux-upper.ts';
import type { StateOperation } from './state-operation.ts';

/** A neighbor or path that must be offloaded below an adapter before a tree can go there. */
export interface MissingReplica {
  readonly shared: MuxShared;
  readonly lower: MuxLower;
}

/** Which lower adapters a tree concerns. */
export interface TreePlan {
  /** None when no object of the tree is below any. */
  readonly lowers: readonly MuxLower[];
  /** True when the very same blocks can go down: every object of the tree is, or comes, below the one adapter. */
  readonly isInPlace: boolean;
  /** The first replica that is missing, or null. */
  readonly missing: MissingReplica | null;
}

/** What the driver keeps for the object of a block: a MuxEntry for a connection, else a MuxShared; null for none. */
export function contextOf(block: MiniportOffloadBlockList): unknown {
  return block.miniportOffloadContext?.miniportOffloadContext ?? null;
}

/** True for a new object of an initiate. */
export function isNew(block: MiniportOffloadBlockList): boolean {
  return block.miniportOffloadContext !== null && block.miniportOffloadContext.miniportOffloadContext === null;
}

/** Where a new object was placed by {@link planTree}; kept in the block, whose scratch members are the driver's now. */
export function placeOf(block: MiniportOffloadBlockList): MuxLower | null {
  return block.scratch0 as MuxLower | null;
}

/**
 * Finds out where the objects of a tree are, and says where new ones go.
 * @param isRetry true when the tree was planned before and has waited: new objects keep their places.
 * @returns null when new ones can go nowhere.
 */
export function planTree(operation: StateOperation, tree: MiniportOffloadBlockList, upper: MuxUpper, placement: MuxPlacement, isRetry: boolean): TreePlan | null {
  const planner = new Planner(operation, upper, placement, isRetry);
  return planner.plan(tree);
}

class Planner {
  private readonly operation: StateOperation;
  private readonly isRetry: boolean;
  private readonly upper: MuxUpper;
  private readonly placement: MuxPlacement;
  private readonly lowers: MuxLower[] = [];
  private readonly planned = new Map<MuxLower, number>();
  private missing: MissingReplica | null = null;
  private isWhole = true;

  constructor(operation: StateOperation, upper: MuxUpper, placement: MuxPlacement, isRetry: boolean) {
    this.operation = operation;
    this.isRetry = isRetry;
    this.upper = upper;
    this.placement = placement;
  }

  plan(tree: MiniportOffloadBlockList): TreePlan | null {
    const walk = new BlockWalk<MiniportOffloadBlockList>();
    // What a block is under: the last block of each layer below, in the order of the walk.
    let neighbor: MiniportOffloadBlockList | null = null;
    let path: MiniportOffloadBlockList | null = null;
    for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
      switch (offloadLayerOf(block.header.type)) {
        case 'neighbor':
          neighbor = block;
          path = null;
          if (!this.visit(block, null, null)) return null;
          break;
        case 'path':
          path = block;
          if (!this.visit(block, neighbor, null)) return null;
          break;
        default:
          if (!this.visit(block, neighbor, path)) return null;
      }
    }
    const { lowers, missing } = this;
    const [sole] = lowers;
    return { lowers, missing, isInPlace: sole !== undefined && lowers.length === 1 && this.isWhole && isWhollyBelow(tree, sole) };
  }

  /** @returns false when a new object can go nowhere. */
  private visit(block: MiniportOffloadBlockList, neighbor: MiniportOffloadBlockList | null, path: MiniportOffloadBlockList | null): boolean {
    const before = this.isRetry ? placeOf(block) : null;
    block.scratch0 = null;
    if (block.miniportOffloadContext === null) return true;
    if (this.operation === 'initiate') {
      // Neighbors and paths go where what is under them goes.
      if (!isNew(block) || block.dependentBlockList !== null) return true;
      const lower = before?.isUsable === true ? before : this.placement.choose(block, this.upper, this.planned);
      if (lower === null) return false;
      block.scratch0 = lower;
      this.planned.set(lower, (this.planned.get(lower) ?? 0) + 1);
      this.use(lower, neighbor, path);
      return true;
    }
    if (offloadLayerOf(block.header.type) === 'tcp') {
      this.use((contextOf(block) as MuxEntry).lower, null, null);
      return true;
    }
    const { replicas } = contextOf(block) as MuxShared;
    if (replicas.length === 0) this.isWhole = false;
    // The neighbor that an update links paths to is not concerned itself.
    if (this.operation === 'update' && block.state === null) return true;
    for (const { lower } of replicas) this.use(lower, this.operation === 'update' ? neighbor : null, null);
    return true;
  }

  /** Something of the tree is below an adapter: then what it is linked to must be there too. */
  private use(lower: MuxLower, neighbor: MiniportOffloadBlockList | null, path: MiniportOffloadBlockList | null): void {
    if (!this.lowers.includes(lower)) this.lowers.push(lower);
    this.need(path, lower);
    this.need(neighbor, lower);
  }

  private need(block: MiniportOffloadBlockList | null, lower: MuxLower): void {
    if (block === null || this.missing !== null) return;
    const shared = contextOf(block) as MuxShared | null;
    if (shared !== null && shared.replicaOn(lower) === null) this.missing = { shared, lower };
  }
}

/** True when every neighbor and path of a tree that is offloaded has a replica below an adapter. */
function isWhollyBelow(tree: MiniportOffloadBlockList, lower: MuxLower): boolean {
  const walk = new BlockWalk<MiniportOffloadBlockList>();
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
    if (offloadLayerOf(block.header.type) === 'tcp') continue;
    const shared = contextOf(block) as MuxShared | null;
    if (shared !== null && shared.replicaOn(lower) === null) return false;
  }
  return true;
}
