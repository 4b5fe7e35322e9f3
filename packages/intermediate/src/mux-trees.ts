import {
  BlockWalk,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import { MuxBlockLists } from './mux-block-lists.ts';
import type { Departures } from './mux-departures.ts';
import type { MuxEntry, MuxShared } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import { MuxOrdinaryPath } from './mux-ordinary-path.ts';
import type { OwnOperations } from './mux-own-operations.ts';
import { contextOf, isNew, planTree, type MissingReplica, type TreePlan } from './mux-plan.ts';
import { TreeSplit } from './mux-split.ts';
import { TreeTags, failedForVlan } from './mux-tags.ts';
import type { MuxUpper } from './mux-upper.ts';
import { passTreeUp, type StateOperation } from './state-operation.ts';
import { setStatus } from './state-relay.ts';

/** How an attempt to pass a tree on ended: it is under way; there is no memory; something of the mux's own comes first. */
type Attempt = 'relayed' | 'no memory' | 'busy';

/**
 * The state operations of a mux. A tree that concerns one lower adapter is relayed in place, like in any intermediate
 * driver; one that concerns several goes down in parts. Neighbors and paths that are missing below an adapter are
 * offloaded there first.
 */
export abstract class MuxTrees extends MuxOrdinaryPath {
  /** @internal */
  declare protected readonly blocks: MuxBlockLists;
  /** @internal */
  protected abstract readonly own: OwnOperations;
  /** @internal */
  protected abstract readonly departures: Departures;
  /** Clock rate that the drivers above have set. */
  protected abstract readonly ticksPerSecond: number;
  private readonly tags: TreeTags = new TreeTags();
  /** Trees for which a replica that they need could not be offloaded. */
  private readonly hopeless = new Set<MiniportOffloadBlockList>();

  /** @internal */
  protected override createBlocks(limits: IntermediateDriverLimits): MuxBlockLists {
    return new MuxBlockLists(this.ndis, this.name, this.sends, this.receives, limits);
  }

  override miniportInitiateOffload(upper: MuxUpper, tree: MiniportOffloadBlockList): void {
    if (this.initiate(upper, tree, false)) return;
    this.waiting.attempt({
      relay: () => this.initiate(upper, tree, true),
      fail: () => {
        this.failLater('initiate', upper, tree);
      },
    });
  }

  /** @returns false when the tree has to wait. Without memory it fails. */
  private initiate(upper: MuxUpper, tree: MiniportOffloadBlockList, isRetry: boolean): boolean {
    const attempt = this.attempt('initiate', upper, tree, isRetry);
    if (attempt === 'no memory') this.failLater('initiate', upper, tree);
    return attempt !== 'busy';
  }

  protected relayTree(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList): boolean {
    return this.attempt(operation, upper, tree, false) === 'relayed';
  }

  private attempt(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList, isRetry: boolean): Attempt {
    if (this.hopeless.delete(tree)) {
      this.failLater(operation, upper, tree);
      return 'relayed';
    }
    if (operation === 'initiate' && failedForVlan(upper, tree)) {
      this.completeLater(operation, upper, tree);
      return 'relayed';
    }
    this.tags.fill(operation, upper, tree);
    let attempt: Attempt = 'busy';
    try {
      attempt = this.place(operation, upper, tree, isRetry);
    } finally {
      if (attempt !== 'relayed') this.tags.undo(tree);
    }
    return attempt;
  }

  private place(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList, isRetry: boolean): Attempt {
    const plan = planTree(operation, tree, upper, this.placement, isRetry);
    if (plan === null) {
      setStatus(tree, NDIS_STATUS_FAILURE);
      this.answerLater(operation, upper, tree);
      return 'relayed';
    }
    const { lowers, missing, isInPlace } = plan;
    if (lowers.some((lower) => lower.hasOwnOperation) || missing?.lower.hasOwnOperation === true) return 'busy';
    if (missing !== null) return this.replicateFor(operation, upper, tree, missing);
    const [sole] = lowers;
    if (sole === undefined) {
      this.answerNowhere(operation, tree);
      this.answerLater(operation, upper, tree);
      return 'relayed';
    }
    if (!isInPlace) return this.split(operation, upper, tree, plan);
    sole.operations++;
    let isRelayed = false;
    try {
      isRelayed = this.relayInPlace(operation, upper, tree, sole.binding);
    } finally {
      if (!isRelayed) sole.operations--;
    }
    return isRelayed ? 'relayed' : 'no memory';
  }

  /**
   * Offloads what the tree needs first; then it is tried again. Without memory for it the tree fails: a terminate that
   * would free some could not overtake it.
   */
  private replicateFor(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList, { shared, lower }: MissingReplica): Attempt {
    const isBegun = this.own.replicate(shared, lower, (isThere) => {
      if (!isThere) this.hopeless.add(tree);
      this.progressed(lower);
    });
    if (isBegun) return 'busy';
    setStatus(tree, NDIS_STATUS_FAILURE);
    this.answerLater(operation, upper, tree);
    return 'relayed';
  }

  private split(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList, { lowers }: TreePlan): Attempt {
    const made = TreeSplit.create(operation, upper, tree, lowers, this.blocks);
    if (made === null) return 'no memory';
    const { split, parts } = made;
    split.pending = parts.length;
    for (const { lower } of parts) lower.operations++;
    for (const { lower, root } of parts) {
      const back = (): void => {
        // Until all parts are back, what came back of one is not settled either.
        if (--split.pending > 0) return;
        for (const part of parts) part.lower.operations--;
        split.finish();
        try {
          this.finishTree(operation, lower, upper, tree);
        } finally {
          for (const part of parts) this.progressed(part.lower);
        }
      };
      try {
        this.own.start(lower, operation, root, back);
      } catch {
        // Refused, and reported: the part has failed, the others are under way.
        split.failPart(lower);
        this.completions.add(upper, back);
      }
    }
    return 'relayed';
  }

  /** Answers for objects that are below no adapter: nobody has changed them, and the state is what was given. */
  private answerNowhere(operation: StateOperation, tree: MiniportOffloadBlockList): void {
    const walk = new BlockWalk<MiniportOffloadBlockList>();
    for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
      block.status = operation === 'initiate' && isNew(block) ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS;
      const isAsked = operation === 'query' || operation === 'terminate';
      const shared = isAsked ? (contextOf(block) as MuxShared | null) : null;
      if (shared !== null && block.state !== null) shared.tell(block.state, this.ndis.clock.now(), this.ticksPerSecond);
    }
  }

  /** Completes a tree that went nowhere, its statuses written. */
  private answerLater(operation: StateOperation, upper: MuxUpper, tree: MiniportOffloadBlockList): void {
    this.tags.undo(tree);
    this.completions.addFirstTry(upper, () => {
      passTreeUp(upper.miniport, operation, tree);
    });
  }

  protected override relayUp(operation: StateOperation, lower: MuxLower, offloadBlockList: ProtocolOffloadBlockList): void {
    if (this.own.complete(offloadBlockList)) return;
    lower.operations--;
    const { tree, upperEdge } = this.blocks.up(operation, offloadBlockList);
    try {
      this.finishTree(operation, lower, upperEdge, tree);
    } finally {
      // Whether or not somebody stopped the completion: below, it is over.
      this.progressed(lower);
    }
  }

  private finishTree(operation: StateOperation, lower: MuxLower, upper: MuxUpper, tree: MiniportOffloadBlockList): void {
    this.tags.restore(operation, upper, tree);
    const entries = learn(operation, tree, this.ndis.clock.now());
    try {
      this.completeTree(operation, lower, upper, tree);
    } finally {
      // They came below an adapter that was being left meanwhile.
      for (const entry of entries) this.departures.retrieve(entry);
    }
  }

  /** Something below an adapter is over. */
  protected progressed(lower: MuxLower): void {
    this.departures.progress(lower);
  }
}

