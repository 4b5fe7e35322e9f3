import { seqDelta } from './seq.ts';

/** Bits of the TCP header (RFC 793 section 3.1). */
export const TCP_SEGMENT = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20 } as const;

/** Bytes of a TCP header without options. */
const TCP_HEADER_BYTES = 20;

/** The parts of a TCP segment that processing it takes. One object is used again and again. */
export class TcpSegment {
  sourcePort = 0;
  destinationPort = 0;
  /** Sequence number of the first byte. */
  seq = 0;
  ack = 0;
  /** {@link TCP_SEGMENT} bits. */
  flags = 0;
  /** As it is in the header: not scaled. */
  window = 0;
  /** Where the payload begins in the buffer, and how long it is. */
  payloadOffset = 0;
  payloadBytes = 0;

  /** Bytes at the front of the payload that a receiver has already that expects `rcvNxt`. Negative: a gap before them. */
  knownBytes(rcvNxt: number): number {
    return seqDelta(rcvNxt, this.seq);
  }
}

/**
 * Takes a segment apart, from the TCP header on: what `ConnectionEngine.forward` gets. The checksum is not looked at, for
 * the host has checked it.
 * @returns false when it is not a whole header.
 */
export function readTcpSegment(segment: TcpSegment, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): boolean {
  if (byteCount < TCP_HEADER_BYTES) return false;
  const headerBytes = (buffer[byteOffset + 12]! >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > byteCount) return false;
  segment.sourcePort = uint16(buffer, byteOffset);
  segment.destinationPort = uint16(buffer, byteOffset + 2);
  segment.seq = int32(buffer, byteOffset + 4);
  segment.ack = int32(buffer, byteOffset + 8);
  segment.flags = buffer[byteOffset + 13]!;
  segment.window = uint16(buffer, byteOffset + 14);
  segment.payloadOffset = byteOffset + headerBytes;
  segment.payloadBytes = byteCount - headerBytes;
  return true;
}

function uint16(bytes: Uint8Array<ArrayBufferLike>, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function int32(bytes: Uint8Array<ArrayBufferLike>, at: number): number {
  return (uint16(bytes, at) << 16) | uint16(bytes, at + 2);
}
