/** Bytes of {@link OffloadStateHeader} on x64. Source: `ns-ndischimney-_offload_state_header.md`. */
export const SIZEOF_OFFLOAD_STATE_HEADER = 0x08;

/**
 * OFFLOAD_STATE_HEADER: first member of all nine state structures.
 *
 * What holds for all nine: a 32-bit unsigned member of the header is stored as an int32 bit pattern, so 0xFFFFFFFF is
 * -1 and a sequence number can be negative; show it with `>>> 0`. A bit field is a plain number that holds no more than
 * its width. A new structure is all zeros, as after `NdisZeroMemory`. `copyFrom` copies member by member and shares no
 * byte array or nested structure; NET_BUFFER_LIST pointers are copied as pointers.
 *
 * Source: `ns-ndischimney-_offload_state_header.md`.
 */
export class OffloadStateHeader {
  /** Bytes of the whole C structure on x64, this header included. Written by NDIS. */
  length: number;
  /** Reserved. */
  recognizedOptions = 0;

  constructor(length: number = SIZEOF_OFFLOAD_STATE_HEADER) {
    this.length = length;
  }

  /** Copies every member. */
  copyFrom(from: OffloadStateHeader): this {
    this.length = from.length;
    this.recognizedOptions = from.recognizedOptions;
    return this;
  }
}
