import {
  BlockWalk,
  NDIS_NET_BUFFER_LIST_INFO,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type NetBufferList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { MuxEntry, MuxShared } from './mux-entry.ts';
import type { MuxUpper } from './mux-upper.ts';
import type { StateOperation } from './state-operation.ts';

type Undo = () => void;

/**
 * VLAN id and priority of upper interfaces in trees: filled in on the way down where the driver above gave none, and on
 * the way up what it was, so that the driver above never sees them.
 */
export class TreeTags {
  private readonly filled = new Map<MiniportOffloadBlockList, Undo[]>();

  /** Fills in what the interface says. */
  fill(operation: StateOperation, { vlanId, priority, isTagging }: MuxUpper, tree: MiniportOffloadBlockList): void {
    if (!isTagging || (operation !== 'initiate' && operation !== 'update')) return;
    const undo: Undo[] = [];
    forEachBlock(tree, (block, layer) => {
      if (layer === 'neighbor' && operation === 'initiate') {
        const constant = (block.state as NeighborOffloadState | null)?.const ?? null;
        if (constant === null || constant.vlanId !== 0) return;
        constant.vlanId = vlanId;
        undo.push(() => (constant.vlanId = 0));
      } else if (layer === 'tcp') {
        const cached = (block.state as TcpOffloadState | null)?.cached ?? null;
        if (cached === null || cached.userPriority !== 0) return;
        cached.userPriority = priority;
        undo.push(() => (cached.userPriority = 0));
      }
    });
    if (undo.length > 0) this.filled.set(tree, undo);
  }

  /** Puts back what {@link fill} filled in: the tree has not gone down. */
  undo(tree: MiniportOffloadBlockList): void {
    for (const undo of this.filled.get(tree) ?? []) undo();
    this.filled.delete(tree);
  }

  /** Puts back what {@link fill} filled in, and into the answer of a query what the driver above gave. */
  restore(operation: StateOperation, { isTagging }: MuxUpper, tree: MiniportOffloadBlockList): void {
    if (!isTagging) return;
    this.undo(tree);
    if (operation !== 'query') return;
    forEachBlock(tree, (block, layer) => {
      const context: unknown = block.miniportOffloadContext?.miniportOffloadContext ?? null;
      if (context === null) return;
      if (layer === 'neighbor') {
        const constant = (block.state as NeighborOffloadState | null)?.const ?? null;
        if (constant !== null) constant.vlanId = (context as MuxShared).vlanId;
      } else if (layer === 'tcp') {
        const cached = (block.state as TcpOffloadState | null)?.cached ?? null;
        if (cached !== null) cached.userPriority = (context as MuxEntry).userPriority;
      }
    });
  }
}

function forEachBlock(tree: MiniportOffloadBlockList, visit: (block: MiniportOffloadBlockList, layer: ReturnType<typeof offloadLayerOf>) => void): void {
  const walk = new BlockWalk<MiniportOffloadBlockList>();
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) visit(block, offloadLayerOf(block.header.type));
}

/**
 * Whether new neighbors are of the interface's VLAN: one that names another fails with NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
 * and everything else of the tree with NDIS_STATUS_FAILURE.
 * @returns true when the statuses of a failure were written.
 */
export function failedForVlan({ vlanId }: MuxUpper, tree: MiniportOffloadBlockList): boolean {
  if (vlanId === 0) return false;
  const isMismatch = (block: MiniportOffloadBlockList): boolean => {
    const isNew = block.miniportOffloadContext?.miniportOffloadContext === null;
    const own = isNew && offloadLayerOf(block.header.type) === 'neighbor' ? ((block.state as NeighborOffloadState | null)?.const?.vlanId ?? 0) : 0;
    return own !== 0 && own !== vlanId;
  };
  let isFailed = false;
  forEachBlock(tree, (block) => {
    isFailed ||= isMismatch(block);
  });
  if (!isFailed) return false;
  forEachBlock(tree, (block) => {
    block.status = isMismatch(block) ? NDIS_STATUS_OFFLOAD_VLAN_MISMATCH : NDIS_STATUS_FAILURE;
  });
  return true;
}

const TAG_SLOT = NDIS_NET_BUFFER_LIST_INFO.Ieee8021QNetBufferListInfo;

/**
 * The value of an NBL's `Ieee8021QNetBufferListInfo` slot for a tag: user priority in bits 0 to 2, VLAN id in bits 4 to
 * 15, as NDIS_NET_BUFFER_LIST_8021Q_INFO has them. Source: `ns-ndis-_ndis_net_buffer_list_8021q_info.md`.
 */
export function tagInfo(vlanId: number, userPriority: number): number {
  return (vlanId << 4) | userPriority;
}

/** VLAN id of the tag that an NBL of the ordinary path carries; 0 for none. */
export function vlanIdOf(netBufferList: NetBufferList): number {
  return (Number(netBufferList.getInfo(TAG_SLOT)) >>> 4) & 0xFFF;
}

/** The tag an NBL carries, as {@link tagInfo} has it; 0 for none. */
export function tagOf(netBufferList: NetBufferList): number {
  return Number(netBufferList.getInfo(TAG_SLOT));
}

/** Sets or, with 0, removes the tag of an NBL. */
export function setTag(netBufferList: NetBufferList, tag: number): void {
  netBufferList.setInfo(TAG_SLOT, tag);
}
