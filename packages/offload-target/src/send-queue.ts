import {
  NDIS_STATUS_SUCCESS,
  type NDIS_STATUS,
  type NetBuffer,
  type NetBufferList,
} from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import { REGION } from './connection-engine.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import type { TcpObject } from './tcp-object.ts';

/** What `miniportReserved1` of a disconnect's NBL holds while it is queued behind the sends. */
const IS_DISCONNECT = 'disconnect';

/**
 * The NBLs a connection has to send, first to last, from the first byte that is not acknowledged. They are in the order
 * they were passed down in, so that numbering their bytes from `SndUna` on is all that transmission needs: a NBL goes
 * back when the acknowledgment passes its end. The NBL of a graceful disconnect is the last; its FIN is one more number.
 *
 * Their bytes are lent to the engine, each once, piece by piece of the MDL chains. `miniportReserved0` of a NBL that was
 * lent is how many sequence numbers it takes.
 *
 * Source: `mapping-snduna--sndnxt--and-sndmax-to-the-mdls.md`.
 */
export class SendQueue {
  head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;
  /** First NBL that was not lent. */
  private unlent: NetBufferList | null = null;
  /** Acknowledged bytes of `head`. */
  private headAcked = 0;
  private readonly adapter: OffloadAdapter;

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  /** Queues a list behind what is queued already. */
  append(list: NetBufferList): void {
    let last = list;
    this.adapter.heldRequests++;
    while (last.next !== null) {
      this.adapter.heldRequests++;
      last = last.next;
    }
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    this.tail = last;
    this.unlent ??= list;
  }

  /** Queues the NBL of a graceful disconnect: its data, then a FIN. */
  appendDisconnect(nbl: NetBufferList): void {
    this.append(nbl);
    nbl.miniportReserved1 = IS_DISCONNECT;
  }

  get hasUnlent(): boolean {
    return this.unlent !== null;
  }

  /** Lends the engine all bytes that it has not got. @returns how many they were. */
  lend(tcp: TcpObject): number {
    let byteCount = 0;
    let nbl = this.unlent;
    this.unlent = null;
    for (; nbl !== null && !tcp.isFailed; nbl = nbl.next) {
      let length = 0;
      for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) length += this.lendNetBuffer(tcp.id, nb, nb.next === null);
      nbl.miniportReserved0 = nbl.miniportReserved1 === IS_DISCONNECT ? length + 1 : length;
      byteCount += length;
    }
    return byteCount;
  }

  /** @returns the bytes that are really there: a NET_BUFFER may claim more than its MDL chain has. */
  private lendNetBuffer(id: number, netBuffer: NetBuffer, isLast: boolean): number {
    let left = netBuffer.dataLength;
    let offset = netBuffer.currentMdlOffset;
    for (let mdl = netBuffer.currentMdl; mdl !== null; mdl = mdl.next) {
      const here = Math.min(left, mdl.byteCount - offset);
      if (here > 0) {
        left -= here;
        const flags = isLast && (left === 0 || mdl.next === null) ? REGION.PUSH : 0;
        this.adapter.engine.send(id, mdl.buffer, mdl.byteOffset + offset, here, flags);
        offset = 0;
      } else {
        offset -= mdl.byteCount;
      }
    }
    return netBuffer.dataLength - left;
  }

  /** The peer acknowledged `count` more numbers. NBLs that are done go to the completions. */
  acknowledge(count: number): void {
    this.headAcked += count;
    this.completeAcknowledged();
  }

  /** Completes what has nothing left to be acknowledged: NBLs without data wait for those before them only. */
  completeAcknowledged(): void {
    for (let nbl = this.head; nbl !== null && nbl !== this.unlent; nbl = this.head) {
      const length = nbl.miniportReserved0 as number;
      if (this.headAcked < length) return;
      this.headAcked -= length;
      this.shift(nbl);
      this.finish(nbl, NDIS_STATUS_SUCCESS, length);
    }
  }

  /** Completes all with this status and the bytes that were acknowledged. */
  flush(status: NDIS_STATUS): void {
    this.unlent = null;
    for (let nbl = this.head; nbl !== null; nbl = this.head) {
      const acked = this.headAcked;
      this.headAcked = 0;
      this.shift(nbl);
      this.finish(nbl, status, acked);
    }
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
    this.unlent = null;
    last.next = null;
    this.advance(head, this.headAcked);
    this.headAcked = 0;
    for (let nbl: NetBufferList | null = head; nbl !== null; nbl = nbl.next) this.adapter.heldRequests--;
    return head;
  }

  private shift(nbl: NetBufferList): void {
    this.head = nbl.next;
    if (this.head === null) this.tail = null;
  }

  private finish(nbl: NetBufferList, status: NDIS_STATUS, acked: number): void {
    const isDisconnect = nbl.miniportReserved1 === IS_DISCONNECT;
    const byteCount = isDisconnect && status === NDIS_STATUS_SUCCESS ? acked - 1 : acked;
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
}
