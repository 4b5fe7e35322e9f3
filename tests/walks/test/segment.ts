/** Both streams of a connection begin two below the wrap. */
export const FIRST_SEQ = -2;

/** A segment of the peer at an offset of its stream, as the host would have got it: TCP header and data. */
export function segmentOf(port: number, at: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const segment = new Uint8Array(20 + bytes.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, 80);
  view.setUint16(2, port);
  view.setInt32(4, (FIRST_SEQ + at) | 0);
  view.setInt32(8, FIRST_SEQ);
  view.setUint8(12, 0x50);
  view.setUint8(13, 0x18);
  view.setUint16(14, 0xFFFF);
  segment.set(bytes, 20);
  return segment;
}
