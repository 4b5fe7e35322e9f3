import { ByteQueue, copyBytes, type ByteReader } from '@ndis-chimney/offload-target';

/**
 * What a peer has to send, from its first unacknowledged byte on. Segments take lengths of it; the target reads the
 * bytes when they have arrived; the acknowledgment lets them go. Until then they can be sent again.
 */
export interface PeerOutput {
  /** Bytes that no segment has taken yet. */
  readonly unsent: number;
  /** Bytes the target has read, counted from the first unacknowledged one. */
  readonly readOffset: number;
  /** True when the last segment taken ends what the writer wrote, so that it carries PSH. */
  readonly isPushed: boolean;
  /** The memory that the bytes found by {@link PeerOutput.locate} lie in, and where. */
  readonly buffer: Uint8Array<ArrayBufferLike>;
  readonly bufferOffset: number;
  /** Finds the next unread bytes. @returns how many of `byteCount` lie in one piece. */
  locate(byteCount: number): number;
  /** Takes the next segment. @returns its length: at most `limit`, and less where the writer stopped. */
  takeSegment(limit: number): number;
  /** Passes over bytes that the target has read, or has already. */
  skip(byteCount: number): void;
  /** Lets the first `byteCount` bytes go. */
  acknowledge(byteCount: number): void;
  /** Makes everything unacknowledged unsent again. */
  rewind(): void;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** One `write`, until all of it is acknowledged. */
class PeerWrite {
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  next: PeerWrite | null = null;
  sent = 0;
  acked = 0;

