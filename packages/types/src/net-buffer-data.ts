import type { Mdl } from './mdl.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NetBuffer } from './net-buffer.ts';

/**
 * Copies up to `length` bytes out of a NET_BUFFER's data, beginning `skip` bytes after its data start. The data start
 * does not move.
 * @returns the number of bytes copied: less than `length` when the NET_BUFFER or its MDL chain ends first.
 */
export function copyFromNetBuffer(
  netBuffer: NetBuffer,
  skip: number,
  target: Uint8Array<ArrayBufferLike>,
  targetOffset: number,
  length: number,
): number {
  const wanted = Math.min(length, netBuffer.dataLength - skip, target.byteLength - targetOffset);
  let mdl: Mdl | null = netBuffer.currentMdl;
  let at = netBuffer.currentMdlOffset + skip;
  let copied = 0;
  while (mdl !== null && copied < wanted) {
    const here = Math.min(mdl.byteCount - at, wanted - copied);
    if (here > 0) {
      const start = mdl.byteOffset + at;
      target.set(mdl.buffer.subarray(start, start + here), targetOffset + copied);
      copied += here;
      at = 0;
    } else {
      at -= mdl.byteCount;
    }
    mdl = mdl.next;
  }
  return copied;
}

/**
 * Copies up to `length` bytes into the memory a NET_BUFFER describes, beginning `skip` bytes after its data start. The
 * data start does not move.
 * @returns the number of bytes copied: less than `length` when the NET_BUFFER or its MDL chain ends first.
 */
export function copyToNetBuffer(
  netBuffer: NetBuffer,
  skip: number,
  source: Uint8Array<ArrayBufferLike>,
  sourceOffset: number,
  length: number,
): number {
  const wanted = Math.min(length, netBuffer.dataLength - skip, source.byteLength - sourceOffset);
  let mdl: Mdl | null = netBuffer.currentMdl;
  let at = netBuffer.currentMdlOffset + skip;
  let copied = 0;
  while (mdl !== null && copied < wanted) {
    const here = Math.min(mdl.byteCount - at, wanted - copied);
    if (here > 0) {
      const from = sourceOffset + copied;
      mdl.buffer.set(source.subarray(from, from + here), mdl.byteOffset + at);
      copied += here;
      at = 0;
    } else {
      at -= mdl.byteCount;
    }
    mdl = mdl.next;
  }
  return copied;
}

/** Bytes of data in all NET_BUFFERs of one NET_BUFFER_LIST (its successors in the list are not counted). */
export function netBufferListDataLength(netBufferList: NetBufferList): number {
  let bytes = 0;
  for (let nb = netBufferList.firstNetBuffer; nb !== null; nb = nb.next) bytes += nb.dataLength;
  return bytes;
}

/** A copy of all data of one NET_BUFFER_LIST. Allocates; for people and tests, not for a data path. */
export function netBufferListBytes(netBufferList: NetBufferList): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(netBufferListDataLength(netBufferList));
  let at = 0;
  for (let nb = netBufferList.firstNetBuffer; nb !== null; nb = nb.next) {
    at += copyFromNetBuffer(nb, 0, bytes, at, nb.dataLength);
  }
  return bytes;
}
