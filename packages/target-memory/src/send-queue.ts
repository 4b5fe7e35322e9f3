import {
  NDIS_STATUS_SUCCESS,
  netBufferListDataLength,
  type NDIS_STATUS,
  type NetBuffer,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { ByteReader } from './byte-queue.ts';
import { COMPLETION } from './completions.ts';
import { MdlCursor } from './mdl-cursor.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import { seqAdd, seqDelta, seqLess } from './seq.ts';

/** What `miniportReserved1` of a disconnect's NBL holds while it is queued behind the sends. */
const IS_DISCONNECT = 'disconnect';

/**
 * The NBLs a connection has to send, first to last, from the first byte that is not acknowledged. They are in the order
 * they were passed down in, so that numbering their bytes from `SndUna` on is all that transmission needs: a NBL goes
 * back when the acknowledgment passes its end. The NBL of a graceful disconnect is the last; its FIN is one more number.
 *
 * `miniportReserved0` of a queued NBL is how many sequence numbers it takes.
 */
export class SendQueue implements ByteReader {
  head: NetBufferList | null = null;
  /** Bytes that were never sent since the target has them. */
  unsent = 0;
  private tail: NetBufferList | null = null;
  /** Acknowledged bytes of `head`. */
  private headAcked = 0;
  private readonly adapter: MemoryAdapter;
  // Where the peer reads: the bytes stay in the host's memory until they arrive.
  private readSeq: number;
  private readNbl: NetBufferList | null = null;
  private readNb: NetBuffer | null = null;
  private readLeft = 0;
  private readonly cursor: MdlCursor = new MdlCursor();

  /** @param sndUna sequence number of the first byte that will be queued. */
  constructor(adapter: MemoryAdapter, sndUna: number) {
    this.adapter = adapter;
    this.readSeq = sndUna;
  }

  /** Queues a list behind what is queued already. @returns its bytes. */
  append(list: NetBufferList): number {
    let byteCount = 0;
    let nbl = list;
    for (;;) {
      const length = netBufferListDataLength(nbl);
      nbl.miniportReserved0 = length;
      byteCount += length;
      this.adapter.heldRequests++;
      if (nbl.next === null) break;
      nbl = nbl.next;
    }
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    this.tail = nbl;
    this.unsent += byteCount;
    return byteCount;
  }

  /** Queues the NBL of a graceful disconnect: its data, then a FIN. */
  appendDisconnect(nbl: NetBufferList): number {
    const byteCount = this.append(nbl);
    nbl.miniportReserved0 = byteCount + 1;
    nbl.miniportReserved1 = IS_DISCONNECT;
    return byteCount;
  }

  /** The peer acknowledged `count` more numbers; `sndUna` is past them. NBLs that are done go to the completions. */
  acknowledge(count: number, sndUna: number): void {
    this.headAcked += count;
    this.completeAcknowledged();
    // Only when the peer had the bytes from before: then nobody reads them here.
    if (seqLess(this.readSeq, sndUna)) this.seek(sndUna);
  }

  /** Completes what has nothing left to be acknowledged: NBLs without data wait for those before them only. */
  completeAcknowledged(): void {
    for (let nbl = this.head; nbl !== null; nbl = this.head) {
      const length = nbl.miniportReserved0 as number;
      if (this.headAcked < length) return;
      this.headAcked -= length;
      this.shift(nbl);
      this.finish(nbl, NDIS_STATUS_SUCCESS, length);
    }
  }

  /** Completes all with this status and the bytes that were acknowledged. */
  flush(status: NDIS_STATUS): void {
    for (let nbl = this.head; nbl !== null; nbl = this.head) {
      const acked = this.headAcked;
      this.headAcked = 0;
      this.shift(nbl);
      this.finish(nbl, status, acked);
    }
    this.unsent = 0;
  }

  /**
   * Takes the sends out as the chain that goes back with a terminate, its first byte the first that is not
   * acknowledged; a disconnect stays. A NBL with several NET_BUFFERs cannot be in such a chain, so with one among them
   * nothing is taken. @returns the chain, or null.
   */
  takeChain(): NetBufferList | null {
    const head = this.head;
    let last: NetBufferList | null = null;
    for (let nbl = head; nbl !== null && nbl.miniportReserved1 !== IS_DISCONNECT; nbl = nbl.next) {
      if (nbl.firstNetBuffer === null || nbl.firstNetBuffer.next !== null) return null;
      last = nbl;
    }
    if (head === null || last === null) return null;
    this.head = last.next;
    if (this.head === null) this.tail = null;
    last.next = null;
    this.advance(head, this.headAcked);
    this.headAcked = 0;
    for (let nbl: NetBufferList | null = head; nbl !== null; nbl = nbl.next) {
      nbl.miniportReserved0 = null;
      this.adapter.heldRequests--;
    }
    return head;
  }

  /** Starts over, empty: the next byte queued has this sequence number. */
  restart(sndUna: number): void {
    this.readSeq = sndUna;
    this.readNbl = null;
  }

  private shift(nbl: NetBufferList): void {
    this.head = nbl.next;
    if (this.head === null) this.tail = null;
    // The reader was at its end, which is where the next one begins.
    if (this.readNbl === nbl) this.readNbl = null;
  }

  private finish(nbl: NetBufferList, status: NDIS_STATUS, acked: number): void {
    const isDisconnect = nbl.miniportReserved1 === IS_DISCONNECT;
    const byteCount = isDisconnect ? Math.min(acked, (nbl.miniportReserved0 as number) - 1) : acked;
    this.advance(nbl, byteCount);
    nbl.status = status;
    nbl.tcpOffloadBytesTransferred = byteCount;
    this.adapter.heldRequests--;
    this.adapter.completions.add(isDisconnect ? COMPLETION.disconnect : COMPLETION.send, nbl);
  }

  /** Moves the data starts over the first `byteCount` bytes of a NBL. */
  private advance(nbl: NetBufferList, byteCount: number): void {
    const { ndis } = this.adapter;
    let left = byteCount;
    for (let nb = nbl.firstNetBuffer; nb !== null && left > 0; nb = nb.next) {
      const here = Math.min(left, nb.dataLength);
      if (here > 0) ndis.advanceNetBufferDataStart(nb, here, false);
      left -= here;
    }
  }

  /** Moves the reader forward to a sequence number that is queued. */
  skipTo(seq: number): void {
    let left = seqDelta(seq, this.readSeq);
    this.readSeq = seq;
    while (left > 0 && this.enter()) {
      const here = Math.min(left, this.readLeft);
      this.cursor.skip(here);
      this.readLeft -= here;
      left -= here;
    }
  }

  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    let done = 0;
    while (done < byteCount && this.enter()) {
      const here = Math.min(byteCount - done, this.readLeft);
      this.cursor.read(target, targetOffset + done, here);
      this.readLeft -= here;
      done += here;
    }
    this.readSeq = seqAdd(this.readSeq, byteCount);
  }

  /** Puts the reader where `headAcked` is. */
  private seek(sndUna: number): void {
    this.readNbl = null;
    this.readSeq = seqAdd(sndUna, -this.headAcked);
    this.skipTo(sndUna);
  }

  /** Goes to the next NET_BUFFER with unread bytes. @returns false when there is none. */
  private enter(): boolean {
    if (this.readNbl === null) {
      this.readNbl = this.head;
      if (this.readNbl === null) return false;
      this.open(this.readNbl.firstNetBuffer);
    }
    while (this.readLeft === 0) {
      if (this.readNb !== null && this.readNb.next !== null) {
        this.open(this.readNb.next);
      } else if (this.readNbl.next !== null) {
        this.readNbl = this.readNbl.next;
        this.open(this.readNbl.firstNetBuffer);
      } else {
        return false;
      }
    }
    return true;
  }

  private open(netBuffer: NetBuffer | null): void {
    this.readNb = netBuffer;
    this.readLeft = netBuffer === null ? 0 : netBuffer.dataLength;
    if (netBuffer !== null) this.cursor.point(netBuffer);
  }
}
