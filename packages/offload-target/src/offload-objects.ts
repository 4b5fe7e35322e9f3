import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  PathOffloadStateCached,
  PathOffloadStateConst,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type OffloadHandle,
  type PathOffloadState,
} from '@ndis-chimney/types';

import type { ConnectionAddresses } from './connection-record.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * The target's own records of what is offloaded to it: TCP names its path, a path its neighbor. The upper driver's cell
 * refers to one of them.
 *
 * Source: `offload-target-s-internal-state-trees.md`.
 */
export type OffloadObject = NeighborObject | PathObject | TcpObject;

/** An offloaded neighbor. */
export class NeighborObject {
  readonly handle: OffloadHandle;
  readonly constState: NeighborOffloadStateConst = new NeighborOffloadStateConst();
  readonly cached: NeighborOffloadStateCached = new NeighborOffloadStateCached();
  /** NRT: when forward progress last confirmed that it is reachable, in ticks; its age is `NicReachabilityDelta`. */
  reachableAtTicks: number;
  /** HRT: when the host last confirmed it, in ticks. */
  hostReachableAtTicks: number;
  /** True after an invalidate: what depends on it sends nothing. */
  isInvalid = false;

  /** @param state all three structures, copied. */
  constructor(handle: OffloadHandle, state: NeighborOffloadState, nowTicks: number) {
    this.handle = handle;
    if (state.const !== null) this.constState.copyFrom(state.const);
    if (state.cached !== null) this.cached.copyFrom(state.cached);
    this.reachableAtTicks = (nowTicks - (state.delegated?.nicReachabilityDelta ?? 0)) | 0;
    this.hostReachableAtTicks = (nowTicks - this.cached.hostReachabilityDelta) | 0;
  }

  get layer(): 'neighbor' {
    return 'neighbor';
  }
}

/** An offloaded path. It delegates nothing. */
export class PathObject {
  readonly handle: OffloadHandle;
  readonly constState: PathOffloadStateConst = new PathOffloadStateConst();
  readonly cached: PathOffloadStateCached = new PathOffloadStateCached();
  readonly addresses: ConnectionAddresses;
  /** The next hop; an update may put another in its place. */
  neighbor: NeighborObject;
  /** True after an invalidate: what depends on it sends nothing. */
  isInvalid = false;

  /** @param state all three structures, copied. */
  constructor(handle: OffloadHandle, state: PathOffloadState, neighbor: NeighborObject, isIPv6: boolean) {
    this.handle = handle;
    if (state.const !== null) this.constState.copyFrom(state.const);
    if (state.cached !== null) this.cached.copyFrom(state.cached);
    this.neighbor = neighbor;
    this.addresses = { isIPv6, source: this.constState.sourceAddress, destination: this.constState.destinationAddress };
  }

  get layer(): 'path' {
    return 'path';
  }
}

/** The object a block names; null for a placeholder, and for a block whose type is of another layer. */
export function objectOf(block: MiniportOffloadBlockList): OffloadObject | null {
  const object = (block.miniportOffloadContext?.miniportOffloadContext ?? null) as OffloadObject | null;
  return object?.layer === offloadLayerOf(block.header.type) ? object : null;
}

/** What a block ends with that names something, or nothing: only one of the wrong type can go wrong here. */
export function statusOf(block: MiniportOffloadBlockList): NDIS_STATUS {
  return block.miniportOffloadContext === null || objectOf(block) !== null ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
}
