import {
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  type PathOffloadState,
} from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';
import type { HostAdapter } from './host-adapter.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import { IP4_PATH_BLOCKS, IP6_PATH_BLOCKS, type LayerBlocks, type StateClass } from './layer-blocks.ts';
import { isAway, type UserUploadReason } from './offload-state.ts';
import { OffloadedObject } from './offloaded-object.ts';
import type { QueryResult, StateResult } from './results.ts';

/** What an update may change about a path. */
export interface PathChange {
  /** Bytes, after ICMP. Later segments fit it. */
  readonly pathMtu: number;
}

/** Source and destination address that connections share. It is offloaded with the first of them, and taken back with the last. */
export class HostPath extends OffloadedObject {
  /** Constant state: the two addresses. */
  readonly constState: PathOffloadStateConst;
  /** Cached state, as last offered or updated. */
  readonly cached: PathOffloadStateCached = new PathOffloadStateCached();

  /** @internal */
  constructor(adapter: HostAdapter, state: PathOffloadState) {
    super(adapter, true);
    this.constState = new PathOffloadStateConst();
    if (state.const !== null) this.constState.copyFrom(state.const);
    if (state.cached !== null) this.cached.copyFrom(state.cached);
  }

  get layer(): 'path' {
    return 'path';
  }

  /** @internal */
  get blocks(): LayerBlocks {
    return this.isIPv6 ? IP6_PATH_BLOCKS : IP4_PATH_BLOCKS;
  }

  get isIPv6(): boolean {
    return this.constState.sourceAddress.length === 16;
  }

  /** The neighbor it is linked to; null once it is the host's. */
  get neighbor(): HostNeighbor | null {
    return this.parent as HostNeighbor | null;
  }

  /** Connections that depend on it and are not the host's. */
  get offloadedConnections(): readonly ChimneyConnection[] {
    return [...this.dependents].filter((connection) => isAway(connection.offloadState)) as ChimneyConnection[];
  }

  /** Reads state back (`NdisQueryOffloadState`). A path delegates nothing. */
  query(kind: StateClass = 'all'): Promise<QueryResult<PathOffloadState>> {
    return this.adapter.query([this], kind).then(([result]) => result as QueryResult<PathOffloadState>);
  }

  /** Changes cached state (`NdisUpdateOffload`). Updates of one object wait for each other, in order. */
  update({ pathMtu }: PathChange): Promise<StateResult> {
    if (!Number.isInteger(pathMtu) || pathMtu <= 0) return Promise.reject(new TypeError(`HostPath.update: pathMtu is ${pathMtu}, not a number of bytes`));
    const cached = new PathOffloadStateCached();
    cached.pathMtu = pathMtu;
    return this.adapter.update([{ object: this, cachedThen: () => cached }]).then(([result]) => result!);
  }

  /** Takes it back with every connection that depends on it. Resolves when all of that is the host's. */
  terminate(reason: UserUploadReason = 'requested'): Promise<void> {
    return this.adapter.terminate([this], reason).then(() => undefined);
  }

  /** @internal */
  offeredState(): PathOffloadState {
    return new OffloadBlockState(this.constState, new PathOffloadStateCached().copyFrom(this.cached), new PathOffloadStateDelegated());
  }

  /** @internal */
  takeCached(cached: unknown): void {
    this.cached.copyFrom(cached as PathOffloadStateCached);
  }
}
