import { NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, formatNdisStatus, type NDIS_STATUS } from '@ndis-chimney/types';

import { UNWRITTEN, type BlockPicture, type TreeRecord } from '../record/tree-record.ts';

/** True for a completion that the target is to be judged by. */
export function isTargets({ edge, isFailedByNdis }: TreeRecord): boolean {
  return edge.lowerRole === 'target' && !isFailedByNdis;
}

/** True for a block that has a status, whichever. */
export function isWritten({ block }: BlockPicture): boolean {
  return block.status !== UNWRITTEN;
}

/** True for a status of an initiate that says that the object is offloaded. */
export function isOffloaded(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/** The immediate dependents of every block that has some. */
export function dependentsOf({ blocks }: TreeRecord): ReadonlyMap<BlockPicture, readonly BlockPicture[]> {
  const dependents = new Map<BlockPicture, BlockPicture[]>();
  for (const picture of blocks) {
    const { parent } = picture;
    if (parent === null) continue;
    const siblings = dependents.get(parent);
    if (siblings === undefined) dependents.set(parent, [picture]);
    else siblings.push(picture);
  }
  return dependents;
}

/** `connection 3 ('a')`, or what the block is when it names nothing known: for messages. */
export function nameOf({ object, layer, role }: BlockPicture): string {
  const what = layer === 'tcp' ? 'connection' : (layer ?? 'block of no layer');
  return object?.name ?? `a ${role === 'new' ? 'new ' : ''}${what}${role === 'placeholder' ? ' placeholder' : ''}`;
}

/** `connection 3 NDIS_STATUS_FAILURE`: for messages. */
export function statusOf(picture: BlockPicture): string {
  return `${nameOf(picture)} with ${formatNdisStatus(picture.block.status)}`;
}

/**
 * Faults in trees on their way down. A driver that passes on what was wrong above is not at fault: neither are blocks
 * that were found before, nor copies that hold the same state.
 */
export class FaultsDown {
  private readonly known = new WeakSet<object>();

  /** Notes that a block is wrong. @returns false when that was known from an edge above. */
  isNew({ block, state }: BlockPicture): boolean {
    const wasKnown = this.known.has(block) || (state !== null && this.known.has(state));
    this.known.add(block);
    if (state !== null) this.known.add(state);
    return !wasKnown;
  }

  /** The tree is back where it came from: what it says next time is said anew. */
  forget({ edge, blocks }: TreeRecord): void {
    if (edge.upperRole !== 'host') return;
    for (const { block, state } of blocks) {
      this.known.delete(block);
      if (state !== null) this.known.delete(state);
    }
  }
}
