import { OFFLOAD_STATE_TYPE, createProtocolOffloadBlockList, type OFFLOAD_STATE_TYPE as BlockType, type OffloadBlockState, type OffloadHandle, type OffloadLayer, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { OffloadedObject } from './offloaded-object.ts';

/** Blocks of one layer under one parent, in order. */
class Chain {
  head: ProtocolOffloadBlockList | null = null;
  private tail: ProtocolOffloadBlockList | null = null;

  append(block: ProtocolOffloadBlockList): void {
    if (this.tail === null) this.head = block;
    else this.tail.nextBlock = block;
    this.tail = block;
  }
}

/**
 * Builds one tree of the blocks of objects: each under the block of what it depends on when that is in the tree, the
 * others at the root. Where blocks of several layers would be at the root, placeholders bring them to one.
 *
 * Source: `offload-block-lists.md`, `placeholders--linkers--and-new-offloads.md`.
 */
export class TreeBuilder {
  private readonly blocks = new Map<OffloadedObject, ProtocolOffloadBlockList>();
  private readonly chains = new Map<ProtocolOffloadBlockList, Chain>();
  private readonly roots: Readonly<Record<OffloadLayer, Chain>> = { neighbor: new Chain(), path: new Chain(), tcp: new Chain() };

  /** Objects and blocks, in the order in which they were added. */
  get entries(): ReadonlyMap<OffloadedObject, ProtocolOffloadBlockList> {
    return this.blocks;
  }

  /** Adds the block of an object. A null handle makes a placeholder; what the object is to hang under is added before it. */
  add(object: OffloadedObject, type: BlockType, handle: OffloadHandle | null, state: OffloadBlockState | null, parent: OffloadedObject | null = object.parent): ProtocolOffloadBlockList {
    const block = createProtocolOffloadBlockList(type, handle, state);
    this.blocks.set(object, block);
    const above = parent === null ? undefined : this.blocks.get(parent);
    (above === undefined ? this.roots[object.layer] : this.chainOf(above)).append(block);
    return block;
  }

  private chainOf(block: ProtocolOffloadBlockList): Chain {
    let chain = this.chains.get(block);
    if (chain === undefined) {
      chain = new Chain();
      this.chains.set(block, chain);
    }
    return chain;
  }

  /** The root. @throws Error when nothing was added. */
  build(): ProtocolOffloadBlockList {
    for (const [block, { head }] of this.chains) block.dependentBlockList = head;
    const { neighbor, path, tcp } = this.roots;
    if (tcp.head !== null && (path.head ?? neighbor.head) !== null) path.append(placeholder(OFFLOAD_STATE_TYPE.Ip4OffloadState, tcp.head));
    if (path.head !== null && neighbor.head !== null) neighbor.append(placeholder(OFFLOAD_STATE_TYPE.NeighborOffloadState, path.head));
    const root = neighbor.head ?? path.head ?? tcp.head;
    if (root === null) throw new Error('a tree has at least one block');
    return root;
  }
}

function placeholder(type: BlockType, dependents: ProtocolOffloadBlockList): ProtocolOffloadBlockList {
  const block = createProtocolOffloadBlockList(type, null, null);
  block.dependentBlockList = dependents;
  return block;
}
