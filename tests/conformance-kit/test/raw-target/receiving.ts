import {
  Mdl,
  BytesConsumed,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  copyToNetBuffer,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { openWindow, type Incoming, type RawConnection, type Request } from './connection.ts';
import { FLAG, distance, type Segment } from './segment.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

export function queueRequests(connection: RawConnection, list: NetBufferList): void {
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    const { next }: NetBufferList = nbl;
    nbl.next = null;
    if (connection.isFinTold) connection.postedLate.push(nbl);
    else connection.posted.push({ nbl, placed: 0 });
    nbl = next;
  }
  connection.isRefused = false;
}

/** Takes the bytes, and the FIN, of a segment that is next in sequence. */
export function takeData(connection: RawConnection, { seq, bytes, flags }: Segment): void {
  const { now } = connection;
  const known = distance(seq, now.rcvNxt);
  if (bytes.length > 0 || (flags & FLAG.FIN) !== 0) connection.isAckDue = true;
  if (connection.hasPeerFin) return;
  const fresh = bytes.slice(known, known + distance(now.rcvNxt, connection.edge));
  const isWhole = known + fresh.length === bytes.length;
  now.rcvNxt = (now.rcvNxt + fresh.length) | 0;
  if (fresh.length > 0) connection.incoming.push({ bytes: fresh, isPushed: isWhole && (flags & FLAG.PSH) !== 0 });
  if ((flags & FLAG.FIN) === 0 || !isWhole) return;
  connection.hasPeerFin = true;
  now.rcvNxt = (now.rcvNxt + 1) | 0;
  connection.edge = (connection.edge + 1) | 0;
  if (now.state === STATE.TcpConnectionEstablished) now.state = STATE.TcpConnectionCloseWait;
  else if (now.state === STATE.TcpConnectionFinWait1) now.state = STATE.TcpConnectionClosing;
  else if (now.state === STATE.TcpConnectionFinWait2) now.state = STATE.TcpConnectionTimeWait;
}

/** Delivers what has come, a segment at a time, until there is nothing left or nobody who wants it. */
export function deliver(connection: RawConnection): void {
  for (const nbl of connection.postedLate.splice(0)) completeRequest(connection, { nbl, placed: 0 }, NDIS_STATUS_INVALID_STATE);
  if (connection.isPushDue) {
    connection.isPushDue = false;
    if (isPushable(connection)) completeFirst(connection);
  }
  while (!connection.isLeaving) {
    const [segment] = connection.incoming;
    if (segment === undefined) break;
    const [request] = connection.posted;
    if (request !== undefined) place(connection, segment, request);
    else if (connection.isRefused) break;
    else indicate(connection, segment);
    openWindow(connection);
  }
  if (connection.isLeaving) return;
  const [request] = connection.posted;
  if (request?.placed === 0 && isPushable(connection) && !connection.pushTimer.isRunning) startPush(connection);
  if (connection.hasPeerFin && !connection.isFinTold && connection.incoming.length === 0) tellFin(connection);
}

/** True when there is a request that PSH or the push timer completes. */
function isPushable({ posted: [request] }: RawConnection): boolean {
  return request !== undefined && isStarted(request) && !request.nbl.tcpReceiveNoPush;
}

function isStarted({ nbl, placed }: Request): boolean {
  return placed > 0 || nbl.tcpReceiveBytesTransferred > 0;
}

function place(connection: RawConnection, segment: Incoming, request: Request): void {
  const netBuffer = request.nbl.firstNetBuffer;
  const size = netBuffer?.dataLength ?? 0;
  const here = netBuffer === null ? 0 : copyToNetBuffer(netBuffer, request.placed, segment.bytes, 0, Math.min(segment.bytes.length, size - request.placed));
  request.placed += here;
  drop(connection, segment, here);
  const isOver = segment.bytes.length === 0 && segment.isPushed && !request.nbl.tcpReceiveNoPush;
  if (request.placed === size || isOver) completeFirst(connection);
  else if (isPushable(connection)) startPush(connection);
}

function indicate(connection: RawConnection, segment: Incoming): void {
  const { adapter, handle } = connection;
  const nbl = adapter.indicated.allocateNetBufferAndNetBufferList(new Mdl(segment.bytes.slice()), 0, segment.bytes.length);
  if (nbl === null) {
    connection.isRefused = true;
    return;
  }
  nbl.status = NDIS_STATUS_SUCCESS;
  const consumed = new BytesConsumed();
  const { posted } = connection;
  if (adapter.handlers.tcpOffloadReceiveHandler(handle, nbl, NDIS_STATUS_SUCCESS, consumed) === NDIS_STATUS_SUCCESS) {
    drop(connection, segment, segment.bytes.length);
    return;
  }
  adapter.indicated.freeNetBufferList(nbl);
  drop(connection, segment, consumed.value);
  connection.isRefused = posted.length === 0;
}

function drop({ incoming }: RawConnection, segment: Incoming, byteCount: number): void {
  segment.bytes = segment.bytes.subarray(byteCount);
  if (segment.bytes.length === 0) incoming.shift();
}

function tellFin(connection: RawConnection): void {
  const { posted: [request], adapter, handle } = connection;
  if (request !== undefined && isStarted(request)) completeFirst(connection);
  connection.isFinTold = true;
  adapter.handlers.tcpOffloadEventHandler(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect, 0);
}

function startPush({ pushTimer, adapter }: RawConnection): void {
  pushTimer.start(adapter.pushTimeoutMs);
}

function completeFirst(connection: RawConnection): void {
  const request = connection.posted.shift();
  connection.pushTimer.cancel();
  if (request !== undefined) completeRequest(connection, request, NDIS_STATUS_SUCCESS);
}

/** Ends all requests. What was not delivered stays. */
export function endRequests(connection: RawConnection, status: NDIS_STATUS): void {
  connection.pushTimer.cancel();
  for (const request of connection.posted.splice(0)) completeRequest(connection, request, status);
  for (const nbl of connection.postedLate.splice(0)) completeRequest(connection, { nbl, placed: 0 }, connection.isAborted ? status : NDIS_STATUS_INVALID_STATE);
}

function completeRequest({ adapter }: RawConnection, { nbl, placed }: Request, status: NDIS_STATUS): void {
  if (placed > 0 && nbl.firstNetBuffer !== null) adapter.miniport.ndis.advanceNetBufferDataStart(nbl.firstNetBuffer, placed, false);
  nbl.status = status;
  nbl.tcpOffloadBytesTransferred = placed;
  adapter.handlers.tcpOffloadReceiveComplete(nbl);
}

/** What was not delivered, to be handed up: an NBL for each segment. */
export function handUp({ adapter, incoming }: RawConnection): NetBufferList | null {
  let first: NetBufferList | null = null;
  for (const { bytes } of incoming.splice(0).reverse()) {
    const nbl = adapter.indicated.allocateNetBufferAndNetBufferList(new Mdl(bytes.slice()), 0, bytes.length);
    if (nbl === null) throw new Error('a pool without a limit has no NBL');
    nbl.next = first;
    first = nbl;
  }
  return first;
}
