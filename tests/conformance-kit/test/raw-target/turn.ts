import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { isValid, type RawConnection } from './connection.ts';
import { deliver, endRequests, takeData } from './receiving.ts';
import { FLAG, distance, segmentIn, type Segment } from './segment.ts';
import { completeSent, endSends, hasToSend, isAcceptableAck, queueSends, say, takeAck, transmit } from './sending.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;
const NOTHING = new Uint8Array(0);

/** What the DPC of one connection does: the far end has its turn, then what arrived, then what the host wants. */
export function runConnection(connection: RawConnection): void {
  const { wire, farEnd, adapter } = connection;
  for (let segment = wire.take('toPeer'); segment !== null; segment = wire.take('toPeer')) farEnd.accept(segment);
  if (connection.isEnabled && !connection.isLeaving) act(connection);
  adapter.continuePause();
}

function act(connection: RawConnection): void {
  const { adapter } = connection;
  if (connection.isAborted) {
    endAll(connection, NDIS_STATUS_REQUEST_ABORTED);
    return;
  }
  if (connection.uploadReason !== 0 || adapter.isUploadingAll) return;
  if (!isValid(connection)) {
    if (hasToSend(connection)) requestUpload(connection, TCP_UPLOAD_REASON.InvalidState);
    return;
  }
  const abortive = connection.abortive.shift();
  if (abortive !== undefined) {
    abort(connection, abortive);
    return;
  }
  passUp(connection);
  for (let segment = nextOf(connection); segment !== null; segment = nextOf(connection)) {
    takeSegment(connection, segment);
    passUp(connection);
  }
  for (let nbl = nextForward(connection); nbl !== null; nbl = nextForward(connection)) {
    forward(connection, nbl);
    passUp(connection);
  }
  if (!isMoving(connection)) return;
  transmit(connection);
  if (connection.now.state === STATE.TcpConnectionTimeWait && connection.isFinTold) requestUpload(connection, TCP_UPLOAD_REASON.UploadRequested);
}

/** False once nothing more happens to the connection, but its end. */
function isMoving({ isAborted, isLeaving, uploadReason, adapter }: RawConnection): boolean {
  return !isAborted && !isLeaving && uploadReason === 0 && !adapter.isUploadingAll;
}

function nextOf(connection: RawConnection): Segment | null {
  return isMoving(connection) ? connection.wire.take('toHost') : null;
}

function nextForward(connection: RawConnection): NetBufferList | null {
  return isMoving(connection) ? (connection.forwards.shift() ?? null) : null;
}

/** The host gets what is its own, before anything else is looked at. */
function passUp(connection: RawConnection): void {
  if (!isMoving(connection)) return;
  completeSent(connection);
  if (connection.adapter.isRunning) deliver(connection);
}

/** The host is asked to take the connection back. Until it does, everything stays as it is. */
function requestUpload(connection: RawConnection, reason: number): void {
  const { adapter, handle } = connection;
  connection.uploadReason = reason;
  connection.pushTimer.cancel();
  adapter.handlers.tcpOffloadEventHandler(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reason);
}

/** A segment, from the wire or forwarded. @returns how a forwarded one ends. */
function takeSegment(connection: RawConnection, segment: Segment): NDIS_STATUS {
  const { now } = connection;
  const { flags, bytes, seq } = segment;
  const known = distance(seq, now.rcvNxt);
  if ((flags & FLAG.RST) !== 0) {
    if (known === 0) reset(connection);
    return NDIS_STATUS_SUCCESS;
  }
  if ((flags & FLAG.SYN) !== 0) {
    if (known !== 0 || now.state === STATE.TcpConnectionTimeWait) return NDIS_STATUS_SUCCESS;
    now.state = STATE.TcpConnectionClosed;
    requestUpload(connection, TCP_UPLOAD_REASON.UploadRequested);
    return NDIS_STATUS_SUCCESS;
  }
  if (known < 0 || known > bytes.length + (flags & FLAG.FIN) || !isAcceptableAck(connection, segment)) {
    connection.isAckDue = true;
    return NDIS_STATUS_SUCCESS;
  }
  if ((flags & FLAG.URG) !== 0) {
    requestUpload(connection, TCP_UPLOAD_REASON.ReceivedUrgentData);
    return NDIS_STATUS_UPLOAD_IN_PROGRESS;
  }
  takeAck(connection, segment);
  takeData(connection, segment);
  return NDIS_STATUS_SUCCESS;
}

function forward(connection: RawConnection, nbl: NetBufferList): void {
  const segment = segmentIn(nbl, connection.constant.sndWindScale);
  const status = segment === null || (segment.flags & FLAG.ACK) === 0 && (segment.flags & (FLAG.RST | FLAG.SYN)) === 0 ? NDIS_STATUS_SUCCESS : takeSegment(connection, segment);
  endForward(connection, nbl, status);
}

function endForward({ adapter }: RawConnection, nbl: NetBufferList, status: NDIS_STATUS): void {
  nbl.status = status;
  adapter.handlers.tcpOffloadForwardComplete(nbl);
}

/** The peer has reset the connection: what is pending ends first, then the host hears of it. */
function reset(connection: RawConnection): void {
  const { adapter, handle, now } = connection;
  connection.isAborted = true;
  now.state = STATE.TcpConnectionClosed;
  endAll(connection, NDIS_STATUS_REQUEST_ABORTED);
  adapter.handlers.tcpOffloadEventHandler(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
}

/** The host resets the connection. */
function abort(connection: RawConnection, nbl: NetBufferList): void {
  connection.isAborted = true;
  connection.now.state = STATE.TcpConnectionClosed;
  say(connection, FLAG.RST, NOTHING);
  endAll(connection, NDIS_STATUS_REQUEST_ABORTED);
  endAbortive(connection, nbl, NDIS_STATUS_SUCCESS);
}

/** Ends every request that is pending, each by itself. */
export function endAll(connection: RawConnection, status: NDIS_STATUS): void {
  endSends(connection, status);
  endRequests(connection, status);
  for (const nbl of connection.forwards.splice(0)) endForward(connection, nbl, status);
  for (const nbl of connection.abortive.splice(0)) endAbortive(connection, nbl, status);
}

function endAbortive({ adapter }: RawConnection, nbl: NetBufferList, status: NDIS_STATUS): void {
  nbl.status = status;
  nbl.tcpOffloadBytesTransferred = 0;
  adapter.handlers.tcpOffloadDisconnectComplete(nbl);
}

export function queueDisconnect(connection: RawConnection, nbl: NetBufferList, flags: number): void {
  if ((flags & TCP_DISCONNECT_ABORTIVE_CLOSE) === 0) queueSends(connection, nbl, true);
  else connection.abortive.push(nbl);
}

export function queueForwards({ forwards }: RawConnection, list: NetBufferList): void {
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    const { next }: NetBufferList = nbl;
    nbl.next = null;
    forwards.push(nbl);
    nbl = next;
  }
}