  constructor(bytes: Uint8Array<ArrayBufferLike>, resolve: () => void, reject: (error: Error) => void) {
    this.bytes = bytes;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** Output of a peer that somebody writes to: the bytes stay in the writer's memory. */
export class WriteOutput implements PeerOutput {
  unsent = 0;
  isPushed = false;
  private head: PeerWrite | null = null;
  private tail: PeerWrite | null = null;
  private sending: PeerWrite | null = null;
  readOffset = 0;
  /** Where the target reads: null stands for the first unacknowledged byte. */
  private reading: PeerWrite | null = null;
  private readAt = 0;

  /** Queues bytes. @param resolve called when they are acknowledged. @param reject called when they never will be. */
  write(bytes: Uint8Array<ArrayBufferLike>, resolve: () => void, reject: (error: Error) => void): void {
    const write = new PeerWrite(bytes, resolve, reject);
    if (this.tail === null) this.head = write;
    else this.tail.next = write;
    this.tail = write;
    this.sending ??= write;
    this.unsent += bytes.length;
    this.release();
  }

  takeSegment(limit: number): number {
    let write = this.sending;
    while (write !== null && write.sent === write.bytes.length) write = write.next;
    this.sending = write;
    if (write === null) return 0;
    const length = Math.min(limit, write.bytes.length - write.sent);
    write.sent += length;
    this.unsent -= length;
    this.isPushed = write.sent === write.bytes.length;
    return length;
  }

  buffer: Uint8Array<ArrayBufferLike> = NO_BYTES;
  bufferOffset = 0;

  locate(byteCount: number): number {
    if (!this.enter()) return 0;
    const { bytes } = this.reading!;
    this.buffer = bytes;
    this.bufferOffset = this.readAt;
    return Math.min(byteCount, bytes.length - this.readAt);
  }

  skip(byteCount: number): void {
    let left = byteCount;
    while (left > 0 && this.enter()) {
      const here = Math.min(left, this.reading!.bytes.length - this.readAt);
      this.readAt += here;
      left -= here;
    }
    this.readOffset += byteCount;
  }

  acknowledge(byteCount: number): void {
    let left = byteCount;
    while (left > 0 && this.head !== null) {
      const here = Math.min(left, this.head.bytes.length - this.head.acked);
      this.head.acked += here;
      left -= here;
      this.release();
    }
    this.readOffset -= byteCount;
    if (this.readOffset < 0) {
      this.readOffset = 0;
      this.reading = null;
    }
  }

  rewind(): void {
    this.sending = this.head;
    this.reading = null;
    this.readOffset = 0;
    for (let write = this.head; write !== null; write = write.next) {
      this.unsent += write.sent - write.acked;
      write.sent = write.acked;
    }
  }

  /** Gives up: writers are told. What is on its way stays, so that it can arrive before the RST does. */
  fail(error: Error): void {
    for (let write = this.head; write !== null; write = write.next) write.reject(error);
    this.sending = null;
    this.unsent = 0;
  }

  /** Takes writes off that are acknowledged to the end; those without a byte with them. */
  private release(): void {
    for (let write = this.head; write !== null && write.acked === write.bytes.length; write = this.head) {
      this.head = write.next;
      if (this.head === null) this.tail = null;
      if (this.sending === write) this.sending = write.next;
      if (this.reading === write) {
        this.reading = write.next;
        this.readAt = 0;
      }
      write.resolve();
    }
  }

  /** Goes to the next unread byte. @returns false when there is none. */
  private enter(): boolean {
    if (this.reading === null) {
      this.reading = this.head;
      this.readAt = this.head === null ? 0 : this.head.acked;
    }
    while (this.reading !== null && this.readAt === this.reading.bytes.length) {
      if (this.reading.next === null) return false;
      this.reading = this.reading.next;
      this.readAt = 0;
    }
    return this.reading !== null;
  }
}

/** What the outputs of automatic peers have in common: positions, counted from the first unacknowledged byte. */
abstract class CountedOutput implements PeerOutput {
  isPushed = false;
  readOffset = 0;
  private sent = 0;

  /** Bytes not acknowledged. */
  abstract get length(): number;
  abstract readonly buffer: Uint8Array<ArrayBufferLike>;
  bufferOffset = 0;
  abstract locate(byteCount: number): number;
  protected abstract discard(byteCount: number): void;

  get unsent(): number {
    return this.length - this.sent;
  }

  takeSegment(limit: number): number {
    const length = Math.min(limit, this.unsent);
    this.sent += length;
    this.isPushed = this.unsent === 0;
    return length;
  }

  skip(byteCount: number): void {
    this.readOffset += byteCount;
  }

  acknowledge(byteCount: number): void {
    this.discard(byteCount);
    this.sent -= byteCount;
    this.readOffset = Math.max(0, this.readOffset - byteCount);
  }

  rewind(): void {
    this.sent = 0;
    this.readOffset = 0;
  }
}

/** Output of an echoing peer: what it got. */
export class EchoOutput extends CountedOutput {
  private readonly queue: ByteQueue = new ByteQueue();

  get length(): number {
    return this.queue.length;
  }

  /** Takes bytes to send back. */
  append(reader: ByteReader, byteCount: number): void {
    this.queue.append(reader, byteCount);
  }

  get buffer(): Uint8Array<ArrayBuffer> {
    return this.queue.buffer;
  }

  locate(byteCount: number): number {
    this.bufferOffset = this.queue.regionOffset(this.readOffset);
    return this.queue.regionBytes(this.readOffset, byteCount);
  }

  protected discard(byteCount: number): void {
    this.queue.discard(byteCount);
  }
}

/** Output of a sending peer: so many bytes of a pattern that repeats itself. */
export class PatternOutput extends CountedOutput {
  length: number;
  private readonly pattern: Uint8Array<ArrayBuffer>;
  private at = 0;

  constructor(pattern: Uint8Array<ArrayBuffer>, byteCount: number) {
    super();
    this.pattern = pattern;
    this.length = byteCount;
  }

  get buffer(): Uint8Array<ArrayBuffer> {
    return this.pattern;
  }

  locate(byteCount: number): number {
    this.bufferOffset = (this.at + this.readOffset) % this.pattern.length;
    return Math.min(byteCount, this.pattern.length - this.bufferOffset);
  }

  protected discard(byteCount: number): void {
    this.at += byteCount;
    this.length -= byteCount;
  }
}

/** Copies bytes of a repeated pattern that begin `offset` bytes after its start. */
export function copyPattern(
  pattern: Uint8Array<ArrayBuffer>,
  offset: number,
  target: Uint8Array<ArrayBufferLike>,
  targetOffset: number,
  byteCount: number,
): void {
  let done = 0;
  while (done < byteCount) {
    const from = (offset + done) % pattern.length;
    const here = Math.min(byteCount - done, pattern.length - from);
    copyBytes(pattern, from, target, targetOffset + done, here);
    done += here;
  }
}
