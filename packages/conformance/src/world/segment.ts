/** Bits of a TCP header's flags. */
export const SEGMENT_FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20 } as const;

const HEADER_BYTES = 20;
const WORD_BYTES = 4;
const NOP = 1;

/** A TCP segment, as a host forwards it: from the TCP header on. */
export interface SegmentParts {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  /** {@link SEGMENT_FLAG} bits. */
  readonly flags: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  /** Bytes of NOP options, a multiple of 4. */
  readonly optionBytes?: number;
  readonly bytes?: Uint8Array;
}

/** The bytes of a segment (RFC 9293 section 3.1). Its checksum is 0: what is forwarded was checked before. */
export function segmentBytes({ sourcePort, destinationPort, seq, ack, flags, window = 65_535, urgentPointer = 0, optionBytes = 0, bytes = new Uint8Array(0) }: SegmentParts): Uint8Array<ArrayBuffer> {
  const headerBytes = HEADER_BYTES + optionBytes;
  const segment = new Uint8Array(headerBytes + bytes.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setInt32(4, seq);
  view.setInt32(8, ack);
  view.setUint8(12, (headerBytes / WORD_BYTES) << 4);
  view.setUint8(13, flags);
  view.setUint16(14, window);
  view.setUint16(18, urgentPointer);
  segment.fill(NOP, HEADER_BYTES, headerBytes);
  segment.set(bytes, headerBytes);
  return segment;
}
