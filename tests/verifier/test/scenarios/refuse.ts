import { blocksOf, type ProbeHost, type ProbeTree } from '@ndis-chimney/kit';
import { createProtocolOffloadBlockList, type MiniportOffloadBlockList, type NDIS_STATUS, type OFFLOAD_STATE_TYPE, type OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** What a target does with a new object that it does not take. */
export function refuse(block: MiniportOffloadBlockList, status: NDIS_STATUS): void {
  block.status = status;
  if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
}

/** Changes to make in the blocks of a tree that is completed, by place in the order of traversal. */
export function at(changes: Readonly<Record<number, (block: MiniportOffloadBlockList) => void>>): (block: MiniportOffloadBlockList) => void {
  let place = 0;
  return (block) => {
    changes[place]?.(block);
    place++;
  };
}

/** A block without state: a linker, an object to be invalidated or, without a handle, a placeholder. */
export function bare(type: OFFLOAD_STATE_TYPE, handle: OffloadHandle | null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, handle);
}

/** Offers a tree after changing its blocks. */
export function offer(host: ProbeHost, tree: ProbeTree, change: (blocks: ProtocolOffloadBlockList[]) => void): void {
  change(blocksOf(tree.root));
  host.initiate(tree.root);
}
