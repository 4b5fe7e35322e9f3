/** Bytes that can be read once, from front to back. */
export interface ByteReader {
  /** Copies the next `byteCount` bytes out and moves behind them. The caller knows that there are so many. */
  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void;
}

/** A reader that can be moved back over what was read last, because nobody wanted it after all. */
export interface ByteSource extends ByteReader {
  unread(byteCount: number): void;
}

// Below this a loop beats making a view.
const VIEW_FROM_BYTES = 24;

/** Copies between two arrays, either of which may be shared memory. */
export function copyBytes(
  from: Uint8Array<ArrayBufferLike>,
  fromOffset: number,
  to: Uint8Array<ArrayBufferLike>,
  toOffset: number,
  byteCount: number,
): void {
  if (byteCount < VIEW_FROM_BYTES) {
    for (let i = 0; i < byteCount; i++) to[toOffset + i] = from[fromOffset + i]!;
  } else if (byteCount === from.length) {
    to.set(from, toOffset);
  } else {
    to.set(from.subarray(fromOffset, fromOffset + byteCount), toOffset);
  }
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const FIRST_CAPACITY = 4096;

/** A first-in-first-out store of bytes that grows when it has to: a ring, doubled when full. */
export class ByteQueue implements ByteSource {
  /** Bytes in it. */
  length = 0;
  private ring: Uint8Array<ArrayBuffer> = NO_BYTES;
  private head = 0;

  /** Takes `byteCount` bytes from a reader. */
  append(reader: ByteReader, byteCount: number): void {
    if (this.length + byteCount > this.ring.length) this.grow(this.length + byteCount);
    const { ring } = this;
    const tail = (this.head + this.length) & (ring.length - 1);
    const first = Math.min(byteCount, ring.length - tail);
    reader.read(ring, tail, first);
    if (byteCount !== first) reader.read(ring, 0, byteCount - first);
    this.length += byteCount;
  }

  /** Copies bytes out that begin `skip` bytes after the front, and leaves them where they are. */
  peek(skip: number, target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    const { ring } = this;
    const from = (this.head + skip) & (ring.length - 1);
    const first = Math.min(byteCount, ring.length - from);
    copyBytes(ring, from, target, targetOffset, first);
    if (byteCount !== first) copyBytes(ring, 0, target, targetOffset + first, byteCount - first);
  }

  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    this.peek(0, target, targetOffset, byteCount);
    this.discard(byteCount);
  }

  /** Bytes that lie in one piece, beginning `skip` bytes after the front: see {@link ByteQueue.regionOffset}. */
  regionBytes(skip: number, byteCount: number): number {
    return Math.min(byteCount, this.ring.length - this.regionOffset(skip));
  }

  /** Where in {@link ByteQueue.buffer} the byte is that comes `skip` bytes after the front. */
  regionOffset(skip: number): number {
    return (this.head + skip) & (this.ring.length - 1);
  }

  /** The memory the bytes lie in, until something is appended. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.ring;
  }

  /** Drops bytes at the front. */
  discard(byteCount: number): void {
    this.head = (this.head + byteCount) & (this.ring.length - 1);
    this.length -= byteCount;
  }

  /** Valid until something is appended: only then are the bytes overwritten. */
  unread(byteCount: number): void {
    this.head = (this.head - byteCount) & (this.ring.length - 1);
    this.length += byteCount;
  }

  /** Forgets everything and gives the memory back. */
  clear(): void {
    this.length = 0;
    this.head = 0;
    this.ring = NO_BYTES;
  }

  private grow(needed: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.ring.length);
    while (capacity < needed) capacity *= 2;
    const larger = new Uint8Array(capacity);
    this.peek(0, larger, 0, this.length);
    this.ring = larger;
    this.head = 0;
  }
}
