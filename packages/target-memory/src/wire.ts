import type { Random } from '@ndis-chimney/types';

/** What a {@link WireSegment} carries; the bits of the TCP header (RFC 793 section 3.1). */
export const SEGMENT = { FIN: 0x01, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20, SYN: 0x02 } as const;

/**
 * A segment on its way. It carries no bytes: the sender keeps those until they are acknowledged, and the receiver reads
 * them there. One of them is data, an acknowledgment, a FIN or an RST.
 */
export class WireSegment {
  next: WireSegment | null = null;
  /** When it arrives, in the clock's milliseconds. */
  dueMs = 0;
  /** {@link SEGMENT} bits. */
  flags = 0;
  /** Sequence number of the first byte; of an acknowledgment, the number acknowledged. */
  seq = 0;
  /** Bytes of data. */
  length = 0;
  /** Bytes of an acknowledgment's window. */
  window = 0;
}

/** Free segments, shared by all lines of an adapter, and how long a segment takes. */
export class Wire {
  private free: WireSegment | null = null;
  private readonly latencyMs: number;
  private readonly jitterMs: number;
  private readonly random: Random;

  constructor(latencyMs: number, jitterMs: number, random: Random) {
    this.latencyMs = latencyMs;
    this.jitterMs = jitterMs;
    this.random = random;
  }

  /** When a segment arrives that leaves now. */
  arrivalMs(nowMs: number): number {
    return this.jitterMs === 0 ? nowMs + this.latencyMs : nowMs + this.latencyMs + this.random.nextFloat() * this.jitterMs;
  }

  take(): WireSegment {
    const segment = this.free;
    if (segment === null) return new WireSegment();
    this.free = segment.next;
    segment.next = null;
    return segment;
  }

  give(segment: WireSegment): void {
    segment.next = this.free;
    this.free = segment;
  }
}

/** One direction of one connection: segments arrive in the order they left, one held up by jitter before those behind it. */
export class WireLine {
  /** The segment that arrives next. */
  head: WireSegment | null = null;
  private tail: WireSegment | null = null;
  private readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Puts a segment on its way. */
  push(nowMs: number, flags: number, seq: number, length: number, window: number): void {
    const segment = this.wire.take();
    segment.flags = flags;
    segment.seq = seq;
    segment.length = length;
    segment.window = window;
    segment.dueMs = this.wire.arrivalMs(nowMs);
    if (this.tail === null) this.head = segment;
    else this.tail.next = segment;
    this.tail = segment;
  }

  /** True when a segment has arrived. */
  isDue(nowMs: number): boolean {
    return this.head !== null && this.head.dueMs <= nowMs;
  }

  /** Takes the segment off that arrived first. The caller reads it before it pushes another. */
  shift(): WireSegment {
    const segment = this.head!;
    this.head = segment.next;
    if (this.head === null) this.tail = null;
    this.wire.give(segment);
    return segment;
  }

  /** Loses everything that is on its way. */
  clear(): void {
    while (this.head !== null) this.shift();
  }
}
