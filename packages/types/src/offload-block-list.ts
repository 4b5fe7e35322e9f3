import { OFFLOAD_BLOCK_LIST_BRAND, brand, type Branded } from './brand.ts';
import type { OFFLOAD_STATE_TYPE } from './chimney-enums.ts';
import type { NdisBinding } from './ndis-binding.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import { NDIS_SIZEOF_OFFLOAD_BLOCK_LIST, NdisObjectHeader, PRIVATE_OFFLOAD_BLOCK_LIST_REVISION_1 } from './object-header.ts';
import type { OffloadBlockState } from './offload-block-state.ts';
import type { OffloadContextCell, OffloadHandle } from './offload-handle.ts';
import type { NDIS_STATUS } from './status.ts';

declare const miniportView: unique symbol;
declare const protocolView: unique symbol;

/** The members that both views of a block share, at the same place and with the same meaning. */
interface SharedBlockMembers<View> {
  /** `type` says which layer the block is of and what `state` may hold. */
  readonly header: NdisObjectHeader;
  /** Next block of the same layer. */
  nextBlock: View | null;
  /** First block one layer up: neighbor to path, path to TCP; null at the TCP layer. */
  dependentBlockList: View | null;
  /** Completion status of this block; whoever completes the operation writes it in every block. */
  status: NDIS_STATUS;
  protocolReserved0: unknown;
  protocolReserved1: unknown;
  miniportReserved0: unknown;
  miniportReserved1: unknown;
  imReserved0: unknown;
  imReserved1: unknown;
  /** The current owner's; contents are lost when ownership moves. */
  scratch0: unknown;
  scratch1: unknown;
  /** Whom the tree goes back to, on its root. NDIS writes it, an intermediate driver saves and restores it. */
  sourceHandle: NdisBinding | null;
  portNumber: number;
  /** Outstanding send data: down with an initiate, up with a terminate; null when there is none. */
  netBufferListChain: NetBufferList | null;
  /** What follows the block in memory in C: the state structures that `header.type` announces, or null. */
  state: OffloadBlockState | null;
}

/**
 * NDIS_MINIPORT_OFFLOAD_BLOCK_LIST: a block as the driver below sees it. `miniportOffloadContext` null marks a
 * placeholder; a cell holding null, a new object; a cell holding a context, an object already offloaded.
 *
 * Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md`.
 */
export interface MiniportOffloadBlockList extends SharedBlockMembers<MiniportOffloadBlockList> {
  readonly [miniportView]: true;
  /** Where the context for this object is kept: the cell of the upper driver's handle. */
  readonly miniportOffloadContext: OffloadContextCell | null;
  /** The upper driver's handle: copy it into the context, replay it in indications. */
  readonly ndisOffloadHandle: OffloadHandle | null;
}

/**
 * NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST: a block as the driver above sees it. `offloadHandle` null makes a placeholder.
 *
 * Source: `ns-ndischimney-_ndis_protocol_offload_block_list.md`.
 */
export interface ProtocolOffloadBlockList extends SharedBlockMembers<ProtocolOffloadBlockList> {
  readonly [protocolView]: true;
  /** The caller's own handle for the object. */
  offloadHandle: OffloadHandle | null;
}

/**
 * The one record behind both views. In C the two structures have the same size and differ only in the slots that name
 * the object, so that a block can be retyped in place; here `miniportOffloadContext`, `ndisOffloadHandle` (miniport
 * view) and `offloadHandle` (protocol view) are three names of one slot. NDIS and the helpers of the intermediate
 * package retype; nobody else does.
 *
 * The caller of a downcall owns the tree before the call and after its completion; in between it belongs to the driver
 * below, which may write what the miniport view lets it write.
 *
 * Source: `comparison-of-offload-block-list-types.md`.
 */
export class OffloadBlockList {
  // What every crossing touches comes first: of a large tree each further cache line costs as much as the work.
  nextBlock: OffloadBlockList | null = null;
  dependentBlockList: OffloadBlockList | null = null;
  /** NDIS's mark of the operation that holds the block. */
  ndisReserved0: unknown = null;
  offloadHandle: OffloadHandle | null;
  netBufferListChain: NetBufferList | null = null;
  status: NDIS_STATUS = 0;
  state: OffloadBlockState | null;
  readonly header: NdisObjectHeader;
  ndisReserved1: unknown = null;
  sourceHandle: NdisBinding | null = null;
  protocolReserved0: unknown = null;
  protocolReserved1: unknown = null;
  miniportReserved0: unknown = null;
  miniportReserved1: unknown = null;
  imReserved0: unknown = null;
  imReserved1: unknown = null;
  scratch0: unknown = null;
  scratch1: unknown = null;
  portNumber = 0;

  constructor(type: OFFLOAD_STATE_TYPE, offloadHandle: OffloadHandle | null, state: OffloadBlockState | null) {
    this.header = new NdisObjectHeader(type, PRIVATE_OFFLOAD_BLOCK_LIST_REVISION_1, NDIS_SIZEOF_OFFLOAD_BLOCK_LIST);
    this.offloadHandle = offloadHandle;
    this.state = state;
  }

  static {
    brand(this.prototype, OFFLOAD_BLOCK_LIST_BRAND);
  }

  get miniportOffloadContext(): OffloadContextCell | null {
    return this.offloadHandle;
  }

  get ndisOffloadHandle(): OffloadHandle | null {
    return this.offloadHandle;
  }
}

/**
 * A block for the driver above: what a host links into a tree and passes to `initiateOffload` and the like. A null
 * handle makes a placeholder. The block is the caller's, except between a downcall and its completion.
 */
export function createProtocolOffloadBlockList(
  type: OFFLOAD_STATE_TYPE,
  offloadHandle: OffloadHandle | null = null,
  state: OffloadBlockState | null = null,
): ProtocolOffloadBlockList {
  return new OffloadBlockList(type, offloadHandle, state) as unknown as ProtocolOffloadBlockList;
}

/**
 * A block for the driver below: the one an offload target passes to `offloadEventIndicate`
 * (NdisMOffloadEventIndicate). `ndisOffloadHandle` is the handle it stored when the neighbor was offloaded.
 */
export function createMiniportOffloadBlockList(
  type: OFFLOAD_STATE_TYPE,
  ndisOffloadHandle: OffloadHandle | null = null,
  state: OffloadBlockState | null = null,
): MiniportOffloadBlockList {
  return new OffloadBlockList(type, ndisOffloadHandle, state) as unknown as MiniportOffloadBlockList;
}

/** True when `value` is an offload block list, of whichever copy of this package and through whichever view. */
export function isOffloadBlockList(value: unknown): value is OffloadBlockList {
  return typeof value === 'object' && value !== null && (value as Branded)[OFFLOAD_BLOCK_LIST_BRAND] === true;
}
