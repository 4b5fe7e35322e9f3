import { TCP_OFFLOAD_CONNECTION_STATE } from './chimney-enums.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import { OffloadStateHeader } from './offload-state-header.ts';

/** Bytes of {@link TcpOffloadStateConst} on x64. Source: `ns-ndischimney-_tcp_offload_state_const.md`. */
export const SIZEOF_TCP_OFFLOAD_STATE_CONST = 0x18;
/** Bytes of {@link TcpOffloadStateCached} on x64. Source: `ns-ndischimney-_tcp_offload_state_cached.md`. */
export const SIZEOF_TCP_OFFLOAD_STATE_CACHED = 0x2C;
/** Bytes of {@link TcpOffloadStateDelegated} on x64. Source: `ns-ndischimney-_tcp_offload_state_delegated.md`. */
export const SIZEOF_TCP_OFFLOAD_STATE_DELEGATED = 0x80;

/**
 * TCP_OFFLOAD_STATE_CONST: what never changes about a connection. Written by the host at the initiate, not returned by
 * a terminate. Source: `ns-ndischimney-_tcp_offload_state_const.md`.
 */
export class TcpOffloadStateConst {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_TCP_OFFLOAD_STATE_CONST);
  /** `TCP_FLAG_TIMESTAMP_ENABLED`, `TCP_FLAG_SACK_ENABLED`, `TCP_FLAG_WINDOW_SCALING_ENABLED`. 16 bits. */
  flags = 0;
  /**
   * The peer's port, 0 to 65535. No source says in which byte order the C member is; here it is simply the number, as
   * in a URL.
   */
  remotePort = 0;
  /** Our port; the number, as `remotePort`. */
  localPort = 0;
  /** 4 bits. Shift of the window that the peer advertises (RFC 1323). */
  sndWindScale = 0;
  /** 4 bits. Shift of the window that we advertise (RFC 1323). */
  rcvWindScale = 0;
  /** Bytes. The MSS that the peer announced at first. 16 bits. */
  remoteMss = 0;
  /** RSS hash of the connection, int32 bit pattern, computed by the host; holds for all data received on it. */
  hashValue = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: TcpOffloadStateConst): this {
    this.header.copyFrom(from.header);
    this.flags = from.flags;
    this.remotePort = from.remotePort;
    this.localPort = from.localPort;
    this.sndWindScale = from.sndWindScale;
    this.rcvWindScale = from.rcvWindScale;
    this.remoteMss = from.remoteMss;
    this.hashValue = from.hashValue;
    return this;
  }
}

/**
 * TCP_OFFLOAD_STATE_CACHED: what the host owns and may update about a connection. Written by the host at the initiate
 * and by updates; the target only reads it. Source: `ns-ndischimney-_tcp_offload_state_cached.md`.
 */
