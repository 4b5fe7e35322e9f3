import {
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_UPLOAD_REASON,
  copyFromNetBuffer,
  type NDIS_STATUS,
  type NetBuffer,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { ByteSource } from './byte-queue.ts';
import { COMPLETION } from './completions.ts';
import type { ConnectionEngine } from './connection-engine.ts';
import { seqAdd, seqDelta, seqLess } from './seq.ts';
import { SEGMENT } from './wire.ts';

/** Bytes of a TCP header without options (RFC 793 section 3.1). */
const TCP_HEADER_BYTES = 20;

/** A segment inside a NET_BUFFER, read from its payload on. */
class ForwardedPayload implements ByteSource {
  private netBuffer: NetBuffer | null = null;
  private at = 0;

  point(netBuffer: NetBuffer, at: number): void {
    this.netBuffer = netBuffer;
    this.at = at;
  }

  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    copyFromNetBuffer(this.netBuffer!, this.at, target, targetOffset, byteCount);
    this.at += byteCount;
  }

  unread(byteCount: number): void {
    this.at -= byteCount;
  }
}

/**
 * Segments that the host received for a connection and passes down, and what becomes of them: they count as if they had
 * come from the peer. Those out of sequence, or for other ports, are dropped.
 *
 * Source: `forwarding-data-to-an-offload-target.md`.
 */
export class ForwardQueue {
  private head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;
  /** What the segment under way means for the connection as a whole. */
  private consequence: 'none' | 'abort' | 'upload' = 'none';
  private readonly header: Uint8Array<ArrayBuffer> = new Uint8Array(TCP_HEADER_BYTES);
  private readonly payload: ForwardedPayload = new ForwardedPayload();

  /** Queues a list. @returns how many NBLs it has. */
  append(list: NetBufferList): number {
    let count = 1;
    let last = list;
    for (; last.next !== null; last = last.next) count++;
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    this.tail = last;
    return count;
  }

  /** Takes the first one off, unlinked. @returns null when there is none. */
  shift(): NetBufferList | null {
    const nbl = this.head;
    if (nbl === null) return null;
    this.head = nbl.next;
    if (this.head === null) this.tail = null;
    nbl.next = null;
    return nbl;
  }

  /** Processes one and completes it; what else follows from it comes after. */
  process(engine: ConnectionEngine, nbl: NetBufferList): void {
    const status = this.take(engine, nbl.firstNetBuffer);
    const { consequence } = this;
    this.consequence = 'none';
    engine.adapter.completions.addAll(COMPLETION.forward, nbl, status);
    if (consequence === 'abort') engine.abortByPeer();
    else if (consequence === 'upload') engine.adapter.requestUpload(engine.tcp, TCP_UPLOAD_REASON.ReceivedUrgentData);
  }

  private take(engine: ConnectionEngine, netBuffer: NetBuffer | null): NDIS_STATUS {
    const { tcp } = engine;
    const { header } = this;
    const isWhole = netBuffer !== null && copyFromNetBuffer(netBuffer, 0, header, 0, TCP_HEADER_BYTES) === TCP_HEADER_BYTES;
    const headerBytes = (header[12]! >> 4) * 4;
    tcp.statistics.countIn(isWhole ? netBuffer.dataLength - TCP_HEADER_BYTES : 0);
    if (isWhole && headerBytes >= TCP_HEADER_BYTES && headerBytes <= netBuffer.dataLength && uint16(header, 0) === tcp.remotePort && uint16(header, 2) === tcp.localPort) {
      return this.takeSegment(engine, netBuffer, headerBytes);
    }
    tcp.statistics.countError();
    return NDIS_STATUS_SUCCESS;
  }

  private takeSegment(engine: ConnectionEngine, netBuffer: NetBuffer, headerBytes: number): NDIS_STATUS {
    const { tcp, peer } = engine;
    const flags = this.header[13]!;
    const length = netBuffer.dataLength - headerBytes;
    const known = seqDelta(tcp.rcvNxt, int32(this.header, 4));
    if ((flags & SEGMENT.RST) !== 0) {
      if (known === 0) this.consequence = 'abort';
      return NDIS_STATUS_SUCCESS;
    }
    if ((flags & SEGMENT.SYN) !== 0 || known < 0 || known > length) return NDIS_STATUS_SUCCESS;
    if ((flags & SEGMENT.URG) !== 0) {
      // The host keeps the segment and processes it itself, after the upload.
      this.consequence = 'upload';
      return NDIS_STATUS_UPLOAD_IN_PROGRESS;
    }
    const ack = int32(this.header, 8);
    // A peer acknowledges nothing that it has not got, and this one's word is at hand.
    if ((flags & SEGMENT.ACK) !== 0 && !seqLess(peer.nextExpected, ack)) engine.send.acknowledged(ack, tcp.sndWnd);
    const fresh = Math.min(length - known, engine.window);
    if (fresh > 0) {
      this.payload.point(netBuffer, headerBytes + known);
      tcp.rcvNxt = seqAdd(tcp.rcvNxt, fresh);
      engine.receive.arrive(this.payload, fresh, (flags & SEGMENT.PSH) !== 0);
    }
    if ((flags & SEGMENT.FIN) !== 0 && known + fresh === length && !engine.receive.hasFin) {
      engine.peerClosed();
      peer.finForwarded();
    }
    return NDIS_STATUS_SUCCESS;
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function int32(bytes: Uint8Array, at: number): number {
  return (uint16(bytes, at) << 16) | uint16(bytes, at + 2);
}
