/** The two ends of a connection's path. The arrays are the target's own and never change, so an engine may keep them. */
export interface ConnectionAddresses {
  readonly isIPv6: boolean;
  /** The host's end: 4 or 16 bytes, network byte order. */
  readonly source: Uint8Array<ArrayBufferLike>;
  /** The peer's end. */
  readonly destination: Uint8Array<ArrayBufferLike>;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * What the host may change about a connection while it is offloaded: its own cached state and that of the path and
 * neighbor it depends on, in one record. The members are those of the DDI structures, in their units.
 *
 * Source: `ns-ndischimney-_tcp_offload_state_cached.md`, `ns-ndischimney-_path_offload_state_cached.md`,
 * `ns-ndischimney-_neighbor_offload_state_cached.md`.
 */
export class ConnectionSettings {
  /**
   * `TCP_FLAG_KEEP_ALIVE_ENABLED`, `TCP_FLAG_NAGLING_ENABLED`; in an update also the commands
   * `TCP_FLAG_KEEP_ALIVE_RESTART`, `TCP_FLAG_MAX_RT_RESTART`, `TCP_FLAG_UPDATE_RCV_WND` (advertise the window at once).
   */
  flags = 0;
  initialRcvWnd = 0;
  kaProbeCount = 0;
  kaTimeout = 0;
  kaInterval = 0;
  maxRT = 0;
  flowLabel = 0;
  ttlOrHopLimit = 0;
  tosOrTrafficClass = 0;
  userPriority = 0;
  /** Bytes; 0: the engine's own limit. */
  pathMtu = 0;
  /** VLAN of every frame; 0: none. `vlanTag` gives the tag. */
  vlanId = 0;
  /** Source MAC; all zeros: the interface's own. The target's own array, as the next one. */
  dlSourceAddress: Uint8Array<ArrayBufferLike> = NO_BYTES;
  /** MAC of the next hop. */
  dlDestinationAddress: Uint8Array<ArrayBufferLike> = NO_BYTES;
}

const NO_ADDRESSES: ConnectionAddresses = { isIPv6: false, source: NO_BYTES, destination: NO_BYTES };

/**
 * A connection as it is handed to an engine: constant, cached and delegated state in one flat record of numbers. It is
 * plain data, one object that is used for every connection: an engine copies what it keeps before `open` returns.
 *
 * Sequence numbers are int32 bit patterns; times are ticks, counted at the rate the host has set.
 */
export class ConnectionRecord {
  addresses: ConnectionAddresses = NO_ADDRESSES;
  readonly settings: ConnectionSettings = new ConnectionSettings();
  /** `TCP_FLAG_TIMESTAMP_ENABLED`, `TCP_FLAG_SACK_ENABLED`, `TCP_FLAG_WINDOW_SCALING_ENABLED`. */
  constFlags = 0;
  localPort = 0;
  remotePort = 0;
  sndWindScale = 0;
  rcvWindScale = 0;
  remoteMss = 0;
  hashValue = 0;
  /** A `TCP_OFFLOAD_CONNECTION_STATE`, Established to LastAck. */
  state = 0;
  rcvNxt = 0;
  /** Bytes the target has room for from `rcvNxt` on; `window` moves the edge. */
  rcvWnd = 0;
  /** Sequence number of the first byte that `send` will lend. */
  sndUna = 0;
  /** What is before it was sent by the host and is in flight. */
  sndNxt = 0;
  /** What is before it was sent at least once. */
  sndMax = 0;
  sndWnd = 0;
  maxSndWnd = 0;
  sendWL1 = 0;
  cWnd = 0;
  ssThresh = 0;
  sRtt = 0;
  rttVar = 0;
  tsRecent = 0;
  tsRecentAge = 0;
  /** The connection's timestamp clock now; `timestampDelta` makes the engine's delta of it. */
  tsTime = 0;
  totalRT = 0;
  dupAckCount = 0;
  sndWndProbeCount = 0;
  keepAliveProbeCount = 0;
  /** Ticks left; -1: not running, 0: fires now. */
  keepAliveTimeoutDelta = -1;
  retransmitCount = 0;
  /** Ticks left of the retransmit, persist or FIN_WAIT_2 timer; -1: not running, 0: fires now. */
  retransmitTimeoutDelta = -1;
  dWnd = 0;
}

/**
 * What an engine says about a connection when it is asked. All members may be left out: the target knows what was
 * acknowledged and received, gives back what the engine was given, and says of timers that they do not run.
 *
 * An engine that leaves `sndNxt` out has the host send again from the first byte that is not acknowledged, which is
 * always right; one that leaves `sndMax` out is taken to have sent everything it was lent.
 */
export interface ConnectionReport {
  /** Only for a connection that ended here, without an RST: TcpConnectionClosed after a timeout. */
  readonly state?: number;
  readonly sndNxt?: number;
  readonly sndMax?: number;
  readonly sndWnd?: number;
  readonly maxSndWnd?: number;
  readonly sendWL1?: number;
  readonly cWnd?: number;
  readonly ssThresh?: number;
  /** Ticks times 8. */
  readonly sRtt?: number;
  /** Ticks times 4. */
  readonly rttVar?: number;
  readonly tsRecent?: number;
  readonly tsRecentAge?: number;
  readonly tsTime?: number;
  readonly totalRT?: number;
  readonly dupAckCount?: number;
  readonly sndWndProbeCount?: number;
  readonly keepAliveProbeCount?: number;
  readonly keepAliveTimeoutDelta?: number;
  readonly retransmitCount?: number;
  readonly retransmitTimeoutDelta?: number;
  readonly dWnd?: number;
  /** Bytes that should be outstanding for full speed. */
  readonly sendBacklogSize?: number;
}
