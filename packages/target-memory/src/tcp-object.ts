import {
  BACKLOG_SIZE_UNSUPPORTED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TIMEOUT_DELTA_NOT_RUNNING,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadStateCached,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { ConnectionEngine } from './connection-engine.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import type { PathObject } from './offload-objects.ts';
import type { TrafficStatistics } from './statistics.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/**
 * An offloaded TCP connection: its state as one flat record. What it takes to move data, and the peer, is an
 * {@link ConnectionEngine} that is made at the first use, so that an idle connection costs little more than its state.
 *
 * The delegated variables are named as in `TcpOffloadStateDelegated`. Those the target has no use for (congestion
 * control, round-trip time) are carried and given back.
 */
export class TcpObject {
  readonly handle: OffloadHandle;
  readonly path: PathObject;
  readonly adapter: MemoryAdapter;
  /** Shared with other connections of equal settings: replaced, never changed. */
  cached: TcpOffloadStateCached;
  engine: ConnectionEngine | null = null;
  /** True once the initiate has completed: from then on the target may act on the connection. */
  isEnabled = false;
  /** True after an invalidate of the connection itself. */
  isInvalid = false;
  /** The `TCP_UPLOAD_REASON` the upload was asked for with, all of them mandatory; 0 while it was not. */
  uploadReason = 0;

  // Const state.
  readonly constFlags: number;
  readonly remotePort: number;
  readonly localPort: number;
  readonly sndWindScale: number;
  readonly rcvWindScale: number;
  readonly remoteMss: number;
  readonly hashValue: number;

  // Delegated state.
  state: TCP_OFFLOAD_CONNECTION_STATE;
  rcvNxt: number;
  rcvWnd: number;
  sndUna: number;
  sndNxt: number;
  sndMax: number;
  sndWnd: number;
  maxSndWnd: number;
  sendWL1: number;
  private readonly cWnd: number;
  private readonly ssThresh: number;
  private readonly sRtt: number;
  private readonly rttVar: number;
  private readonly tsRecent: number;
  /** The target's clock when `tsRecent` was new. */
  private readonly tsRecentAtTicks: number;
  /** What the connection's timestamps are ahead of the target's clock (`calculating-the-timestamp-delta.md`). */
  private readonly nicDelta: number;
  private readonly dWnd: number;
  /** Reset by an update with `TCP_FLAG_MAX_RT_RESTART`. */
  totalRT: number;

  constructor(
    handle: OffloadHandle,
    path: PathObject,
    adapter: MemoryAdapter,
    constState: TcpOffloadStateConst,
    cached: TcpOffloadStateCached,
    delegated: TcpOffloadStateDelegated,
  ) {
    const { nowTicks } = adapter;
    this.handle = handle;
    this.path = path;
    this.adapter = adapter;
    this.cached = cached;
    this.constFlags = constState.flags;
    this.remotePort = constState.remotePort;
    this.localPort = constState.localPort;
    this.sndWindScale = constState.sndWindScale;
    this.rcvWindScale = constState.rcvWindScale;
    this.remoteMss = constState.remoteMss;
    this.hashValue = constState.hashValue;
    this.state = delegated.state;
    this.rcvNxt = delegated.rcvNxt | 0;
    this.rcvWnd = delegated.rcvWnd;
    this.sndUna = delegated.sndUna | 0;
    this.sndNxt = delegated.sndNxt | 0;
    this.sndMax = delegated.sndMax | 0;
    this.sndWnd = delegated.sndWnd;
    this.maxSndWnd = delegated.maxSndWnd;
    this.sendWL1 = delegated.sendWL1;
    this.cWnd = delegated.cWnd;
    this.ssThresh = delegated.ssThresh;
    this.sRtt = delegated.sRtt;
    this.rttVar = delegated.rttVar;
    this.tsRecent = delegated.tsRecent;
    this.tsRecentAtTicks = (nowTicks - delegated.tsRecentAge) | 0;
    this.nicDelta = (delegated.tsTime - nowTicks) | 0;
    this.totalRT = delegated.totalRT;
    this.dWnd = delegated.dWnd;
  }

  get layer(): 'tcp' {
    return 'tcp';
  }

  get statistics(): TrafficStatistics {
    return this.path.isIPv6 ? this.adapter.statistics6 : this.adapter.statistics4;
  }

  /**
   * The engine, made at the first use.
   * @param chain send data of the initiate. @param received received data of the initiate.
   */
  openEngine(chain: NetBufferList | null = null, received: NetBufferList | null = null): ConnectionEngine {
    if (this.engine !== null) return this.engine;
    const engine = new ConnectionEngine(this, this.adapter);
    this.engine = engine;
    engine.takeOverData(chain, received);
    if (this.isEnabled) engine.enable(this.adapter.clock.now());
    return engine;
  }

  /** True when nothing may be sent on it: it, its path or its neighbor was invalidated. */
  get isStopped(): boolean {
    return this.isInvalid || this.path.isInvalid || this.path.neighbor.isInvalid;
  }

  /** True when the peer's FIN has arrived. */
  get hasPeerFin(): boolean {
    const { state } = this;
    return state === STATE.TcpConnectionCloseWait || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck || state === STATE.TcpConnectionTimeWait;
  }

  /** Moves the connection to another state, and the gauge with it. */
  setState(state: TCP_OFFLOAD_CONNECTION_STATE): void {
    const before = isEstablished(this.state);
    if (before && state === STATE.TcpConnectionClosed) this.statistics.tcp.resetEstablished = (this.statistics.tcp.resetEstablished + 1) | 0;
    this.statistics.tcp.currentlyEstablished += Number(isEstablished(state)) - Number(before);
    this.state = state;
  }

  /** Counts the connection in, or out when it goes. */
  countEstablished(by: 1 | -1): void {
    if (isEstablished(this.state)) this.statistics.tcp.currentlyEstablished += by;
  }

  /** Writes the const state of a query. */
  giveConst(to: TcpOffloadStateConst): void {
    to.flags = this.constFlags;
    to.remotePort = this.remotePort;
    to.localPort = this.localPort;
    to.sndWindScale = this.sndWindScale;
    to.rcvWindScale = this.rcvWindScale;
    to.remoteMss = this.remoteMss;
    to.hashValue = this.hashValue;
  }

  /**
   * Writes the delegated state of a query or a terminate, without data: all pointers null, both backlog sizes
   * unsupported. No timer of the connection runs here, so both say so, with nothing counted.
   */
  giveDelegated(to: TcpOffloadStateDelegated): void {
    const { nowTicks } = this.adapter;
    to.state = this.state;
    to.flags = 0;
    to.rcvNxt = this.rcvNxt;
    to.rcvWnd = this.rcvWnd;
    to.sndUna = this.sndUna;
    to.sndNxt = this.sndNxt;
    to.sndMax = this.sndMax;
    to.sndWnd = this.sndWnd;
    to.maxSndWnd = this.maxSndWnd;
    to.sendWL1 = this.sendWL1;
    to.cWnd = this.cWnd;
    to.ssThresh = this.ssThresh;
    to.sRtt = this.sRtt;
    to.rttVar = this.rttVar;
    to.tsRecent = this.tsRecent;
    to.tsRecentAge = (nowTicks - this.tsRecentAtTicks) | 0;
    to.tsTime = (nowTicks + this.nicDelta) | 0;
    to.totalRT = this.totalRT;
    to.dupAckCount = 0;
    to.sndWndProbeCount = 0;
    to.keepAlive.probeCount = 0;
    to.keepAlive.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
    to.retransmit.count = 0;
    to.retransmit.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
    to.dWnd = this.dWnd;
    to.sendDataHead = null;
    to.sendDataTail = null;
    to.sendBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
    to.bufferedData = null;
    to.receiveBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
  }
}

/** What `CurrentlyEstablished` counts (`ns-ndischimney-_tcp_offload_stats.md`). */
function isEstablished(state: TCP_OFFLOAD_CONNECTION_STATE): boolean {
  return state === STATE.TcpConnectionEstablished || state === STATE.TcpConnectionCloseWait;
}

/** True in the states in which a connection may be offloaded (`ns-ndischimney-_tcp_offload_state_delegated.md`). */
export function isOffloadableState(state: number): boolean {
  return state >= STATE.TcpConnectionEstablished && state <= STATE.TcpConnectionLastAck;
}
