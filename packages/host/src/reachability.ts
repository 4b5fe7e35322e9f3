import { NDIS_STATUS_SUCCESS, type NDIS_STATUS, type NeighborOffloadState, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { HostNeighbor } from './host-neighbor.ts';

/** A target's question about a neighbor that neither it nor the host has heard of for `NceStaleTicks`. */
export interface ReachabilityQuery {
  readonly neighbor: HostNeighbor;
  /** Ticks since the host last confirmed it, as the target has it (HRD). */
  readonly hostReachabilityTicks: number;
  /** Ticks since the target last saw forward progress (NRD). */
  readonly nicReachabilityTicks: number;
}

/**
 * Answers the target at once, with the new HRD: how many ticks ago the host last knew the neighbor to be reachable, 0
 * when its own entry is stale. After a 0 the target does not ask again for `NceStaleTicks`.
 */
export type ReachabilityPolicy = (query: ReachabilityQuery) => number;

/** The host's answer unless it has a better one: the neighbor was there a tick ago. */
export function confirmNeighbor(): number {
  return 1;
}

/**
 * `ProtocolIndicateOffloadEvent`, NeighborReachabilityQuery: the answer is in the block when this returns (CHIM-EVT-017).
 * Source: `making-a-neighborreachabilityquery-indication.md`.
 * @throws TypeError when the policy answers something else than a number of ticks; the target gets 0 then.
 */
export function answerReachability(block: ProtocolOffloadBlockList, policy: ReachabilityPolicy): NDIS_STATUS {
  const neighbor = block.offloadHandle?.owner as HostNeighbor | undefined;
  const { cached, delegated } = (block.state as NeighborOffloadState | null) ?? { cached: null, delegated: null };
  if (neighbor?.layer !== 'neighbor' || cached === null) return NDIS_STATUS_SUCCESS;
  const hostReachabilityTicks = cached.hostReachabilityDelta >>> 0;
  // Until the policy has answered, the host knows nothing.
  cached.hostReachabilityDelta = 0;
  const ticks = policy({ neighbor, hostReachabilityTicks, nicReachabilityTicks: (delegated?.nicReachabilityDelta ?? 0) >>> 0 });
  if (!Number.isInteger(ticks) || ticks < 0 || ticks > 0xFFFF_FFFF) throw new TypeError(`ChimneyHost: reachability answered ${String(ticks)}, not a number of ticks`);
  cached.hostReachabilityDelta = ticks | 0;
  if (ticks > 0) neighbor.confirmReachable(ticks);
  return NDIS_STATUS_SUCCESS;
}

/**
 * What a host that answered 0 finds out later by a query: whether the target has seen progress since it asked. When not,
 * the host probes the neighbor itself, and invalidates it if nobody answers.
 * @param reported NRD in the question. @param queried NRD in the answer to the query.
 */
export function hasProgressed(reported: number, queried: number): boolean {
  return queried >>> 0 < reported >>> 0;
}
