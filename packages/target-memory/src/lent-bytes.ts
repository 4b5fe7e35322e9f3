import { copyBytes, seqAdd, seqDelta, seqLess, type ByteReader } from '@ndis-chimney/offload-target';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** One region that was lent. */
class LentRegion {
  buffer: Uint8Array<ArrayBufferLike> = NO_BYTES;
  at = 0;
  length = 0;
  next: LentRegion | null = null;
}

/** Regions that are not in use; shared by all connections of an engine. */
export class RegionPool {
  private free: LentRegion | null = null;

  take(): LentRegion {
    const region = this.free;
    if (region === null) return new LentRegion();
    this.free = region.next;
    region.next = null;
    return region;
  }

  give(region: LentRegion): void {
    region.buffer = NO_BYTES;
    region.next = this.free;
    this.free = region;
  }
}

/**
 * The bytes a connection was lent to send, from the first that is not acknowledged. They stay where they are; the peer
 * reads them there when they have arrived.
 */
export class LentBytes implements ByteReader {
  /** Bytes that no segment has carried yet. */
  unsent = 0;
  /** Bytes that were lent and not given back. */
  total = 0;
  private readonly pool: RegionPool;
  private head: LentRegion | null = null;
  private tail: LentRegion | null = null;
  /** Sequence number of the first byte of `head`. */
  private headSeq: number;
  // Where the peer reads.
  private readSeq: number;
  private reading: LentRegion | null = null;
  private readAt = 0;

  /** @param sndUna sequence number of the first byte that will be lent. */
  constructor(pool: RegionPool, sndUna: number) {
    this.pool = pool;
    this.headSeq = sndUna;
    this.readSeq = sndUna;
  }

  append(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    const region = this.pool.take();
    region.buffer = buffer;
    region.at = byteOffset;
    region.length = byteCount;
    if (this.tail === null) this.head = region;
    else this.tail.next = region;
    this.tail = region;
    this.total += byteCount;
    this.unsent += byteCount;
  }

  /** Gives back what is before a sequence number. */
  release(seq: number): void {
    for (let region = this.head; region !== null && seqDelta(seq, this.headSeq) >= region.length; region = this.head) {
      this.headSeq = seqAdd(this.headSeq, region.length);
      this.total -= region.length;
      this.head = region.next;
      if (this.head === null) this.tail = null;
      if (this.reading === region) this.reading = null;
      this.pool.give(region);
    }
    // Only when the peer had the bytes from before: then nobody reads them here.
    if (seqLess(this.readSeq, seq)) this.skipTo(seq);
    else if (this.reading === null) this.readAt = seqDelta(this.readSeq, this.headSeq);
  }

  /** Gives everything back: the next byte that is lent has this sequence number. */
  clear(sndUna: number): void {
    for (let region = this.head; region !== null; region = this.head) {
      this.head = region.next;
      this.pool.give(region);
    }
    this.tail = null;
    this.headSeq = sndUna;
    this.readSeq = sndUna;
    this.reading = null;
    this.readAt = 0;
    this.total = 0;
    this.unsent = 0;
  }

  /** Moves the reader forward to a sequence number that is lent. */
  skipTo(seq: number): void {
    this.readSeq = seq;
    this.reading = null;
    this.readAt = seqDelta(seq, this.headSeq);
  }

  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    let done = 0;
    while (done < byteCount && this.enter()) {
      const { buffer, at, length } = this.reading!;
      const here = Math.min(byteCount - done, length - this.readAt);
      copyBytes(buffer, at + this.readAt, target, targetOffset + done, here);
      this.readAt += here;
      done += here;
    }
    this.readSeq = seqAdd(this.readSeq, byteCount);
  }

  /** Goes to the region with the next unread byte. @returns false when there is none. */
  private enter(): boolean {
    // Without a region, `readAt` counts from the first.
    this.reading ??= this.head;
    while (this.reading !== null && this.readAt >= this.reading.length) {
      if (this.reading.next === null) return false;
      this.readAt -= this.reading.length;
      this.reading = this.reading.next;
    }
    return this.reading !== null;
  }
}
