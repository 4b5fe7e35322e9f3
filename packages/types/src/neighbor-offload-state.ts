import { DL_ADDRESS_LENGTH } from './limits.ts';
import { OffloadStateHeader } from './offload-state-header.ts';

/** Bytes of {@link NeighborOffloadStateConst} on x64. Source: `ns-ndischimney-_neighbor_offload_state_const.md`. */
export const SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST = 0x2C;
/** Bytes of {@link NeighborOffloadStateCached} on x64. Source: `ns-ndischimney-_neighbor_offload_state_cached.md`. */
export const SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED = 0x2C;
/**
 * Bytes of {@link NeighborOffloadStateDelegated} on x64.
 * Source: `ns-ndischimney-_neighbor_offload_state_delegated.md`.
 */
export const SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED = 0x0C;

/**
 * NEIGHBOR_OFFLOAD_STATE_CONST: what never changes about a neighbor. Written by the host at the initiate, not returned
 * by a terminate. Source: `ns-ndischimney-_neighbor_offload_state_const.md`.
 */
export class NeighborOffloadStateConst {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST);
  /**
   * Source MAC of every packet sent to the neighbor, in the first bytes of the array; all zeros: the interface's own.
   * A target without configurable MACs fails a nonzero one with `NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES`.
   */
  readonly dlSourceAddress: Uint8Array = new Uint8Array(DL_ADDRESS_LENGTH);
  /** 12 bits. VLAN of the packets of this neighbor only; 0: the VLANs that the interface is configured with. */
  vlanId = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: NeighborOffloadStateConst): this {
    this.header.copyFrom(from.header);
    this.dlSourceAddress.set(from.dlSourceAddress);
    this.vlanId = from.vlanId;
    return this;
  }
}

/**
 * NEIGHBOR_OFFLOAD_STATE_CACHED: what the host owns and may update about a neighbor. Written by the host at the
 * initiate and by updates. Source: `ns-ndischimney-_neighbor_offload_state_cached.md`.
 */
export class NeighborOffloadStateCached {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED);
  /** MAC of the next hop, in the first bytes of the array; updated after ARP or neighbor discovery. */
  readonly dlDestinationAddress: Uint8Array = new Uint8Array(DL_ADDRESS_LENGTH);
  /**
   * Ticks. The giver's time minus this is when the host last confirmed reachability. The host also writes its answer to
   * a neighbor reachability query here: 0 when its own entry is stale, nonzero when the neighbor is reachable.
   */
  hostReachabilityDelta = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: NeighborOffloadStateCached): this {
    this.header.copyFrom(from.header);
    this.dlDestinationAddress.set(from.dlDestinationAddress);
    this.hostReachabilityDelta = from.hostReachabilityDelta;
    return this;
  }
}

/**
 * NEIGHBOR_OFFLOAD_STATE_DELEGATED: what the target owns about an offloaded neighbor. The host writes the initial
 * value, the target answers queries and fills it at a terminate.
 * Source: `ns-ndischimney-_neighbor_offload_state_delegated.md`.
 */
export class NeighborOffloadStateDelegated {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED);
  /** Ticks. The giver's time minus this is when the target last confirmed reachability. */
  nicReachabilityDelta = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: NeighborOffloadStateDelegated): this {
    this.header.copyFrom(from.header);
    this.nicReachabilityDelta = from.nicReachabilityDelta;
    return this;
  }
}
