import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OffloadBlockState,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { HostAdapter } from './host-adapter.ts';
import type { HostPath } from './host-path.ts';
import { NEIGHBOR_BLOCKS, type LayerBlocks, type StateClass } from './layer-blocks.ts';
import { isAway, type UserUploadReason } from './offload-state.ts';
import { OffloadedObject } from './offloaded-object.ts';
import type { QueryResult, StateResult } from './results.ts';
import { ticksFromMs } from './ticks.ts';

/** What an update may change about a neighbor. */
export interface NeighborChange {
  /** MAC address of the next hop, 6 bytes, after ARP or neighbor discovery. Paths stay linked. */
  readonly macAddress?: Uint8Array<ArrayBufferLike>;
  /** Age of the host's last confirmation that the neighbor is reachable, ticks. */
  readonly hostReachabilityTicks?: number;
}

/**
 * A next hop that paths share. It is offloaded with the first of them, and taken back with the last; one that was
 * offloaded by itself stays until it is terminated.
 */
export class HostNeighbor extends OffloadedObject {
  /** Constant state. */
  readonly constState: NeighborOffloadStateConst;
  /** Cached state, as last offered or updated. */
  readonly cached: NeighborOffloadStateCached = new NeighborOffloadStateCached();
  /** @internal Its paths by their addresses. */
  readonly paths: Map<string, HostPath> = new Map<string, HostPath>();
  /** @internal An offload of the neighbor by itself that has not ended. */
  ensuring: Promise<NDIS_STATUS> | null = null;
  /** Clock time at which the host last knew the neighbor to be reachable. */
  private confirmedAtMs: number;

  /** @internal */
  constructor(adapter: HostAdapter, state: NeighborOffloadState) {
    super(adapter, true);
    this.constState = new NeighborOffloadStateConst();
    if (state.const !== null) this.constState.copyFrom(state.const);
    if (state.cached !== null) this.cached.copyFrom(state.cached);
    this.confirmedAtMs = adapter.nowMs - adapter.msOf(this.cached.hostReachabilityDelta >>> 0);
  }

  get layer(): 'neighbor' {
    return 'neighbor';
  }

  /** @internal */
  get blocks(): LayerBlocks {
    return NEIGHBOR_BLOCKS;
  }

  /** Paths that depend on it and are not the host's. */
  get offloadedPaths(): readonly HostPath[] {
    return [...this.dependents].filter((path) => isAway(path.offloadState)) as HostPath[];
  }

  /** Ticks since the host last knew the neighbor to be reachable: what `HostReachabilityDelta` says. */
  get hostReachabilityTicks(): number {
    return Math.max(0, ticksFromMs(this.adapter.nowMs - this.confirmedAtMs, this.adapter.ticksPerSecond));
  }

  /** The host has just learned that the neighbor was reachable so many ticks ago. Newer knowledge stays. */
  confirmReachable(ticksAgo = 0): void {
    this.confirmedAtMs = Math.max(this.confirmedAtMs, this.adapter.nowMs - this.adapter.msOf(ticksAgo));
  }

  /** Reads state back (`NdisQueryOffloadState`); `delegated` has the target's own reachability. */
  query(kind: StateClass = 'all'): Promise<QueryResult<NeighborOffloadState>> {
    return this.adapter.query([this], kind).then(([result]) => result as QueryResult<NeighborOffloadState>);
  }

  /** Changes cached state (`NdisUpdateOffload`). Updates of one object wait for each other, in order. */
  update({ macAddress, hostReachabilityTicks }: NeighborChange): Promise<StateResult> {
    if (macAddress?.length !== 6 && macAddress !== undefined) return Promise.reject(new TypeError(`HostNeighbor.update: macAddress has ${macAddress.length} bytes, not 6`));
    // What the caller does with its bytes while the update waits does not change what was asked for.
    const address = macAddress?.slice();
    const cachedThen = (): NeighborOffloadStateCached => {
      const cached = new NeighborOffloadStateCached().copyFrom(this.cached);
      if (address !== undefined) {
        cached.dlDestinationAddress.fill(0);
        cached.dlDestinationAddress.set(address);
      }
      cached.hostReachabilityDelta = (hostReachabilityTicks ?? this.hostReachabilityTicks) | 0;
      return cached;
    };
    return this.adapter.update([{ object: this, cachedThen }]).then(([result]) => result!);
  }

  /** Takes it back with everything that depends on it. Resolves when all of that is the host's. */
  terminate(reason: UserUploadReason = 'requested'): Promise<void> {
    return this.adapter.terminate([this], reason).then(() => undefined);
  }

  /** @internal */
  offeredState(): NeighborOffloadState {
    const { hostReachabilityTicks } = this;
    const cached = new NeighborOffloadStateCached().copyFrom(this.cached);
    const delegated = new NeighborOffloadStateDelegated();
    // At the offload both sides agree on when the neighbor was last known to be there.
    cached.hostReachabilityDelta = hostReachabilityTicks | 0;
    delegated.nicReachabilityDelta = hostReachabilityTicks | 0;
    return new OffloadBlockState(this.constState, cached, delegated);
  }

  /** @internal */
  takeCached(cached: unknown): void {
    const next = cached as NeighborOffloadStateCached;
    this.adapter.table.updateNeighbor(this, () => this.cached.copyFrom(next));
    this.confirmReachable(next.hostReachabilityDelta >>> 0);
  }

  /** @internal */
  override terminated(block: ProtocolOffloadBlockList, isOver: boolean): void {
    const delegated = (block.state as NeighborOffloadState | null)?.delegated ?? null;
    // What the target learned of the neighbor is as good as what the host knows.
    if (isOver && delegated !== null) this.confirmReachable(delegated.nicReachabilityDelta >>> 0);
  }
}
