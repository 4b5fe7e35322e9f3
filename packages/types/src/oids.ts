/**
 * Object identifier of a query or set request. The header's values are unsigned; they are kept as signed int32 here
 * (`0xFC010201 | 0` is negative), because they are only ever compared and so stay small integers for the engine. Show
 * one with {@link formatOid}. Source: ntddndis.h.
 */
export type NDIS_OID = number;

/** Query, set: packet types to receive, `NDIS_PACKET_TYPE_` bits. Handled by the miniport. Source: ntddndis.h. */
export const OID_GEN_CURRENT_PACKET_FILTER: NDIS_OID = 0x0001010E;

/** Query: link state, an `NdisLinkState`. Answered by NDIS for the miniport. Source: `oid-gen-link-state.md`. */
export const OID_GEN_LINK_STATE: NDIS_OID = 0x00010207;

/** Query: adapter statistics. Answered by the miniport. Source: ntddndis.h. */
export const OID_GEN_STATISTICS: NDIS_OID = 0x00020106;

/**
 * Set, query: encapsulation of offloaded packets, an `NdisOffloadEncapsulation`. The protocol sets it, the miniport
 * acts on it. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`.
 */
export const OID_OFFLOAD_ENCAPSULATION: NDIS_OID = 0x0101010A;

/** Query, set: task offload of NDIS 5, not chimney. Source: ntddndis.h. */
export const OID_TCP_TASK_OFFLOAD: NDIS_OID = 0xFC010201 | 0;

/**
 * Query: a `TcpOffloadStats` for IPv4. Set: zero the counters, the values are ignored. Handled by the target.
 * Source: `ns-ndischimney-_tcp_offload_stats.md`.
 */
export const OID_TCP4_OFFLOAD_STATS: NDIS_OID = 0xFC010207 | 0;

/** As {@link OID_TCP4_OFFLOAD_STATS} for IPv6. Source: `ns-ndischimney-_tcp_offload_stats.md`. */
export const OID_TCP6_OFFLOAD_STATS: NDIS_OID = 0xFC010208 | 0;

/**
 * Query: an `IpOffloadStats` for IPv4. Set: zero the counters, the values are ignored. Handled by the target.
 * Source: `ns-ndischimney-_ip_offload_stats.md`.
 */
export const OID_IP4_OFFLOAD_STATS: NDIS_OID = 0xFC010209 | 0;

/** As {@link OID_IP4_OFFLOAD_STATS} for IPv6. Source: `ns-ndischimney-_ip_offload_stats.md`. */
export const OID_IP6_OFFLOAD_STATS: NDIS_OID = 0xFC01020A | 0;

/** Query, answered by NDIS: current task offload configuration, not chimney. Source: ntddndis.h. */
export const OID_TCP_OFFLOAD_CURRENT_CONFIG: NDIS_OID = 0xFC01020B | 0;

/**
 * Set, handled by the miniport: an administrator switches offloads on or off, connection offload among them. Not
 * {@link OID_TCP_CONNECTION_OFFLOAD_PARAMETERS}. Source: ntddndis.h.
 */
export const OID_TCP_OFFLOAD_PARAMETERS: NDIS_OID = 0xFC01020C | 0;

/** Query: task offload capabilities of the hardware, not chimney. Source: ntddndis.h. */
export const OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES: NDIS_OID = 0xFC01020D | 0;

/**
 * Query, answered by NDIS and never seen by a miniport: current capabilities, an `NdisTcpConnectionOffload`.
 * Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`.
 */
export const OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG: NDIS_OID = 0xFC01020E | 0;

/**
 * Query, answered by NDIS and never seen by a miniport: hardware capabilities, an `NdisTcpConnectionOffload`.
 * Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`.
 */
export const OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES: NDIS_OID = 0xFC01020F | 0;

/**
 * Set by the host, handled by every miniport that supports connection offload: how to run TCP, an
 * `NdisTcpConnectionOffloadParameters`. Query: answered by NDIS. Not {@link OID_TCP_OFFLOAD_PARAMETERS}.
 * Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`.
 */
export const OID_TCP_CONNECTION_OFFLOAD_PARAMETERS: NDIS_OID = 0xFC030201 | 0;

/**
 * Set: enter a power state, an `NDIS_DEVICE_POWER_STATE`. A target does not let it succeed for a state other than D0
 * before the terminates of all its connections have completed. Source: `power-management-for-offload-targets.md`.
 */
export const OID_PNP_SET_POWER: NDIS_OID = 0xFD010101 | 0;

/** Query: may the adapter enter a power state, an `NDIS_DEVICE_POWER_STATE`? Source: ntddndis.h. */
export const OID_PNP_QUERY_POWER: NDIS_OID = 0xFD010102 | 0;

const named: readonly (readonly [NDIS_OID, string])[] = [
  [OID_GEN_CURRENT_PACKET_FILTER, 'OID_GEN_CURRENT_PACKET_FILTER'],
  [OID_GEN_LINK_STATE, 'OID_GEN_LINK_STATE'],
  [OID_GEN_STATISTICS, 'OID_GEN_STATISTICS'],
  [OID_OFFLOAD_ENCAPSULATION, 'OID_OFFLOAD_ENCAPSULATION'],
  [OID_TCP_TASK_OFFLOAD, 'OID_TCP_TASK_OFFLOAD'],
  [OID_TCP4_OFFLOAD_STATS, 'OID_TCP4_OFFLOAD_STATS'],
  [OID_TCP6_OFFLOAD_STATS, 'OID_TCP6_OFFLOAD_STATS'],
  [OID_IP4_OFFLOAD_STATS, 'OID_IP4_OFFLOAD_STATS'],
  [OID_IP6_OFFLOAD_STATS, 'OID_IP6_OFFLOAD_STATS'],
  [OID_TCP_OFFLOAD_CURRENT_CONFIG, 'OID_TCP_OFFLOAD_CURRENT_CONFIG'],
  [OID_TCP_OFFLOAD_PARAMETERS, 'OID_TCP_OFFLOAD_PARAMETERS'],
  [OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, 'OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES'],
  [OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, 'OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG'],
  [OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, 'OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES'],
  [OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 'OID_TCP_CONNECTION_OFFLOAD_PARAMETERS'],
  [OID_PNP_SET_POWER, 'OID_PNP_SET_POWER'],
  [OID_PNP_QUERY_POWER, 'OID_PNP_QUERY_POWER'],
];

/**
 * An OID for people: `OID_TCP4_OFFLOAD_STATS (0xFC010207)`, or `OID 0x........` where this file has no name for it.
 * Takes the signed and the unsigned spelling of a value. For messages and traces, not for hot paths.
 */
export function formatOid(oid: NDIS_OID): string {
  const hex = `0x${(oid >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  const entry = named.find(([value]) => value === (oid | 0));
  return entry === undefined ? `OID ${hex}` : `${entry[1]} (${hex})`;
}