export class TcpOffloadStateCached {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_TCP_OFFLOAD_STATE_CACHED);
  /**
   * `TCP_FLAG_KEEP_ALIVE_ENABLED`, `TCP_FLAG_NAGLING_ENABLED`; in an update also the commands
   * `TCP_FLAG_KEEP_ALIVE_RESTART`, `TCP_FLAG_MAX_RT_RESTART`, `TCP_FLAG_UPDATE_RCV_WND`. 16 bits.
   */
  flags = 0;
  /** Bytes. Default receive window (SO_RCVBUF). */
  initialRcvWnd = 0;
  /** Bytes. Best size of one receive indication, a hint; 0: indicate as much as possible. */
  rcvIndicationSize = 0;
  /** Keepalive probes before the connection is given up. 8 bits. */
  kaProbeCount = 0;
  /** Ticks. Idle time before the first keepalive probe. */
  kaTimeout = 0;
  /** Ticks. Spacing of further probes. */
  kaInterval = 0;
  /**
   * Ticks. Longest time spent retransmitting one segment; overrides `tcpMaximumRetransmissions` unless
   * `MAX_RT_UNUSED`; `MAX_RT_NO_LIMIT` (0xFFFFFFFF is stored as -1).
   */
  maxRT = 0;
  /** 20 bits. IPv6 flow label. */
  flowLabel = 0;
  /** Hops. IPv4 TTL or IPv6 hop limit. 8 bits. */
  ttlOrHopLimit = 0;
  /** IPv4 TOS or IPv6 traffic class. 8 bits. */
  tosOrTrafficClass = 0;
  /** 3 bits. 802.1p priority; ignored by a target without 802.1p. */
  userPriority = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: TcpOffloadStateCached): this {
    this.header.copyFrom(from.header);
    this.flags = from.flags;
    this.initialRcvWnd = from.initialRcvWnd;
    this.rcvIndicationSize = from.rcvIndicationSize;
    this.kaProbeCount = from.kaProbeCount;
    this.kaTimeout = from.kaTimeout;
    this.kaInterval = from.kaInterval;
    this.maxRT = from.maxRT;
    this.flowLabel = from.flowLabel;
    this.ttlOrHopLimit = from.ttlOrHopLimit;
    this.tosOrTrafficClass = from.tosOrTrafficClass;
    this.userPriority = from.userPriority;
    return this;
  }
}

/**
 * The keepalive timer as it is handed over, nested in the delegated state.
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`, `keepalive-timer.md`.
 */
export class TcpOffloadKeepAlive {
  /** Probes sent and not answered. 8 bits. */
  probeCount = 0;
  /**
   * Ticks to the next probe; `TIMEOUT_DELTA_NOT_RUNNING` (-1), `TIMEOUT_DELTA_FIRES_NOW` (0, as in a new structure).
   */
  timeoutDelta = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: TcpOffloadKeepAlive): this {
    this.probeCount = from.probeCount;
    this.timeoutDelta = from.timeoutDelta;
    return this;
  }
}

/**
 * The retransmit timer as it is handed over, nested in the delegated state; it also carries the persist timer (send
 * window 0) and the FIN_WAIT_2 timer.
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`, `retransmit-timer.md`, `persist-timer.md`.
 */
export class TcpOffloadRetransmit {
  /** Retransmissions of the current segment, or window probes sent. 8 bits. */
  count = 0;
  /** Ticks to the next one; `TIMEOUT_DELTA_NOT_RUNNING` (-1), `TIMEOUT_DELTA_FIRES_NOW` (0, as in a new structure). */
  timeoutDelta = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: TcpOffloadRetransmit): this {
    this.count = from.count;
    this.timeoutDelta = from.timeoutDelta;
    return this;
  }
}

/**
 * TCP_OFFLOAD_STATE_DELEGATED: what moves with the connection. The host writes it at the initiate; from then on the
 * target owns the variables and writes their current values into the structure of a query or a terminate.
 *
 * Two unions of the C structure appear as separate members. Initiate and terminate use the pointers (`sendDataHead`,
 * `sendDataTail`, `bufferedData`); a query uses the sizes (`sendBacklogSize`, `receiveBacklogSize`), which overlay the
 * pointers in C. Read only the arm that belongs to the operation.
 *
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`.
 */
