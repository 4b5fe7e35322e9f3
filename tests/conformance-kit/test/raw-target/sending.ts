import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  copyFromNetBuffer,
  netBufferListDataLength,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { Outgoing, RawConnection } from './connection.ts';
import { FLAG, distance, type Segment } from './segment.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;
const NOTHING = new Uint8Array(0);

export function queueSends(connection: RawConnection, list: NetBufferList, isDisconnect: boolean): void {
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    const { next }: NetBufferList = nbl;
    nbl.next = null;
    connection.outgoing.push({ nbl, isDisconnect, isLate: connection.isClosed, left: netBufferListDataLength(nbl), acked: 0 });
    nbl = next;
  }
  if (isDisconnect) connection.isClosed = true;
}

function hasFin({ nbl, isDisconnect, isLate }: Outgoing): boolean {
  return (isDisconnect || nbl === null) && !isLate;
}

/** Sends what the window admits, a segment for each piece of one NBL, the FIN by itself; if nothing, what is to be acknowledged. */
export function transmit(connection: RawConnection): void {
  let start = connection.now.sndUna;
  for (const item of connection.outgoing) {
    if (item.isLate || !transmitItem(connection, item, start)) break;
    start = (start + item.left + Number(hasFin(item))) | 0;
  }
  if (connection.isAckDue) say(connection, 0, NOTHING);
}

/** @returns false when the window is full. */
function transmitItem(connection: RawConnection, item: Outgoing, start: number): boolean {
  const { now, path, constant } = connection;
  const segmentBytes = Math.max(1, Math.min(constant.remoteMss, path.cached.pathMtu - path.headerBytes));
  for (let at = distance(start, now.sndNxt); at >= 0 && at < item.left; at = distance(start, now.sndNxt)) {
    const length = Math.min(segmentBytes, item.left - at, distance(now.sndNxt, connection.farEdge));
    if (length <= 0) return false;
    say(connection, at + length === item.left ? FLAG.PSH : 0, bytesOf(item.nbl, at, length));
  }
  if (hasFin(item) && now.sndNxt === ((start + item.left) | 0)) sendFin(connection);
  return true;
}

function sendFin(connection: RawConnection): void {
  const { now } = connection;
  connection.isFinSent = true;
  if (now.state === STATE.TcpConnectionEstablished) now.state = STATE.TcpConnectionFinWait1;
  else if (now.state === STATE.TcpConnectionCloseWait) now.state = STATE.TcpConnectionLastAck;
  say(connection, FLAG.FIN, NOTHING);
}

export function say(connection: RawConnection, flags: number, bytes: Uint8Array<ArrayBuffer>): void {
  const { now, wire, edge } = connection;
  connection.isAckDue = false;
  wire.put('toPeer', { seq: now.sndNxt, ack: now.rcvNxt, flags: flags | FLAG.ACK, window: distance(now.rcvNxt, edge), bytes });
  now.sndNxt = (now.sndNxt + bytes.length + (flags & FLAG.FIN)) | 0;
  if (distance(now.sndMax, now.sndNxt) > 0) now.sndMax = now.sndNxt;
}

function bytesOf(nbl: NetBufferList | null, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let skip = at;
  let copied = 0;
  for (let nb = nbl?.firstNetBuffer ?? null; nb !== null && copied < length; nb = nb.next) {
    if (skip < nb.dataLength) copied += copyFromNetBuffer(nb, skip, bytes, copied, length - copied);
    skip = Math.max(0, skip - nb.dataLength);
  }
  return bytes;
}

/** True when there is something that would be sent if it were allowed. */
export function hasToSend({ outgoing, now, isAckDue, wire, abortive, forwards }: RawConnection): boolean {
  const end = outgoing.reduce((sum, item) => sum + (item.isLate ? 0 : item.left + Number(hasFin(item))), 0);
  return isAckDue || end > distance(now.sndUna, now.sndNxt) || abortive.length > 0 || forwards.length > 0 || wire.hasArrived('toHost');
}

/** False for an acknowledgment of what was never sent, or so old that no peer sends it any more (RFC 5961 section 5.2). */
export function isAcceptableAck({ now }: RawConnection, { ack }: Segment): boolean {
  return distance(ack, now.sndMax) >= 0 && distance(ack, now.sndUna) <= now.maxSndWnd;
}

/** The peer has everything before `ack`. */
export function takeAck(connection: RawConnection, { seq, ack, window }: Segment): void {
  const { now, outgoing, adapter, path } = connection;
  let count = distance(now.sndUna, ack);
  if (count < 0) return;
  now.sndWnd = window;
  connection.farEdge = (ack + window) | 0;
  now.maxSndWnd = Math.max(now.maxSndWnd, window);
  now.sendWL1 = seq;
  if (count > 0) {
    now.totalRT = 0;
    path.neighbor.heardAtTicks = adapter.ticks;
    now.sndUna = ack;
    if (distance(now.sndNxt, ack) > 0) now.sndNxt = ack;
  }
  for (const item of outgoing) {
    const here = Math.min(item.left, count);
    if (item.nbl !== null) advance(connection, item.nbl, here);
    item.left -= here;
    item.acked += here;
    count -= here;
    if (count === 0) break;
    if (hasFin(item)) {
      count -= 1;
      finAcknowledged(connection);
      item.left = -1;
    }
  }
}

function finAcknowledged({ now }: RawConnection): void {
  if (now.state === STATE.TcpConnectionFinWait1) now.state = STATE.TcpConnectionFinWait2;
  else if (now.state === STATE.TcpConnectionClosing) now.state = STATE.TcpConnectionTimeWait;
  else if (now.state === STATE.TcpConnectionLastAck) now.state = STATE.TcpConnectionClosed;
}

function advance({ adapter }: RawConnection, nbl: NetBufferList, byteCount: number): void {
  let left = byteCount;
  for (let nb = nbl.firstNetBuffer; nb !== null && left > 0; nb = nb.next) {
    const here = Math.min(left, nb.dataLength);
    if (here > 0) adapter.miniport.ndis.advanceNetBufferDataStart(nb, here, false);
    left -= here;
  }
}

/** Completes what is done, each NBL by itself. */
export function completeSent(connection: RawConnection): void {
  for (let item = connection.outgoing[0]; item !== undefined; item = connection.outgoing[0]) {
    if (!item.isLate && (hasFin(item) ? item.left >= 0 : item.left > 0)) return;
    connection.outgoing.shift();
    complete(connection, item, item.isLate ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_SUCCESS);
  }
}

/** Ends everything that is to be sent. */
export function endSends(connection: RawConnection, status: NDIS_STATUS): void {
  for (const item of connection.outgoing.splice(0)) complete(connection, item, status);
}

function complete({ adapter }: RawConnection, { nbl, isDisconnect, acked }: Outgoing, status: NDIS_STATUS): void {
  if (nbl === null) return;
  nbl.next = null;
  nbl.status = status;
  nbl.tcpOffloadBytesTransferred = acked;
  if (isDisconnect) adapter.handlers.tcpOffloadDisconnectComplete(nbl);
  else adapter.handlers.tcpOffloadSendComplete(nbl);
}
