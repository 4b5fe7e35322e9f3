import { ByteQueue, seqAdd, seqDelta, seqLess } from '@ndis-chimney/offload-target';

import type { MemoryConnection } from './memory-connection.ts';
import type { MemoryPeer } from './memory-peer.ts';
import type { MemoryPeerMode } from './options.ts';
import { EchoOutput, PatternOutput, WriteOutput, type PeerOutput } from './peer-output.ts';
import { SEGMENT, type WireLine, type WireSegment } from './wire.ts';

/** What an endpoint needs to know of its target. */
export interface PeerSettings {
  readonly mode: MemoryPeerMode;
  readonly windowBytes: number;
  readonly maxSegmentBytes: number;
  readonly sourceBytes: number;
  /** What is sent in mode `source`, over and over; empty in the others. */
  readonly pattern: Uint8Array<ArrayBuffer>;
}

/**
 * The far end of one connection, as TCP sees it: it acknowledges what arrives within its window, sends within the
 * target's, and keeps what it sent until that is acknowledged. It outlives the offload: while the connection is
 * uploaded it has no connection and nothing reaches it; when the connection is offloaded again it goes on.
 *
 * It knows no promises. What people wait for is in {@link MemoryPeer}.
 */
export class PeerEndpoint {
  readonly settings: PeerSettings;
  /** Names the connection in messages; the peer's end first. */
  readonly name: string;
  connection: MemoryConnection | null;
  /** What people hold of it, if anybody does. */
  face: MemoryPeer | null = null;
  /** Bytes from the host that nobody has read. */
  readonly input: ByteQueue = new ByteQueue();
  readonly output: PeerOutput;
  bytesReceived = 0;
  bytesSent = 0;
  /** The host's FIN was received. */
  hasFin = false;
  /** Why the connection is no more, when it was reset. */
  resetReason: Error | null = null;
  /** A FIN is to follow what is unsent. */
  isEnding = false;
  private isFinSent = false;
  private isFinAcked = false;
  private isResetWanted = false;
  private rcvNxt: number;
  /** Right edge of the window last advertised. */
  private rcvEdge: number;
  private isAckDue = false;
  private sndUna: number;
  private sndNxt: number;
  /** Right edge of the target's window. */
  private sndEdge: number;

  /** A peer that has received everything before `rcvNxt`, and of which everything before `sndNxt` was received. */
  constructor(connection: MemoryConnection, name: string, settings: PeerSettings, rcvNxt: number, sndNxt: number) {
    this.connection = connection;
    this.name = name;
    this.settings = settings;
    this.rcvNxt = rcvNxt;
    this.rcvEdge = seqAdd(rcvNxt, settings.windowBytes);
    this.sndUna = sndNxt;
    this.sndNxt = sndNxt;
    this.sndEdge = sndNxt;
    this.output = makeOutput(settings);
    this.isEnding = settings.mode === 'source';
  }

  /** Says which FINs were exchanged before the connection was offloaded. */
  startClosed(hasFin: boolean, isFinAcked: boolean): void {
    this.hasFin = hasFin;
    this.isFinSent = isFinAcked;
    this.isFinAcked = isFinAcked;
  }

  /** True when both directions are closed, or the connection was reset: nothing will come of it any more. */
  get isOver(): boolean {
    return this.resetReason !== null || (this.hasFin && this.isFinAcked);
  }

  /** True when a FIN was asked for, was sent, or cannot be sent any more. */
  get isEnded(): boolean {
    return this.isEnding || this.isFinSent || this.resetReason !== null;
  }

  get isEndAcknowledged(): boolean {
    return this.isFinAcked;
  }

  /** Bytes the host may send beyond what arrived. */
  private get room(): number {
    const held = this.settings.mode === 'echo' ? (this.output as EchoOutput).length : this.input.length;
    return Math.max(0, this.settings.windowBytes - held);
  }

  /** The window as the target learns it when it gets the connection: bytes from `sndUna` on that may be sent. */
  windowFrom(sndUna: number): number {
    return seqDelta(this.rcvEdge, sndUna);
  }

  /**
   * True when the state a host offers continues this peer's connection: the two agree on what was acknowledged.
   * @param sndMax highest number the host has sent. @param rcvNxt number it expects.
   */
  continues(sndUna: number, sndMax: number, rcvNxt: number): boolean {
    if (this.isOver) return false;
    return !seqLess(this.rcvNxt, sndUna) && !seqLess(sndMax, this.rcvNxt) && !seqLess(rcvNxt, this.sndUna) && !seqLess(this.sndNxt, rcvNxt);
  }

  /**
   * The connection is offloaded, for the first time or again. What was on its way to the target is lost, and sent once
   * more; so is what the host did not see acknowledged, by the host.
   */
  attach(connection: MemoryConnection): void {
    this.connection = connection;
    this.acknowledge(connection.rcvNxt, connection.window);
    this.output.rewind();
    this.sndNxt = this.sndUna;
    this.isFinSent = this.isFinAcked;
  }

  /** The connection is the host's again. */
  detach(): void {
    this.connection = null;
    if (this.isResetWanted) this.reset(this.ownReset());
  }

  /** Sends an RST, with the next pass. While the connection is uploaded there is nobody to send it to. */
  wantReset(): void {
    this.isResetWanted = true;
    if (this.connection === null) this.reset(this.ownReset());
    else this.connection.schedule();
  }

  private ownReset(): Error {
    return new Error(`connection ${this.name} was reset by its peer`);
  }

