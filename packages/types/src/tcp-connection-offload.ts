import { NdisOffloadEncapsulation, NdisOffloadEncapsulationSettings } from './encapsulation.ts';
import { DEFAULT_TICKS_PER_SECOND } from './limits.ts';
import {
  NDIS_OBJECT_TYPE_DEFAULT,
  NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_1,
  NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_2,
  NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_1,
  NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_2,
  NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1,
  NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2,
  NDIS_TCP_CONNECTION_OFFLOAD_REVISION_1,
  NDIS_TCP_CONNECTION_OFFLOAD_REVISION_2,
  NdisObjectHeader,
} from './object-header.ts';

/**
 * NDIS_TCP_CONNECTION_OFFLOAD: what an adapter can offload. Written by the target or intermediate driver in its offload
 * attributes and in `NDIS_STATUS_OFFLOAD_RESUME`; the host reads it from the bind parameters, the two
 * `OID_TCP_CONNECTION_OFFLOAD_` queries and that status.
 * Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`.
 */
export class NdisTcpConnectionOffload {
  readonly header: NdisObjectHeader;
  /** `NDIS_ENCAPSULATION_` bits: one of them in hardware capabilities, any of them in the current configuration. */
  encapsulation = 0;
  /** 2 bits, `NDIS_OFFLOAD_SUPPORTED` or `NDIS_OFFLOAD_NOT_SUPPORTED`. At least one IP version is required. */
  supportIPv4 = 0;
  /** 2 bits, as `supportIPv4`. */
  supportIPv6 = 0;
  /** 2 bits, as `supportIPv4`; optional. */
  supportIPv6ExtensionHeaders = 0;
  /** 2 bits, as `supportIPv4`. Set: SACK both ways. Clear: incoming SACK options are ignored, the segments are not. */
  supportSack = 0;
  /** 4 bits. Reserved; not part of revision 1. */
  congestionAlgorithm = 0;
  /** Connections that can be offloaded at the same time, of both IP versions together. */
  tcpConnectionOffloadCapacity = 0;
  /** Reserved. */
  flags = 0;

  /** @param revision 1 as the page prescribes, or 2 (NDIS 6.1). Both have the same size. */
  constructor(revision: 1 | 2 = NDIS_TCP_CONNECTION_OFFLOAD_REVISION_1) {
    const size =
      revision === NDIS_TCP_CONNECTION_OFFLOAD_REVISION_2
        ? NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_2
        : NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_1;
    this.header = new NdisObjectHeader(NDIS_OBJECT_TYPE_DEFAULT, revision, size);
  }

  /** Copies every member, allocating nothing. */
  copyFrom(from: NdisTcpConnectionOffload): this {
    this.header.copyFrom(from.header);
    this.encapsulation = from.encapsulation;
    this.supportIPv4 = from.supportIPv4;
    this.supportIPv6 = from.supportIPv6;
    this.supportIPv6ExtensionHeaders = from.supportIPv6ExtensionHeaders;
    this.supportSack = from.supportSack;
    this.congestionAlgorithm = from.congestionAlgorithm;
    this.tcpConnectionOffloadCapacity = from.tcpConnectionOffloadCapacity;
    this.flags = from.flags;
    return this;
  }
}

/**
 * NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS: how the target is to run TCP. Written by the host, the buffer of
 * `OID_TCP_CONNECTION_OFFLOAD_PARAMETERS`; setting it enables the chimney. A target must honour every member but the
 * two marked "should" and the reserved one.
 *
 * Revision 1 ends before `congestionAlgorithm`. The object has the member in every revision and `header` says whether
 * it counts; a receiver checks with {@link isNdisTcpConnectionOffloadParametersHeader}.
 *
 * Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`.
 */
