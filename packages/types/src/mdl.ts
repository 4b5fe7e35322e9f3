/**
 * MDL: a run of bytes in a buffer. It is not a view: nothing is allocated when it is pointed elsewhere, and the buffer
 * may be shared memory.
 *
 * Whoever builds the chain owns the buffer; a driver below may read it (send) or write it (receive) only while it owns
 * the NET_BUFFER_LIST the MDL hangs off.
 *
 * Source: `ns-nbl-net_buffer.md` (`MdlChain`, `CurrentMdl`).
 */
export class Mdl {
  next: Mdl | null = null;
  /** The memory the run lies in. */
  buffer: Uint8Array<ArrayBufferLike>;
  /** Where the run begins, in bytes from the start of `buffer`. */
  byteOffset: number;
  /** How long the run is, in bytes. */
  byteCount: number;

  /** Describes `buffer` from `byteOffset` for `byteCount` bytes; the whole buffer when both are left out. */
  constructor(buffer: Uint8Array<ArrayBufferLike>, byteOffset = 0, byteCount: number = buffer.byteLength - byteOffset) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteCount = byteCount;
  }
}
