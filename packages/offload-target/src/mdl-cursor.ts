import { netBufferListDataLength, type Mdl, type NetBuffer, type NetBufferList } from '@ndis-chimney/types';

import { copyBytes, type ByteReader } from './byte-queue.ts';

/**
 * A place in the memory of a NET_BUFFER that moves forward as bytes are taken from it or put there. The data start of
 * the NET_BUFFER does not move.
 */
export class MdlCursor implements ByteReader {
  private mdl: Mdl | null = null;
  private offset = 0;

  /** Goes to the data start of a NET_BUFFER. */
  point(netBuffer: NetBuffer): void {
    this.mdl = netBuffer.currentMdl;
    this.offset = netBuffer.currentMdlOffset;
  }

  /** Stops at the end of the MDL chain, which a NET_BUFFER that claims more than it has reaches too early. */
  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    let done = 0;
    while (done < byteCount) {
      const here = this.enter(byteCount - done);
      if (this.mdl === null) return;
      copyBytes(this.mdl.buffer, this.mdl.byteOffset + this.offset, target, targetOffset + done, here);
      this.offset += here;
      done += here;
    }
  }

  /**
   * Fills the next `byteCount` bytes of the memory from a reader.
   * @returns how many were filled: fewer when the MDL chain ends too early.
   */
  fill(reader: ByteReader, byteCount: number): number {
    let done = 0;
    while (done < byteCount) {
      const here = this.enter(byteCount - done);
      if (this.mdl === null) break;
      reader.read(this.mdl.buffer, this.mdl.byteOffset + this.offset, here);
      this.offset += here;
      done += here;
    }
    return done;
  }

  /** Leaves MDLs that are used up. @returns how many of `wanted` bytes the MDL then reached has. */
  private enter(wanted: number): number {
    while (this.mdl !== null && this.offset >= this.mdl.byteCount) {
      this.offset -= this.mdl.byteCount;
      this.mdl = this.mdl.next;
    }
    return this.mdl === null ? 0 : Math.min(wanted, this.mdl.byteCount - this.offset);
  }
}

/** Bytes of data in all NBLs of a list. */
export function bytesOfList(list: NetBufferList | null): number {
  let byteCount = 0;
  for (let nbl = list; nbl !== null; nbl = nbl.next) byteCount += netBufferListDataLength(nbl);
  return byteCount;
}
