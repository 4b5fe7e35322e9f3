import type { Mdl, NetBuffer, NetBufferList } from '@ndis-chimney/types';

/** Runs up to this long are summed whole; of longer ones the ends, and what lies {@link STRIDE} apart between. */
const WHOLE = 1024;
const STRIDE = 61;

/** A sum of some bytes: cheap, and blind to few changes only. */
function sumRun(seed: number, buffer: Uint8Array<ArrayBufferLike>, from: number, byteCount: number): number {
  let sum = seed;
  const end = from + byteCount;
  if (byteCount <= WHOLE) {
    for (let at = from; at < end; at++) sum = (Math.imul(sum, 31) + (buffer[at] ?? 0)) | 0;
    return sum;
  }
  const headEnd = from + WHOLE / 2;
  const tailBegin = end - WHOLE / 2;
  for (let at = from; at < headEnd; at++) sum = (Math.imul(sum, 31) + (buffer[at] ?? 0)) | 0;
  for (let at = headEnd; at < tailBegin; at += STRIDE) sum = (Math.imul(sum, 31) + (buffer[at] ?? 0)) | 0;
  for (let at = tailBegin; at < end; at++) sum = (Math.imul(sum, 31) + (buffer[at] ?? 0)) | 0;
  return sum;
}

/**
 * A sum of the memory that hangs on an NBL: how it is laid out and, unless it is there to be written, what is in it.
 * Neither depends on how far the data starts have moved.
 */
export function sumOfMemory({ firstNetBuffer }: NetBufferList, withContents: boolean): number {
  let sum = 17;
  for (let netBuffer = firstNetBuffer; netBuffer !== null; netBuffer = netBuffer.next) {
    sum = (Math.imul(sum, 31) + netBuffer.dataOffset + netBuffer.dataLength) | 0;
    for (let mdl = netBuffer.mdlChain; mdl !== null; mdl = mdl.next) {
      sum = (Math.imul(sum, 31) + mdl.byteOffset) | 0;
      sum = (Math.imul(sum, 31) + mdl.byteCount) | 0;
      sum = (Math.imul(sum, 31) + mdl.buffer.byteLength) | 0;
      if (withContents) sum = sumRun(sum, mdl.buffer, mdl.byteOffset, mdl.byteCount);
    }
  }
  return sum;
}

/** Where the data starts of an NBL are, all added up: how far they move is the difference of two of these. */
export function dataStartsOf({ firstNetBuffer }: NetBufferList): number {
  let offset = 0;
  for (let netBuffer = firstNetBuffer; netBuffer !== null; netBuffer = netBuffer.next) offset += netBuffer.dataOffset;
  return offset;
}

/** Bytes of memory behind the data start of a NET_BUFFER that its MDLs really describe. */
export function roomOf({ mdlChain, dataOffset }: NetBuffer): number {
  let bytes = -dataOffset;
  for (let mdl: Mdl | null = mdlChain; mdl !== null; mdl = mdl.next) bytes += Math.min(mdl.byteCount, Math.max(0, mdl.buffer.byteLength - mdl.byteOffset));
  return bytes;
}

/** A copy of up to `most` bytes of a NET_BUFFER, from `before` bytes in front of its data start on. */
export function copyOfData({ mdlChain, dataOffset }: NetBuffer, before: number, byteCount: number, most: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.min(byteCount, most));
  let skip = dataOffset - before;
  let at = 0;
  for (let mdl = mdlChain; mdl !== null && at < bytes.length; mdl = mdl.next) {
    const here = Math.min(mdl.byteCount - skip, bytes.length - at);
    if (here <= 0) {
      skip -= mdl.byteCount;
      continue;
    }
    const from = mdl.byteOffset + skip;
    bytes.set(mdl.buffer.subarray(from, from + here), at);
    at += here;
    skip = 0;
  }
  return bytes;
}

/** A sum of data that was indicated, wherever the data start of its NET_BUFFER has moved meanwhile. */
export function sumOfData({ mdlChain, dataOffset, byteCount }: { readonly mdlChain: Mdl | null; readonly dataOffset: number; readonly byteCount: number }): number {
  let sum = 17;
  let skip = dataOffset;
  let left = byteCount;
  for (let mdl = mdlChain; mdl !== null && left > 0; mdl = mdl.next) {
    const here = Math.min(mdl.byteCount - skip, left);
    if (here > 0) {
      sum = sumRun(sum, mdl.buffer, mdl.byteOffset + skip, here);
      left -= here;
    }
    skip = Math.max(0, skip - mdl.byteCount);
  }
  return sum;
}
