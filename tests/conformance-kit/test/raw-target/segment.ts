// Segments, as the raw target and its far ends exchange them, and as a host forwards them.
import { copyFromNetBuffer, type NetBufferList } from '@ndis-chimney/types';

export const FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20 } as const;
const HEADER_BYTES = 20;

export interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How far `to` is past `from`, in sequence numbers; negative when it is before. */
export function distance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The segment that an NBL of a forward request holds; null when it is none. */
export function segmentIn(nbl: NetBufferList, windowScale: number): Segment | null {
  const netBuffer = nbl.firstNetBuffer;
  if (netBuffer === null || netBuffer.dataLength < HEADER_BYTES) return null;
  const bytes = new Uint8Array(netBuffer.dataLength);
  copyFromNetBuffer(netBuffer, 0, bytes, 0, bytes.length);
  const view = new DataView(bytes.buffer);
  const headerBytes = (view.getUint8(12) >>> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length) return null;
  return { seq: view.getInt32(4), ack: view.getInt32(8), flags: view.getUint8(13), window: view.getUint16(14) << windowScale, bytes: bytes.subarray(headerBytes) };
}
