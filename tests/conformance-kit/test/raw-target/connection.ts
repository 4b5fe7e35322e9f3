import {
  Dpc,
  TCP_OFFLOAD_CONNECTION_STATE,
  TIMEOUT_DELTA_NOT_RUNNING,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  hasUnacknowledgedFin,
  netBufferListBytes,
  netBufferListDataLength,
  timestampAt,
  timestampDelta,
  type NetBufferList,
  type OffloadHandle,
  type Timer,
} from '@ndis-chimney/types';

import type { RawAdapter } from './adapter.ts';
import type { FarEnd } from './far-end.ts';
import type { RawPath, Whole } from './objects.ts';
import { Wire } from './wire.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

export type WholeTcp = Whole<TcpOffloadStateConst, TcpOffloadStateCached, TcpOffloadStateDelegated>;

/** What waits to be sent and acknowledged. Data starts move with every acknowledgment. */
export interface Outgoing {
  /** Null: the FIN of a connection that came with one. */
  readonly nbl: NetBufferList | null;
  readonly isDisconnect: boolean;
  /** Came behind a FIN: nothing is sent of it. */
  readonly isLate: boolean;
  left: number;
  acked: number;
}

/** Received and not delivered, a segment each. */
export interface Incoming {
  bytes: Uint8Array<ArrayBuffer>;
  readonly isPushed: boolean;
}

export interface Request {
  readonly nbl: NetBufferList;
  placed: number;
}

/** One offloaded connection: plain state. What happens to it is in the functions of the other files. */
export interface RawConnection {
  readonly layer: 'connection';
  readonly adapter: RawAdapter;
  readonly handle: OffloadHandle;
  readonly path: RawPath;
  readonly constant: TcpOffloadStateConst;
  readonly cached: TcpOffloadStateCached;
  /** The variables as of now, but for those of timers and timestamps. */
  readonly now: TcpOffloadStateDelegated;
  readonly timestampDelta: number;
  readonly recentAtTicks: number;
  readonly farEnd: FarEnd;
  readonly wire: Wire;
  readonly dpc: Dpc;
  readonly pushTimer: Timer;
  /** Number after the last byte there was promised room for. */
  edge: number;
  /** The same of the far end, as it is: SndWnd is what it said. */
  farEdge: number;
  outgoing: Outgoing[];
  forwards: NetBufferList[];
  abortive: NetBufferList[];
  posted: Request[];
  /** Requests that came after the host was told of the FIN. */
  postedLate: NetBufferList[];
  incoming: Incoming[];
  /** The host has refused data, and not posted since. */
  isRefused: boolean;
  isPushDue: boolean;
  isAckDue: boolean;
  hasPeerFin: boolean;
  isFinTold: boolean;
  /** The host has closed its half. */
  isClosed: boolean;
  isFinSent: boolean;
  isAborted: boolean;
  isEnabled: boolean;
  isInvalid: boolean;
  isLeaving: boolean;
  uploadReason: number;
}

/** Takes over a connection with everything that comes along. It moves when it is enabled. */
export function takeConnection(adapter: RawAdapter, handle: OffloadHandle, path: RawPath, state: WholeTcp, chain: NetBufferList | null, run: (connection: RawConnection) => void): RawConnection {
  const now = new TcpOffloadStateDelegated().copyFrom(state.delegated);
  const constant = new TcpOffloadStateConst().copyFrom(state.const);
  const incoming: Incoming[] = [];
  for (let nbl = now.bufferedData; nbl !== null; nbl = nbl.next) if (netBufferListDataLength(nbl) > 0) incoming.push({ bytes: netBufferListBytes(nbl), isPushed: false });
  const outgoing: Outgoing[] = [];
  for (let nbl = chain; nbl !== null; nbl = nbl.next) outgoing.push({ nbl, isDisconnect: false, isLate: false, left: netBufferListDataLength(nbl), acked: 0 });
  const isFinUnacked = hasUnacknowledgedFin(now.state);
  if (isFinUnacked) outgoing.push({ nbl: null, isDisconnect: false, isLate: false, left: 0, acked: 0 });
  const hasPeerFin = now.state === STATE.TcpConnectionCloseWait || now.state === STATE.TcpConnectionClosing || now.state === STATE.TcpConnectionLastAck;
  const isClosed = isFinUnacked || now.state === STATE.TcpConnectionFinWait2;
  const { dpcQueue, clock } = adapter.environment;
  const wake = (): void => {
    dpcQueue.insert(connection.dpc);
  };
  const connection: RawConnection = {
    layer: 'connection',
    adapter,
    handle,
    path,
    constant,
    cached: new TcpOffloadStateCached().copyFrom(state.cached),
    now,
    timestampDelta: timestampDelta(now.tsTime, adapter.ticks),
    recentAtTicks: (adapter.ticks - now.tsRecentAge) | 0,
    farEnd: adapter.farEnds.for(constant, now, isClosed && !isFinUnacked, hasPeerFin),
    wire: new Wire(clock, wake),
    dpc: new Dpc({ runDpc: () => { run(connection); } }),
    pushTimer: clock.createTimer({
      timerExpired: () => {
        connection.isPushDue = true;
        wake();
      },
    }),
    edge: now.rcvNxt,
    farEdge: now.sndUna,
    outgoing,
    forwards: [],
    abortive: [],
    posted: [],
    postedLate: [],
    incoming,
    isRefused: incoming.length > 0,
    isPushDue: false,
    isAckDue: false,
    hasPeerFin,
    isFinTold: hasPeerFin && incoming.length === 0,
    isClosed,
    isFinSent: isClosed,
    isAborted: false,
    isEnabled: false,
    isInvalid: false,
    isLeaving: false,
    uploadReason: 0,
  };
  // What came along was sent by somebody else: all of it is sent again, from the first byte.
  now.sndNxt = now.sndUna;
  openWindow(connection);
  return connection;
}

/** Bytes of the peer's that wait for the host. */
export function backlogOf({ incoming }: RawConnection): number {
  return incoming.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Promises the peer room. What was promised once is not taken back. */
export function openWindow(connection: RawConnection): void {
  const { cached, adapter, now } = connection;
  const capacity = cached.initialRcvWnd === 0 ? adapter.bufferBytes : Math.min(cached.initialRcvWnd >>> 0, adapter.bufferBytes);
  const edge = (now.rcvNxt + Math.max(0, capacity - backlogOf(connection))) | 0;
  if (((edge - connection.edge) | 0) <= 0) return;
  connection.edge = edge;
  connection.isAckDue = true;
}

/** True while the connection is valid, and so are the path and the neighbor. */
export function isValid({ isInvalid, path }: RawConnection): boolean {
  return !isInvalid && !path.isInvalid && !path.neighbor.isInvalid;
}

/** Writes the present values of all delegated variables. There is no data in them. */
export function writeDelegated({ adapter, now, edge, timestampDelta: delta, recentAtTicks }: RawConnection, to: TcpOffloadStateDelegated): void {
  to.copyFrom(now);
  to.rcvWnd = (edge - now.rcvNxt) | 0;
  to.tsTime = timestampAt(adapter.ticks, delta);
  to.tsRecentAge = (adapter.ticks - recentAtTicks) | 0;
  to.keepAlive.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  to.retransmit.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  to.sendDataHead = null;
  to.sendDataTail = null;
  to.bufferedData = null;
}
