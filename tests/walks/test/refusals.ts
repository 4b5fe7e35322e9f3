import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type Random,
} from '@ndis-chimney/types';

import { visit } from './object-ledger.ts';
import { pick } from './pick.ts';

type Block = MiniportOffloadBlockList;

const TCP_REFUSALS: readonly NDIS_STATUS[] = [
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
];

function refusalFor(block: Block, random: Random): NDIS_STATUS {
  if (offloadLayerOf(block.header.type) === 'tcp') return pick(TCP_REFUSALS, random.nextInt(TCP_REFUSALS.length));
  return offloadLayerOf(block.header.type) === 'path' ? NDIS_STATUS_OFFLOAD_PATH_ENTRIES : NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES;
}

/** True for a block that offers an object, rather than naming one. */
function isNew({ miniportOffloadContext: cell }: Block): boolean {
  return cell !== null && cell.miniportOffloadContext === null;
}

function isOffloaded(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

function childrenOf(block: Block): Block[] {
  const children: Block[] = [];
  for (let child = block.dependentBlockList; child !== null; child = child.nextBlock) children.push(child);
  return children;
}

function link(parent: Block, children: readonly Block[]): void {
  parent.dependentBlockList = children[0] ?? null;
  children.forEach((child, at) => {
    child.nextBlock = children[at + 1] ?? null;
  });
}

/** Refuses every object that a tree offers: nobody below sees it. */
export function refuseAll(tree: Block, random: Random): void {
  visit(tree, (block, above) => {
    if (isNew(block)) block.status = above === null || isOffloaded(above.status) || !isNew(above) ? refusalFor(block, random) : NDIS_STATUS_FAILURE;
    else block.status = block.miniportOffloadContext === null ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
  });
}

/**
 * Objects of an initiate that are refused although the target would take them. They are taken out of the tree on the way
 * down, and are back in their place, with a status and the roll-up that follows from it, on the way up.
 */
export class Refusals {
  private readonly cut = new Map<Block, NDIS_STATUS>();
  /** Parents that lost a dependent, deepest first, with all their dependents in order. */
  private readonly parents = new Map<Block, readonly Block[]>();
  private readonly linkers = new Set<Block>();

  /** Takes some of the offered objects out. The root stays: without it there would be no tree. */
  takeOut(tree: Block, percent: number, random: Random): void {
    visit(tree, (block, above) => {
      if (above !== null && isNew(block) && !this.cut.has(above) && random.nextInt(100) < percent) this.cut.set(block, refusalFor(block, random));
    });
    const parents: Block[] = [];
    visit(tree, (block) => {
      if (block.miniportOffloadContext !== null && !isNew(block)) this.linkers.add(block);
      if (!this.cut.has(block) && block.dependentBlockList !== null) parents.unshift(block);
    });
    for (const parent of parents) {
      const children = childrenOf(parent);
      this.parents.set(parent, children);
      link(parent, children.filter((child) => !this.cut.has(child)));
    }
  }

  /** Puts them back, refused. */
  putBack(): void {
    for (const [parent, children] of this.parents) {
      link(parent, children);
      for (const child of children) {
        const status = this.cut.get(child);
        if (status === undefined) continue;
        child.status = isOffloaded(parent.status) ? status : NDIS_STATUS_FAILURE;
        if (child.dependentBlockList !== null) visit(child.dependentBlockList, (block) => {
          block.status = NDIS_STATUS_FAILURE;
        });
      }
      if (isOffloaded(parent.status)) parent.status = this.rollUp(parent, children);
    }
  }

  private rollUp(parent: Block, children: readonly Block[]): NDIS_STATUS {
    if (parent.miniportOffloadContext === null) return NDIS_STATUS_SUCCESS;
    const offloaded = children.filter(({ status }) => isOffloaded(status)).length;
    if (offloaded === children.length) return NDIS_STATUS_SUCCESS;
    return this.linkers.has(parent) && offloaded === 0 ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
  }
}