export class TcpOffloadStateDelegated {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_TCP_OFFLOAD_STATE_DELEGATED);
  state: TCP_OFFLOAD_CONNECTION_STATE = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed;
  /** Reserved. 16 bits. */
  flags = 0;
  /** Sequence number expected next. */
  rcvNxt = 0;
  /** Bytes. Receive window. */
  rcvWnd = 0;
  /** Sequence number of the first byte not acknowledged: the first byte of `netBufferListChain`. */
  sndUna = 0;
  /** Sequence number to send next; below `sndMax` while data is being retransmitted. */
  sndNxt = 0;
  /** Highest sequence number sent so far. */
  sndMax = 0;
  /** Bytes. Send window. */
  sndWnd = 0;
  /** Bytes. Largest send window seen. */
  maxSndWnd = 0;
  /** Sequence number of the segment that last updated the send window (SND.WL1). */
  sendWL1 = 0;
  /** Bytes. Congestion window. */
  cWnd = 0;
  /** Bytes. Slow-start threshold. */
  ssThresh = 0;
  /** Ticks times `SRTT_SCALE`. Smoothed round-trip time. 16 bits. */
  sRtt = 0;
  /** Ticks times `RTT_VAR_SCALE`. Round-trip time variation. 16 bits. */
  rttVar = 0;
  /** Timestamp to echo (RFC 1323). */
  tsRecent = 0;
  /** Ticks. Age of `tsRecent`. */
  tsRecentAge = 0;
  /** Ticks. The giver's timestamp clock, its delta included; the taker's delta is this minus its own clock. */
  tsTime = 0;
  /** Ticks. Time spent retransmitting the current segment. */
  totalRT = 0;
  /** Duplicate ACKs for the same number. 8 bits. */
  dupAckCount = 0;
  /** Round of the persist timer. 8 bits. */
  sndWndProbeCount = 0;
  readonly keepAlive: TcpOffloadKeepAlive = new TcpOffloadKeepAlive();
  readonly retransmit: TcpOffloadRetransmit = new TcpOffloadRetransmit();
  /** Initiate, terminate: first NET_BUFFER_LIST of the block's chain with send data. Means nothing without a chain. */
  sendDataHead: NetBufferList | null = null;
  /** Initiate, terminate: last NET_BUFFER_LIST of the block's chain with send data. Means nothing without a chain. */
  sendDataTail: NetBufferList | null = null;
  /**
   * Query: send bytes that should be outstanding at the target; `BACKLOG_SIZE_UNSUPPORTED`. Overlays `sendDataHead`.
   */
  sendBacklogSize = 0;
  /**
   * Initiate, terminate: received data not delivered yet, ending just left of `rcvNxt`. At an initiate the host keeps
   * the list and the target copies before it completes; at a terminate the target gets the list back by receive return.
   */
  bufferedData: NetBufferList | null = null;
  /** Query: received bytes that the target holds; `BACKLOG_SIZE_UNSUPPORTED`. Overlays `bufferedData`. */
  receiveBacklogSize = 0;
  /**
   * NDIS 6.1 and later. No source says what it means or in which unit (by its name, the delay window of Compound TCP).
   * Carried along and not interpreted.
   */
  dWnd = 0;

  /**
   * Copies every member, allocating nothing. The NET_BUFFER_LISTs themselves are not copied: both point at the same.
   */
  copyFrom(from: TcpOffloadStateDelegated): this {
    this.header.copyFrom(from.header);
    this.state = from.state;
    this.flags = from.flags;
    this.rcvNxt = from.rcvNxt;
    this.rcvWnd = from.rcvWnd;
    this.sndUna = from.sndUna;
    this.sndNxt = from.sndNxt;
    this.sndMax = from.sndMax;
    this.sndWnd = from.sndWnd;
    this.maxSndWnd = from.maxSndWnd;
    this.sendWL1 = from.sendWL1;
    this.cWnd = from.cWnd;
    this.ssThresh = from.ssThresh;
    this.sRtt = from.sRtt;
    this.rttVar = from.rttVar;
    this.tsRecent = from.tsRecent;
    this.tsRecentAge = from.tsRecentAge;
    this.tsTime = from.tsTime;
    this.totalRT = from.totalRT;
    this.dupAckCount = from.dupAckCount;
    this.sndWndProbeCount = from.sndWndProbeCount;
    this.keepAlive.copyFrom(from.keepAlive);
    this.retransmit.copyFrom(from.retransmit);
    this.sendDataHead = from.sendDataHead;
    this.sendDataTail = from.sendDataTail;
    this.sendBacklogSize = from.sendBacklogSize;
    this.bufferedData = from.bufferedData;
    this.receiveBacklogSize = from.receiveBacklogSize;
    this.dWnd = from.dWnd;
    return this;
  }
}
