// Ticks and timers

/**
 * What `ticksPerSecond` may be; the unit of every chimney timer, set by the host.
 * Source: `overview-of-tcp-timers.md`.
 */
export const TICKS_PER_SECOND_VALUES = [10, 100, 1000] as const;

/**
 * Ticks per second unless the host sets another. Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`.
 */
export const DEFAULT_TICKS_PER_SECOND = 1000;

/** Push timer that Windows sets, in milliseconds. Source: `push-timer.md`. */
export const DEFAULT_PUSH_TIMEOUT_MS = 500;

/** Initial value of the FIN_WAIT_2 timer, in seconds. Source: `fin-wait-2-timer.md`. */
export const FIN_WAIT_2_TIMEOUT_SECONDS = 120;

/**
 * `timeoutDelta` of a timer that is not running: 0xFFFFFFFF, stored as -1. Written by whoever gives the delegated state
 * away. Source: `retransmit-timer.md`, `keepalive-timer.md`, `persist-timer.md`.
 */
export const TIMEOUT_DELTA_NOT_RUNNING = -1;

/** `timeoutDelta` of a timer that runs and is due at once. Source: `retransmit-timer.md`. */
export const TIMEOUT_DELTA_FIRES_NOW = 0;

/**
 * `maxRT` without a limit on the time spent retransmitting: 0xFFFFFFFF, stored as -1.
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const MAX_RT_NO_LIMIT = -1;

/** `maxRT` unused: `tcpMaximumRetransmissions` holds. Source: `ns-ndischimney-_tcp_offload_state_cached.md`. */
export const MAX_RT_UNUSED = 0;

/** `sRtt` holds the smoothed round-trip time in ticks times this. Source: `offload-state-objects.md`. */
export const SRTT_SCALE = 8;

/** `rttVar` holds the round-trip time variation in ticks times this. Source: `offload-state-objects.md`. */
export const RTT_VAR_SCALE = 4;

// Queries

/**
 * `sendBacklogSize` or `receiveBacklogSize` of a target that does not keep it: 0xFFFFFFFF, stored as -1.
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`.
 */
export const BACKLOG_SIZE_UNSUPPORTED = -1;

// Identification fields: the host keeps the lower half of each range, the target uses the upper half.

/** First IPv4 identification that a target may use. Source: `sending-data-from-an-offload-target.md`. */
export const OFFLOAD_TARGET_IPV4_ID_MIN = 0x8000;

/** Last IPv4 identification that a target may use. Source: `sending-data-from-an-offload-target.md`. */
export const OFFLOAD_TARGET_IPV4_ID_MAX = 0xFFFF;

/**
 * First IPv6 fragment identification that a target may use, 0x80000000 as int32; so the target's are the negative ones.
 * The page drops a digit and prints 0x8000000. Source: `sending-data-from-an-offload-target.md`.
 */
export const OFFLOAD_TARGET_IPV6_FRAGMENT_ID_MIN: number = 0x80000000 | 0;

/**
 * Last IPv6 fragment identification that a target may use: 0xFFFFFFFF, stored as -1.
 * Source: `sending-data-from-an-offload-target.md`.
 */
export const OFFLOAD_TARGET_IPV6_FRAGMENT_ID_MAX = -1;

// Defence against blind resets

/**
 * Idle time before the first keepalive probe, in seconds.
 * Source: `requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md`.
 */
export const BLIND_RESET_KEEP_ALIVE_TIMEOUT_SECONDS = 300;

/**
 * Keepalive probes before the connection is given up.
 * Source: `requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md`.
 */
export const BLIND_RESET_KEEP_ALIVE_PROBES = 10;

/**
 * Spacing of keepalive probes, in seconds.
 * Source: `requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md`.
 */
export const BLIND_RESET_KEEP_ALIVE_INTERVAL_SECONDS = 1;

/**
 * A SYN inside the window is answered with one challenge ACK per this many seconds.
 * Source: `requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md`.
 */
export const BLIND_RESET_CHALLENGE_ACK_INTERVAL_SECONDS = 3;

// Configuration

/**
 * Keyword by which an administrator switches IPv4 connection offload; 0 off, 1 on (default).
 * Source: `using-registry-values-to-enable-and-disable-connection-offloading.md`.
 */
export const TCP_CONNECTION_OFFLOAD_IPV4_KEYWORD = '*TCPConnectionOffloadIPv4';

/**
 * Keyword by which an administrator switches IPv6 connection offload; 0 off, 1 on (default).
 * Source: `using-registry-values-to-enable-and-disable-connection-offloading.md`.
 */
export const TCP_CONNECTION_OFFLOAD_IPV6_KEYWORD = '*TCPConnectionOffloadIPv6';

/** Bytes of a MAC address field. Source: `ns-ndischimney-_neighbor_offload_state_const.md`. */
export const DL_ADDRESS_LENGTH = 32;

/** Port of an adapter that has no others, or of a request whose port is unknown. Source: ndis.h. */
export const NDIS_DEFAULT_PORT_NUMBER = 0;

/** Protocol id of NET_BUFFER_LISTs that belong to TCP/IP. Source: ndis.h. */
export const NDIS_PROTOCOL_ID_TCP_IP = 0x02;

/**
 * Sizes of NET_BUFFER_LIST contexts are multiples of this many bytes: a pointer on x64.
 * Source: `nf-nblapi-ndisallocatenetbufferlistcontext.md`.
 */
export const NET_BUFFER_LIST_CONTEXT_ALIGNMENT = 8;

/**
 * The `ContextSize` of a NET_BUFFER_LIST pool is a multiple of this many bytes, on x64.
 * Source: `ns-nblapi-net_buffer_list_pool_parameters.md`, ntdef.h.
 */
export const MEMORY_ALLOCATION_ALIGNMENT = 16;
