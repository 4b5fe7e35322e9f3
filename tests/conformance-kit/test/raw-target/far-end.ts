import type { ConformancePeer } from '@ndis-chimney/conformance';

import { FLAG, distance, type Segment } from './segment.ts';
import type { Wire } from './wire.ts';

/** Bytes it takes while nobody reads. */
export const FAR_WINDOW_BYTES = 4096;
const SEGMENT_BYTES = 1000;
const NOTHING = new Uint8Array(0);

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

interface Written extends Waiting<undefined> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly first: number;
}

/** The far end of one connection. It outlives the offload, and acknowledges every segment in two portions. */
export class FarEnd implements ConformancePeer {
  rcvNxt: number;
  private sndUna: number;
  private sndNxt: number;
  /** Number after the last byte written, and after the FIN. */
  private sndEnd: number;
  /** Number after the last byte that the target has room for. */
  private hostEdge: number;
  private wire: Wire | null = null;
  private input: Uint8Array<ArrayBuffer>[] = [];
  private written: Written[] = [];
  private readers: Waiting<Uint8Array<ArrayBuffer> | null>[] = [];
  private enders: Waiting<undefined>[] = [];
  /** The host's FIN has come. */
  private hasFin: boolean;
  private finSeq: number | null = null;
  private isEnding: boolean;
  private isEnded: boolean;
  private failure: Error | null = null;

  /** @param hasFin whether it has the host's FIN. @param isEnded whether the host has its FIN. */
  constructor(rcvNxt: number, sndNxt: number, hasFin: boolean, isEnded: boolean) {
    this.rcvNxt = rcvNxt;
    this.sndUna = sndNxt;
    this.sndNxt = sndNxt;
    this.sndEnd = sndNxt;
    this.hostEdge = sndNxt;
    this.hasFin = hasFin;
    this.isEnding = isEnded;
    this.isEnded = isEnded;
  }

  private get room(): number {
    return FAR_WINDOW_BYTES - this.input.reduce((sum, { length }) => sum + length, 0);
  }

  /** Number after the last byte the host may send. */
  get edge(): number {
    return (this.rcvNxt + this.room) | 0;
  }

  /** True when a connection with these numbers goes on here. */
  continues(sndUna: number, sndMax: number, rcvNxt: number): boolean {
    const isOver = this.failure !== null || (this.hasFin && this.isEnded);
    return !isOver && distance(sndUna, this.rcvNxt) >= 0 && distance(this.rcvNxt, sndMax) >= 0 && distance(this.sndUna, rcvNxt) >= 0 && distance(rcvNxt, this.sndEnd) >= 0;
  }

  /** The connection is offloaded: what was on its way before is sent again. */
  attach(wire: Wire, rcvNxt: number, window: number): void {
    this.wire = wire;
    this.acknowledged(rcvNxt, window);
    this.sndNxt = this.sndUna;
    if (!this.isEnded) this.finSeq = null;
    this.emit();
  }

  /** The connection is the host's again. It has acknowledged everything before `rcvNxt`. */
  detach(rcvNxt: number, lost: readonly Segment[]): void {
    this.acknowledged(rcvNxt, 0);
    this.wire = null;
    // An RST is not repeated, so it is not lost either.
    for (const segment of lost) if ((segment.flags & FLAG.RST) !== 0) this.accept(segment);
  }

  // --- what the kit does ---

  write(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return new Promise<undefined>((resolve, reject) => {
      this.written.push({ bytes, first: this.sndEnd, resolve, reject });
      this.sndEnd = (this.sndEnd + bytes.length) | 0;
      this.emit();
    });
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    return new Promise((resolve, reject) => {
      this.readers.push({ resolve, reject });
      this.serve();
    });
  }

  end(): Promise<unknown> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.isEnded) return Promise.resolve();
    return new Promise<undefined>((resolve, reject) => {
      this.enders.push({ resolve, reject });
      this.isEnding = true;
      this.emit();
    });
  }

  reset(): void {
    this.say(FLAG.RST);
    this.fail(new Error('the far end has reset it'));
  }

  // --- what the target does ---

  accept({ seq, ack, flags, window, bytes }: Segment): void {
    if (this.failure !== null) return;
    if ((flags & FLAG.RST) !== 0) { this.fail(new Error('the host has reset it')); return; }
    this.acknowledged(ack, window);
    const known = distance(seq, this.rcvNxt);
    if (bytes.length + (flags & FLAG.FIN) === 0 || known < 0) return;
    const fresh = bytes.slice(known, known + this.room);
    if (fresh.length > 0) {
      this.input.push(fresh);
      const half = fresh.length >> 1;
      this.rcvNxt = (this.rcvNxt + half) | 0;
      if (half > 0) this.say(0);
      this.rcvNxt = (this.rcvNxt + fresh.length - half) | 0;
    }
    if ((flags & FLAG.FIN) !== 0 && !this.hasFin && distance(seq, this.rcvNxt) === bytes.length) {
      this.hasFin = true;
      this.rcvNxt = (this.rcvNxt + 1) | 0;
    }
    this.say(0);
    this.serve();
  }

  private acknowledged(ack: number, window: number): void {
    if (distance(this.sndUna, ack) < 0) return;
    this.sndUna = ack;
    this.hostEdge = (ack + window) | 0;
    // The host may have got it another way.
    if (distance(this.sndNxt, ack) > 0) this.sndNxt = ack;
    if (distance(this.sndEnd, ack) > 0) this.sndEnd = ack;
    while (this.written[0] !== undefined && distance(this.written[0].first, ack) >= this.written[0].bytes.length) this.written.shift()?.resolve(undefined);
    if (this.finSeq !== null && distance(this.finSeq, ack) > 0) {
      this.isEnded = true;
      for (const { resolve } of this.enders.splice(0)) resolve(undefined);
    }
    this.emit();
  }

  private emit(): void {
    const { wire } = this;
    if (wire === null || this.failure !== null) return;
    for (const { bytes, first } of this.written) {
      for (let at = distance(first, this.sndNxt); at >= 0 && at < bytes.length; at = distance(first, this.sndNxt)) {
        const length = Math.min(SEGMENT_BYTES, bytes.length - at, distance(this.sndNxt, this.hostEdge));
        if (length <= 0) return;
        this.say(at + length === bytes.length ? FLAG.PSH : 0, bytes.slice(at, at + length));
      }
    }
    if (!this.isEnding || this.finSeq !== null || this.isEnded) return;
    this.finSeq = this.sndNxt;
    this.sndEnd = (this.sndNxt + 1) | 0;
    this.say(FLAG.FIN);
  }

  private say(flags: number, bytes: Uint8Array<ArrayBuffer> = NOTHING): void {
    this.wire?.put('toHost', { seq: this.sndNxt, ack: this.rcvNxt, flags: flags | FLAG.ACK, window: this.room, bytes });
    this.sndNxt = (this.sndNxt + bytes.length + (flags & FLAG.FIN)) | 0;
  }

  private serve(): void {
    while (this.readers.length > 0) {
      if (this.failure !== null) {
        this.readers.shift()?.reject(this.failure);
        continue;
      }
      const bytes = this.input.shift() ?? null;
      if (bytes === null && !this.hasFin) return;
      this.readers.shift()?.resolve(bytes);
      if (bytes !== null) this.say(0);
    }
  }

  private fail(reason: Error): void {
    this.failure = reason;
    this.input = [];
    for (const { reject } of [...this.written.splice(0), ...this.enders.splice(0)]) reject(reason);
    this.serve();
  }
}
