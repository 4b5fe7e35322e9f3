// `Flags` of a disconnect request: exactly one of the two.

/**
 * Disconnect: send the optional data, then FIN. Written by the host.
 * Source: `nc-ndischimney-w_tcp_offload_disconnect_handler.md`.
 */
export const TCP_DISCONNECT_GRACEFUL_CLOSE = 0x01;

/** Disconnect: send RST, no data. Written by the host. Source: `nc-ndischimney-w_tcp_offload_disconnect_handler.md`. */
export const TCP_DISCONNECT_ABORTIVE_CLOSE = 0x02;

// `TcpOffloadStateConst.flags`: written by the host at the initiate, fixed for the life of the offload.

/**
 * Const state: the target timestamps every segment it sends (RFC 1323). Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_const.md`.
 */
export const TCP_FLAG_TIMESTAMP_ENABLED = 0x01;

/**
 * Const state: SACK is sent and received (RFC 2018). Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_const.md`.
 */
export const TCP_FLAG_SACK_ENABLED = 0x02;

/**
 * Const state: `sndWindScale` and `rcvWindScale` apply (RFC 1323). Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_const.md`.
 */
export const TCP_FLAG_WINDOW_SCALING_ENABLED = 0x04;

// `TcpOffloadStateCached.flags`: written by the host at the initiate and by every update.

/**
 * Cached state: keepalive is on (RFC 1122). Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const TCP_FLAG_KEEP_ALIVE_ENABLED = 0x01;

/**
 * Cached state: Nagle algorithm is on (RFC 896). Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const TCP_FLAG_NAGLING_ENABLED = 0x02;

/**
 * Cached state, a command in an update: set the keepalive timer back to zero. Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const TCP_FLAG_KEEP_ALIVE_RESTART = 0x04;

/**
 * Cached state, a command in an update: set `totalRT` back to zero. Written by the host.
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const TCP_FLAG_MAX_RT_RESTART = 0x08;

/**
 * Cached state, a command in an update: `initialRcvWnd` changed; where it differs from `rcvWnd`, advertise a new
 * window. Written by the host. Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export const TCP_FLAG_UPDATE_RCV_WND = 0x10;
