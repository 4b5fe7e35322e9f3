/** SCATTER_GATHER_ELEMENT: one run of bytes; `buffer` and `byteOffset` stand for the physical address. */
export interface ScatterGatherElement {
  readonly buffer: Uint8Array<ArrayBufferLike>;
  readonly byteOffset: number;
  readonly length: number;
}

/** SCATTER_GATHER_LIST of one NET_BUFFER's data, in order. NDIS owns it until it is freed. */
export interface ScatterGatherList {
  readonly elements: readonly ScatterGatherElement[];
}
