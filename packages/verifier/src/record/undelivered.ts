import { copyFromNetBuffer, netBufferListDataLength, type NetBufferList } from '@ndis-chimney/types';

import { MOST_NBLS } from './hand-over.ts';

/** Why a target has data that the host has not. */
export type UndeliveredBecause = 'handed over' | 'refused' | 'accepted in part';

/** Most bytes that are remembered, to be recognized when they come again. */
export const MOST_REMEMBERED = 4096;

/**
 * Received data of a connection that is known to be with the target: handed over in BufferedData, or indicated and not
 * accepted. It has to come up before anything newer.
 */
export class Undelivered {
  readonly because: UndeliveredBecause;
  /** The first bytes of it, as far as they are remembered. */
  readonly head: Uint8Array<ArrayBuffer>;
  readonly byteCount: number;
  /** True until a receive is posted: until then it may not be indicated. */
  isBlocked: boolean;

  constructor(because: UndeliveredBecause, head: Uint8Array<ArrayBuffer>, byteCount: number, isBlocked: boolean) {
    this.because = because;
    this.head = head;
    this.byteCount = byteCount;
    this.isBlocked = isBlocked;
  }

  /** True when data that comes up can be what has to come first. */
  beginsLike(data: Uint8Array<ArrayBuffer>): boolean {
    const count = Math.min(data.length, this.head.length);
    for (let at = 0; at < count; at++) if (data[at] !== this.head[at]) return false;
    return true;
  }

  /** What is left when so many bytes have come up; null when that was all. */
  without(byteCount: number): Undelivered | null {
    if (byteCount >= this.byteCount) return null;
    return new Undelivered(this.because, this.head.subarray(byteCount), this.byteCount - byteCount, this.isBlocked);
  }
}

/** What is in the BufferedData of an initiate. */
export function undeliveredOf(bufferedData: NetBufferList): Undelivered | null {
  let byteCount = 0;
  const head = new Uint8Array(MOST_REMEMBERED);
  let at = 0;
  let count = 0;
  for (let nbl: NetBufferList | null = bufferedData; nbl !== null && count < MOST_NBLS; nbl = nbl.next) {
    count++;
    byteCount += netBufferListDataLength(nbl);
    for (let netBuffer = nbl.firstNetBuffer; netBuffer !== null && at < MOST_REMEMBERED; netBuffer = netBuffer.next) {
      at += copyFromNetBuffer(netBuffer, 0, head, at, Math.min(netBuffer.dataLength, MOST_REMEMBERED - at));
    }
  }
  return byteCount === 0 ? null : new Undelivered('handed over', head.slice(0, at), byteCount, true);
}
