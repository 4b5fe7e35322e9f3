import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_STATUS_SUCCESS,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  createMiniportOffloadBlockList,
  isNeighborStale,
} from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';
import type { NeighborObject } from './offload-objects.ts';

/**
 * Asks the host about neighbors that have not been heard of, before something is sent to them. The host answers inside
 * the call how long ago it has heard of them itself; 0 is its word that it will see to it, so that the target does not
 * ask again for a while.
 */
export class Reachability {
  private readonly adapter: OffloadAdapter;
  private readonly constState: NeighborOffloadStateConst = new NeighborOffloadStateConst();
  private readonly cached: NeighborOffloadStateCached = new NeighborOffloadStateCached();
  private readonly delegated: NeighborOffloadStateDelegated = new NeighborOffloadStateDelegated();

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  /** Called before the engine gets something to send to a neighbor. */
  beforeTransmit(neighbor: NeighborObject): void {
    const { nceStaleTicks } = this.adapter.parameters;
    if (nceStaleTicks === 0) return;
    if (isNeighborStale(this.adapter.nowTicks, neighbor.reachableAtTicks, neighbor.hostReachableAtTicks, nceStaleTicks)) this.ask(neighbor);
  }

  private ask(neighbor: NeighborObject): void {
    const { adapter, constState, cached, delegated } = this;
    const now = adapter.nowTicks;
    constState.copyFrom(neighbor.constState);
    cached.copyFrom(neighbor.cached);
    cached.hostReachabilityDelta = (now - neighbor.hostReachableAtTicks) | 0;
    delegated.nicReachabilityDelta = (now - neighbor.reachableAtTicks) | 0;
    const block = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, neighbor.handle, new OffloadBlockState(constState, cached, delegated));
    block.status = NDIS_STATUS_SUCCESS;
    adapter.completions.flush();
    adapter.upcalls.indicateOffloadEvent(adapter.miniport, block, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    neighbor.hostReachableAtTicks = (now - cached.hostReachabilityDelta) | 0;
  }
}