export class NdisTcpConnectionOffloadParameters {
  readonly header: NdisObjectHeader;
  /** Link framing of offloaded connections. */
  readonly encapsulation: NdisOffloadEncapsulation = new NdisOffloadEncapsulation();
  /** Hz. Clock granularity, one of `TICKS_PER_SECOND_VALUES`. */
  ticksPerSecond: number = DEFAULT_TICKS_PER_SECOND;
  /** Segments received before an ACK is due. 8 bits. */
  tcpAckFrequency = 0;
  /** Ticks. Delayed-ACK timer. 8 bits. */
  tcpDelayedAckTicks = 0;
  /** Retransmissions of one segment beyond which the target may ask for the upload. 8 bits. */
  tcpMaximumRetransmissions = 0;
  /** Retransmissions beyond which the neighbor's reachability is in doubt. "Should". 8 bits. */
  tcpDoubtReachabilityRetransmissions = 0;
  /** Ticks. Silly-window timers. "Should". */
  tcpSwsPreventionTicks = 0;
  /** Duplicate ACKs that trigger a fast retransmit. */
  tcpDuplicateAckThreshold = 0;
  /** Ticks. Push timer. */
  tcpPushTicks = 0;
  /** Ticks without progress after which a neighbor is stale. */
  nceStaleTicks = 0;
  /** Reserved; not part of revision 1. */
  congestionAlgorithm = 0;

  /** @param revision 2, the whole structure (NDIS 6.1), or 1. */
  constructor(revision: 1 | 2 = NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2) {
    this.header = new NdisObjectHeader(NDIS_OBJECT_TYPE_DEFAULT, revision, sizeOfParameters(revision));
  }

  /** Copies every member, allocating nothing. */
  copyFrom(from: NdisTcpConnectionOffloadParameters): this {
    this.header.copyFrom(from.header);
    this.encapsulation.copyFrom(from.encapsulation);
    this.ticksPerSecond = from.ticksPerSecond;
    this.tcpAckFrequency = from.tcpAckFrequency;
    this.tcpDelayedAckTicks = from.tcpDelayedAckTicks;
    this.tcpMaximumRetransmissions = from.tcpMaximumRetransmissions;
    this.tcpDoubtReachabilityRetransmissions = from.tcpDoubtReachabilityRetransmissions;
    this.tcpSwsPreventionTicks = from.tcpSwsPreventionTicks;
    this.tcpDuplicateAckThreshold = from.tcpDuplicateAckThreshold;
    this.tcpPushTicks = from.tcpPushTicks;
    this.nceStaleTicks = from.nceStaleTicks;
    this.congestionAlgorithm = from.congestionAlgorithm;
    return this;
  }
}

/**
 * True for a header that a receiver of {@link NdisTcpConnectionOffloadParameters} accepts: type default, a revision
 * from 1 up, and at least the bytes of that revision. So revision 1 with the size of revision 2 is accepted, which is
 * what the page's "revision 1, `sizeof`" gives under NDIS 6.1.
 * Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`.
 */
export function isNdisTcpConnectionOffloadParametersHeader(header: NdisObjectHeader): boolean {
  return (
    header.type === NDIS_OBJECT_TYPE_DEFAULT &&
    header.revision >= NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1 &&
    header.size >= sizeOfParameters(header.revision)
  );
}

function sizeOfParameters(revision: number): number {
  return revision >= NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2
    ? NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_2
    : NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_1;
}

/**
 * NDIS_TCP_CONNECTION_OFFLOAD_ENCAPSULATION: in the header, but no structure and no page uses it; here for
 * completeness. `NdisTcpConnectionOffloadParameters.encapsulation` is an `NdisOffloadEncapsulation`.
 * Source: ndischimney.h.
 */
export class NdisTcpConnectionOffloadEncapsulation {
  /** IPv4; its `enabled` has 8 bits. */
  readonly v4: NdisOffloadEncapsulationSettings = new NdisOffloadEncapsulationSettings();
  /** IPv6; its `enabled` has 8 bits. */
  readonly v6: NdisOffloadEncapsulationSettings = new NdisOffloadEncapsulationSettings();
}
