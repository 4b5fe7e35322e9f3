/** Which of the two streams of a connection. */
export type Direction = 'in' | 'out';

/** The byte at an offset of a stream: it differs from its neighbors', and from those of other connections. */
function byteAt(connection: number, direction: Direction, offset: number): number {
  return (offset * 31 + (offset >> 8) * 17 + connection * 7 + (direction === 'in' ? 101 : 0)) & 0xFF;
}

/** The bytes of a stream from an offset on. */
export function piece(connection: number, direction: Direction, offset: number, size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, at) => byteAt(connection, direction, offset + at));
}

/** The first byte that is not that of the stream at this offset; -1 when all are. */
export function differenceFrom(connection: number, direction: Direction, offset: number, bytes: Uint8Array): number {
  return bytes.findIndex((byte, at) => byte !== byteAt(connection, direction, offset + at));
}

/** All of them in one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
