import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  PathOffloadStateCached,
  PathOffloadStateConst,
  type MiniportOffloadBlockList,
  type NeighborOffloadStateDelegated,
  type OffloadHandle,
  type PathOffloadStateDelegated,
} from '@ndis-chimney/types';

import type { RawConnection } from './connection.ts';

export interface RawNeighbor {
  readonly layer: 'neighbor';
  readonly handle: OffloadHandle;
  readonly constant: NeighborOffloadStateConst;
  readonly cached: NeighborOffloadStateCached;
  /** When it was last heard of. */
  heardAtTicks: number;
  isInvalid: boolean;
}

export interface RawPath {
  readonly layer: 'path';
  readonly handle: OffloadHandle;
  readonly constant: PathOffloadStateConst;
  readonly cached: PathOffloadStateCached;
  readonly headerBytes: number;
  neighbor: RawNeighbor;
  isInvalid: boolean;
}

export type RawObject = RawNeighbor | RawPath | RawConnection;

/** State of which everything is there. */
export interface Whole<Const, Cached, Delegated> {
  readonly const: Const;
  readonly cached: Cached;
  readonly delegated: Delegated;
}

export type WholeNeighbor = Whole<NeighborOffloadStateConst, NeighborOffloadStateCached, NeighborOffloadStateDelegated>;
export type WholePath = Whole<PathOffloadStateConst, PathOffloadStateCached, PathOffloadStateDelegated>;

/** What a block names, as far as it is offloaded. */
export function objectOf(block: MiniportOffloadBlockList): RawObject | null {
  return (block.miniportOffloadContext?.miniportOffloadContext ?? null) as RawObject | null;
}

export function takeNeighbor(handle: OffloadHandle, { const: constant, cached, delegated }: WholeNeighbor, ticks: number): RawNeighbor {
  return {
    layer: 'neighbor',
    handle,
    constant: new NeighborOffloadStateConst().copyFrom(constant),
    cached: new NeighborOffloadStateCached().copyFrom(cached),
    heardAtTicks: (ticks - delegated.nicReachabilityDelta) | 0,
    isInvalid: false,
  };
}

export function takePath(handle: OffloadHandle, { const: constant, cached }: WholePath, neighbor: RawNeighbor): RawPath {
  return {
    layer: 'path',
    handle,
    constant: new PathOffloadStateConst().copyFrom(constant),
    cached: new PathOffloadStateCached().copyFrom(cached),
    headerBytes: constant.sourceAddress.length === 4 ? 40 : 60,
    neighbor,
    isInvalid: false,
  };
}