  /** Says that somebody read: the window may have opened enough to be worth a segment. */
  noteRead(): void {
    const { windowBytes, maxSegmentBytes } = this.settings;
    const opened = seqDelta(seqAdd(this.rcvNxt, this.room), this.rcvEdge);
    // Silly windows are not advertised (RFC 1122 section 4.2.3.3).
    if (opened < Math.max(1, Math.min(2 * maxSegmentBytes, windowBytes >> 1))) return;
    this.isAckDue = true;
    this.connection?.schedule();
  }

  /** One pass: what has arrived, then what it is answered with. */
  run(connection: MemoryConnection, nowMs: number): void {
    const { toPeer } = connection;
    while (toPeer.isDue(nowMs)) this.take(toPeer.shift(), connection);
    if (this.resetReason !== null) return;
    if (this.isResetWanted) {
      connection.toTarget.push(nowMs, SEGMENT.RST, this.sndNxt, 0, 0);
      this.reset(this.ownReset());
      return;
    }
    if (this.hasFin && (this.settings.mode === 'echo' || this.settings.mode === 'sink')) this.isEnding = true;
    this.emit(connection.toTarget, nowMs);
    this.face?.notify();
  }

  private take(segment: WireSegment, connection: MemoryConnection): void {
    if ((segment.flags & SEGMENT.RST) !== 0) this.resetByHost();
    else if ((segment.flags & SEGMENT.ACK) !== 0) this.acknowledge(segment.seq, segment.window);
    else this.accept(segment, connection);
  }

  /** An RST of the host has arrived. */
  resetByHost(): void {
    this.reset(new Error(`connection ${this.name} was reset by the host`));
  }

  /** Data, or a FIN. What was received before is acknowledged again and otherwise ignored. */
  private accept(segment: WireSegment, connection: MemoryConnection): void {
    this.isAckDue = true;
    const { seq, length, flags } = segment;
    const known = seqDelta(this.rcvNxt, seq);
    if ((flags & SEGMENT.FIN) !== 0) {
      if (known !== 0 || this.hasFin) return;
      this.hasFin = true;
      this.rcvNxt = seqAdd(this.rcvNxt, 1);
      return;
    }
    if (known >= length || known < 0) return;
    const fresh = length - known;
    const { lent: sends } = connection;
    sends.skipTo(this.rcvNxt);
    switch (this.settings.mode) {
      case 'manual':
        this.input.append(sends, fresh);
        break;
      case 'echo':
        if (this.isEnded) sends.skipTo(seqAdd(this.rcvNxt, fresh));
        else (this.output as EchoOutput).append(sends, fresh);
        break;
      case 'sink':
      case 'source':
        sends.skipTo(seqAdd(this.rcvNxt, fresh));
        break;
    }
    this.rcvNxt = seqAdd(this.rcvNxt, fresh);
    this.bytesReceived += fresh;
  }

  /** The target has everything before `ack`. It may be ahead of what was sent: then the host got it another way. */
  acknowledge(ack: number, window: number): void {
    const count = seqDelta(ack, this.sndUna);
    if (count < 0) return;
    this.sndEdge = seqAdd(ack, window);
    if (count === 0) return;
    const sentBytes = seqDelta(this.sndNxt, this.sndUna) - (this.isFinSent && !this.isFinAcked ? 1 : 0);
    const bytes = Math.min(count, sentBytes);
    this.sndUna = ack;
    if (count > sentBytes && this.isFinSent) this.isFinAcked = true;
    if (seqLess(this.sndNxt, ack)) this.sndNxt = ack;
    this.bytesSent += bytes;
    if (bytes === 0) return;
    this.output.acknowledge(bytes);
    // What an echo has sent back leaves room for more.
    this.noteRead();
  }

  /** The host was told, by a forwarded segment, that this peer has closed. */
  finForwarded(): void {
    this.isEnding = true;
    this.isFinSent = true;
    this.isFinAcked = true;
    if (this.settings.mode === 'manual') (this.output as WriteOutput).fail(new Error(`connection ${this.name}: a FIN of its peer was forwarded`));
  }

  private emit(line: WireLine, nowMs: number): void {
    const { output, settings } = this;
    while (!this.isFinSent && output.unsent > 0) {
      const room = seqDelta(this.sndEdge, this.sndNxt);
      if (room <= 0) break;
      const length = output.takeSegment(Math.min(settings.maxSegmentBytes, room));
      line.push(nowMs, output.isPushed ? SEGMENT.PSH : 0, this.sndNxt, length, 0);
      this.sndNxt = seqAdd(this.sndNxt, length);
    }
    if (this.isEnding && !this.isFinSent && output.unsent === 0) {
      line.push(nowMs, SEGMENT.FIN, this.sndNxt, 0, 0);
      this.sndNxt = seqAdd(this.sndNxt, 1);
      this.isFinSent = true;
    }
    if (!this.isAckDue) return;
    this.isAckDue = false;
    const { room } = this;
    this.rcvEdge = seqAdd(this.rcvNxt, room);
    line.push(nowMs, SEGMENT.ACK, this.rcvNxt, 0, room);
  }

  /** Sequence number of the byte the target reads next. */
  get readSeq(): number {
    return seqAdd(this.sndUna, this.output.readOffset);
  }

  /** Sequence number of the byte it expects from the host. */
  get nextExpected(): number {
    return this.rcvNxt;
  }

  /** Ends the connection for whoever waits on it. */
  reset(reason: Error): void {
    this.resetReason ??= reason;
    this.input.clear();
    this.face?.notify();
  }
}

function makeOutput(settings: PeerSettings): PeerOutput {
  switch (settings.mode) {
    case 'manual':
      return new WriteOutput();
    case 'echo':
      return new EchoOutput();
    case 'sink':
      return new PatternOutput(settings.pattern, 0);
    case 'source':
      return new PatternOutput(settings.pattern, settings.sourceBytes);
  }
}