/**
 * Takes over what an initiate or an update has changed: state of neighbors and paths, which neighbor a path has.
 * @returns the connections that are offloaded now.
 */
function learn(operation: StateOperation, tree: MiniportOffloadBlockList, nowMs: number): readonly MuxEntry[] {
  const entries: MuxEntry[] = [];
  if (operation !== 'initiate' && operation !== 'update') return entries;
  const walk = new BlockWalk<MiniportOffloadBlockList>();
  let neighbor: MuxShared | null = null;
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
    const layer = offloadLayerOf(block.header.type);
    const context = contextOf(block);
    if (layer === 'neighbor') neighbor = context as MuxShared | null;
    if (context === null || (operation === 'update' && block.status !== NDIS_STATUS_SUCCESS)) continue;
    if (layer === 'tcp') {
      const entry = context as MuxEntry;
      const cached = (block.state as TcpOffloadState | null)?.cached ?? null;
      if (cached !== null) entry.userPriority = cached.userPriority;
      if (operation === 'initiate') entries.push(entry);
      continue;
    }
    const shared = context as MuxShared;
    const isFirst = !shared.isKnown;
    if (block.state !== null && (isFirst || operation === 'update')) shared.learn(block.state, nowMs);
    if (layer === 'path' && neighbor !== null && (isFirst || operation === 'update')) shared.parent = neighbor;
  }
  return entries;
}
