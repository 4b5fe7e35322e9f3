import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

/** A class of offload state, or all three of them: what a query may ask for. */
export type StateClass = 'all' | 'const' | 'cached' | 'delegated';

/** What the blocks of a layer are called, and what may follow them. */
export interface LayerBlocks {
  readonly types: Readonly<Record<StateClass, OFFLOAD_STATE_TYPE>>;
  readonly Const: new () => object;
  readonly Cached: new () => object;
  readonly Delegated: new () => object;
}

export const NEIGHBOR_BLOCKS: LayerBlocks = {
  types: {
    all: OFFLOAD_STATE_TYPE.NeighborOffloadState,
    const: OFFLOAD_STATE_TYPE.NeighborOffloadConstState,
    cached: OFFLOAD_STATE_TYPE.NeighborOffloadCachedState,
    delegated: OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState,
  },
  Const: NeighborOffloadStateConst,
  Cached: NeighborOffloadStateCached,
  Delegated: NeighborOffloadStateDelegated,
};

export const IP4_PATH_BLOCKS: LayerBlocks = {
  types: {
    all: OFFLOAD_STATE_TYPE.Ip4OffloadState,
    const: OFFLOAD_STATE_TYPE.Ip4OffloadConstState,
    cached: OFFLOAD_STATE_TYPE.Ip4OffloadCachedState,
    delegated: OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState,
  },
  Const: PathOffloadStateConst,
  Cached: PathOffloadStateCached,
  Delegated: PathOffloadStateDelegated,
};

export const IP6_PATH_BLOCKS: LayerBlocks = {
  ...IP4_PATH_BLOCKS,
  types: {
    all: OFFLOAD_STATE_TYPE.Ip6OffloadState,
    const: OFFLOAD_STATE_TYPE.Ip6OffloadConstState,
    cached: OFFLOAD_STATE_TYPE.Ip6OffloadCachedState,
    delegated: OFFLOAD_STATE_TYPE.Ip6OffloadDelegatedState,
  },
};

export const TCP_BLOCKS: LayerBlocks = {
  types: {
    all: OFFLOAD_STATE_TYPE.TcpOffloadState,
    const: OFFLOAD_STATE_TYPE.TcpOffloadConstState,
    cached: OFFLOAD_STATE_TYPE.TcpOffloadCachedState,
    delegated: OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState,
  },
  Const: TcpOffloadStateConst,
  Cached: TcpOffloadStateCached,
  Delegated: TcpOffloadStateDelegated,
};

/** Empty structures of some classes, for the target to fill. */
export function emptyState({ Const, Cached, Delegated }: LayerBlocks, kind: StateClass): OffloadBlockState {
  const has = (part: StateClass): boolean => kind === 'all' || kind === part;
  return new OffloadBlockState(has('const') ? new Const() : null, has('cached') ? new Cached() : null, has('delegated') ? new Delegated() : null);
}
