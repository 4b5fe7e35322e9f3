import { OFFLOAD_STATE_TYPE } from './chimney-enums.ts';
import type { NeighborOffloadStateCached, NeighborOffloadStateConst, NeighborOffloadStateDelegated } from './neighbor-offload-state.ts';
import type { PathOffloadStateCached, PathOffloadStateConst, PathOffloadStateDelegated } from './path-offload-state.ts';
import type { TcpOffloadStateCached, TcpOffloadStateConst, TcpOffloadStateDelegated } from './tcp-offload-state.ts';

/** The three layers of offload state, bottom first (`layers-of-offload-state.md`). */
export type OffloadLayer = 'neighbor' | 'path' | 'tcp';

/**
 * The state structures behind one block: in C they follow it in memory in this order, each of them present or not as
 * the block's `header.type` says. The block's current owner owns them; a query and a terminate fill them in place.
 */
export class OffloadBlockState<Const = unknown, Cached = unknown, Delegated = unknown> {
  const: Const | null;
  cached: Cached | null;
  delegated: Delegated | null;

  constructor(constState: Const | null, cachedState: Cached | null, delegatedState: Delegated | null) {
    this.const = constState;
    this.cached = cachedState;
    this.delegated = delegatedState;
  }
}

/** State structures behind a neighbor block. */
export type NeighborOffloadState = OffloadBlockState<
  NeighborOffloadStateConst,
  NeighborOffloadStateCached,
  NeighborOffloadStateDelegated
>;

/** State structures behind a path block. */
export type PathOffloadState = OffloadBlockState<PathOffloadStateConst, PathOffloadStateCached, PathOffloadStateDelegated>;

/** State structures behind a TCP block. */
export type TcpOffloadState = OffloadBlockState<TcpOffloadStateConst, TcpOffloadStateCached, TcpOffloadStateDelegated>;

/**
 * The layer a block type belongs to, or null for reserved and undefined types.
 * Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md`.
 */
export function offloadLayerOf(type: number): OffloadLayer | null {
  if (type >= OFFLOAD_STATE_TYPE.NeighborOffloadConstState && type <= OFFLOAD_STATE_TYPE.NeighborOffloadState) return 'neighbor';
  if (type >= OFFLOAD_STATE_TYPE.Ip4OffloadConstState && type <= OFFLOAD_STATE_TYPE.Ip6OffloadState) return 'path';
  if (type >= OFFLOAD_STATE_TYPE.TcpOffloadConstState && type <= OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState) return 'tcp';
  return type === OFFLOAD_STATE_TYPE.TcpOffloadState ? 'tcp' : null;
}
