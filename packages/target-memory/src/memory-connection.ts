import { REGION, TCP_SEGMENT, seqAdd, seqDelta, seqLess, type TcpSegment, type TrafficCounts } from '@ndis-chimney/offload-target';
import {
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_UPLOAD_REASON,
  type NDIS_STATUS,
  type Timer,
  type TimerRoutine,
} from '@ndis-chimney/types';

import { LentBytes } from './lent-bytes.ts';
import type { MemoryEngine } from './memory-engine.ts';
import type { PeerEndpoint } from './peer-endpoint.ts';
import { SEGMENT, WireLine } from './wire.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** What a connection starts with. */
export interface ConnectionStart {
  readonly state: number;
  readonly sndUna: number;
  readonly sndNxt: number;
  readonly sndMax: number;
  readonly sndWnd: number;
  readonly maxSndWnd: number;
  readonly sendWL1: number;
  readonly rcvNxt: number;
  /** Number after the last byte there is room for. */
  readonly edge: number;
  readonly remoteMss: number;
}

/**
 * TCP between the target and a peer, as much of it as a wire takes that loses nothing: segments within windows,
 * acknowledgments, FIN, RST. It is made when a connection is first used.
 *
 * In one pass a segment makes one hop: the target takes what has arrived, the peer takes what has arrived and answers,
 * the target transmits. So with no latency a send takes three passes: out, acknowledged, completed. What was received is
 * acknowledged one pass later, with the window that is left when the host has had it.
 */
export class MemoryConnection implements TimerRoutine {
  readonly id: number;
  readonly peer: PeerEndpoint;
  readonly toPeer: WireLine;
  readonly toTarget: WireLine;
  readonly lent: LentBytes;
  /** Next one in the engine's list of those with something to do. */
  nextReady: MemoryConnection | null = null;
  isReady = false;
  sndUna: number;
  sndNxt: number;
  sndMax: number;
  sndWnd: number;
  maxSndWnd: number;
  sendWL1: number;
  rcvNxt: number;
  private readonly engine: MemoryEngine;
  private readonly counts: TrafficCounts;
  private readonly remoteMss: number;
  private isHeld = true;
  /** True until what the host had in flight is on its way here. */
  private isReplayDue = true;
  /** True after an RST, either way. */
  private isReset = false;
  /** True when the segment taken last had PSH. */
  private isPushed = false;
  private edge: number;
  private capacity: number;
  /** The number acknowledged last, and the right edge of the window that went with it. */
  private lastAck: number;
  private ackedEdge: number;
  private isWindowNews = false;
  private hasPeerFin: boolean;
  private isFinQueued: boolean;
  private isFinSent: boolean;
  private isFinAcked: boolean;
  /** Sequence number of the FIN, once it was sent. */
  private finSeq = 0;
  private wireTimer: Timer | null = null;

  constructor(engine: MemoryEngine, id: number, isIPv6: boolean, start: ConnectionStart) {
    this.engine = engine;
    this.id = id;
    this.counts = isIPv6 ? engine.counts6 : engine.counts4;
    this.toPeer = new WireLine(engine.wire);
    this.toTarget = new WireLine(engine.wire);
    this.lent = new LentBytes(engine.regions, start.sndUna);
    this.sndUna = start.sndUna;
    this.sndNxt = start.sndNxt;
    this.sndMax = start.sndMax;
    this.sndWnd = start.sndWnd;
    this.maxSndWnd = start.maxSndWnd;
    this.sendWL1 = start.sendWL1;
    this.rcvNxt = start.rcvNxt;
    this.edge = start.edge;
    this.capacity = seqDelta(start.edge, start.rcvNxt);
    this.lastAck = start.rcvNxt;
    this.ackedEdge = start.edge;
    this.remoteMss = start.remoteMss;
    const { state } = start;
    this.isFinAcked = state === STATE.TcpConnectionFinWait2;
    this.isFinSent = this.isFinAcked;
    this.isFinQueued = this.isFinAcked;
    this.hasPeerFin = state === STATE.TcpConnectionCloseWait || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck;
    this.peer = engine.registry.endpointFor(engine, this, state);
  }

  /** Bytes there is room for. */
  get window(): number {
    return Math.max(0, seqDelta(this.edge, this.rcvNxt));
  }

  /** Has {@link run} called in the engine's next turn. */
  schedule(): void {
    this.engine.addReady(this);
  }

  // --- commands ---

  send(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    this.lent.append(buffer, byteOffset, byteCount);
    this.schedule();
  }

  finish(): void {
    this.isFinQueued = true;
    this.schedule();
  }

  /** Sends an RST; nothing comes of the connection any more. */
  abort(nowMs: number): void {
    this.stop();
    this.toPeer.push(nowMs, SEGMENT.RST, this.sndNxt, 0, 0);
    this.counts.countReset();
    this.schedule();
  }

  openWindow(edge: number): void {
    this.edge = edge;
    this.capacity = Math.max(this.capacity, this.window);
    this.schedule();
  }

  /** Tells the peer of the window, however little it opened. */
  advertiseWindow(): void {
    this.isWindowNews = true;
    this.schedule();
  }

  hold(nowMs: number): void {
    this.isHeld = true;
    this.schedule();
    if (this.isReset) return;
    this.toPeer.clear();
    // What was received is acknowledged first, once more if need be.
    this.isWindowNews = true;
    this.acknowledge(nowMs);
    this.lent.clear(this.sndUna);
    this.sndNxt = this.sndUna;
    if (!this.isFinAcked) {
      this.isFinQueued = false;
      this.isFinSent = false;
    }
  }

  resume(): void {
    this.isHeld = false;
    if (this.isReplayDue) {
      this.peer.attach(this);
      this.sndWnd = this.peer.windowFrom(this.sndUna);
      this.maxSndWnd = Math.max(this.maxSndWnd, this.sndWnd);
    }
    this.schedule();
  }

  /** Forgets everything but the peer, which stays for when the connection comes back. It has the last acknowledgment. */
  detach(): void {
    if (!this.isReset && !this.isReplayDue) this.peer.acknowledge(this.rcvNxt, this.window);
    // An RST is not sent again as data is, so it arrives now.
    if (((this.toPeer.head?.flags ?? 0) & SEGMENT.RST) !== 0) this.peer.resetByHost();
    this.wireTimer?.cancel();
    this.peer.detach();
  }

  // --- one turn ---

  run(nowMs: number): void {
    if (!this.isReset && !this.isHeld) {
      if (this.isReplayDue) this.replay(nowMs);
      this.acknowledge(nowMs);
      this.takeArrivals(nowMs);
    }
    this.peer.run(this, nowMs);
    // What a peer sends before it hears of the reset reaches nobody.
    if (this.isReset) this.toTarget.clear();
    if (!this.isReset && !this.isHeld) this.transmit(nowMs);
    // What was received is acknowledged in the next turn.
    if (this.rcvNxt !== this.lastAck && !this.isReset) this.schedule();
    this.waitForWire(nowMs);
  }

  /** What the host had sent and not seen acknowledged is on its way still. */
  private replay(nowMs: number): void {
    const { lent, toPeer } = this;
    this.isReplayDue = false;
    const sent = seqDelta(this.sndNxt, this.sndUna);
    if (sent <= 0) return;
    const byteCount = Math.min(sent, lent.total);
    const hasFin = this.isFinQueued && !this.isFinAcked && sent > lent.total;
    const segmentBytes = this.engine.segmentBytes(this.id, this.remoteMss);
    lent.unsent -= byteCount;
    for (let at = 0; at < byteCount; at += segmentBytes) toPeer.push(nowMs, 0, seqAdd(this.sndUna, at), Math.min(segmentBytes, byteCount - at), 0);
    if (!hasFin) return;
    this.isFinSent = true;
    this.finSeq = seqAdd(this.sndUna, byteCount);
    toPeer.push(nowMs, SEGMENT.FIN, this.finSeq, 0, 0);
  }

  private takeArrivals(nowMs: number): void {
    const { toTarget } = this;
    while (!this.isReset && toTarget.isDue(nowMs)) {
      const { flags, seq, length, window } = toTarget.shift();
      this.counts.countIn(length);
      if ((flags & SEGMENT.RST) !== 0) {
        this.resetByPeer();
      } else if ((flags & SEGMENT.ACK) !== 0) {
        this.acknowledged(seq, window);
      } else if ((flags & SEGMENT.FIN) !== 0) {
        if (seq === this.rcvNxt) this.takeFin();
      } else {
        this.isPushed = (flags & SEGMENT.PSH) !== 0;
        this.takeData(this.endOfRun(nowMs, seqAdd(seq, length)));
      }
    }
  }

  /** Segments that have arrived together count as one, up to the first with PSH. @returns where the last one ends. */
  private endOfRun(nowMs: number, end: number): number {
    const { toTarget } = this;
    let last = end;
    while (!this.isPushed && toTarget.isDue(nowMs) && (toTarget.head!.flags & ~SEGMENT.PSH) === 0) {
      const { flags, seq, length } = toTarget.shift();
      this.counts.countIn(length);
      this.isPushed = (flags & SEGMENT.PSH) !== 0;
      last = seqAdd(seq, length);
    }
    return last;
  }

  /** Takes the peer's bytes before `end`, without those that came another way. */
  private takeData(end: number): void {
    const { peer, engine } = this;
    const { output } = peer;
    const known = seqDelta(this.rcvNxt, peer.readSeq);
    if (known > 0) output.skip(known);
    let left = seqDelta(end, this.rcvNxt);
    while (left > 0) {
      const here = output.locate(left);
      left -= here;
      this.rcvNxt = seqAdd(this.rcvNxt, here);
      engine.events.received(this.id, output.buffer, output.bufferOffset, here, left === 0 && this.isPushed ? REGION.PUSH : 0);
      output.skip(here);
    }
  }

  /** A FIN that is next in sequence. */
  private takeFin(): void {
    if (this.hasPeerFin) return;
    this.hasPeerFin = true;
    this.rcvNxt = seqAdd(this.rcvNxt, 1);
    this.engine.events.fin(this.id);
  }

  private resetByPeer(): void {
    this.stop();
    this.engine.events.reset(this.id);
  }

  private stop(): void {
    this.isReset = true;
    this.toPeer.clear();
  }

  /** Tells the peer what was received, and of a window that opened. */
  private acknowledge(nowMs: number): void {
    // Silly windows are not advertised (RFC 1122 section 4.2.3.3).
    const worthwhile = Math.max(1, Math.min(2 * this.engine.options.maxSegmentBytes, this.capacity >> 1));
    if (this.rcvNxt === this.lastAck && !this.isWindowNews && seqDelta(this.edge, this.ackedEdge) < worthwhile) return;
    this.isWindowNews = false;
    this.lastAck = this.rcvNxt;
    this.ackedEdge = this.edge;
    this.counts.countOut(0, false, true);
    this.toPeer.push(nowMs, SEGMENT.ACK, this.rcvNxt, 0, this.window);
  }

  /** Sends what the window admits. */
  private transmit(nowMs: number): void {
    const { lent } = this;
    if (lent.unsent > 0) {
      const segmentBytes = this.engine.segmentBytes(this.id, this.remoteMss);
      while (lent.unsent > 0) {
        const room = seqDelta(seqAdd(this.sndUna, this.sndWnd), this.sndNxt);
        if (room <= 0) return;
        const length = Math.min(segmentBytes, lent.unsent, room);
        lent.unsent -= length;
        this.push(nowMs, 0, length, length);
      }
    }
    if (!this.isFinQueued || this.isFinSent) return;
    this.isFinSent = true;
    this.finSeq = this.sndNxt;
    this.push(nowMs, SEGMENT.FIN, 0, 1);
  }

  /** @param numbers sequence numbers the segment takes. */
  private push(nowMs: number, flags: number, length: number, numbers: number): void {
    const known = seqDelta(this.sndMax, this.sndNxt);
    this.counts.countOut(length, known > 0, known < numbers);
    this.toPeer.push(nowMs, flags, this.sndNxt, length, 0);
    this.sndNxt = seqAdd(this.sndNxt, numbers);
    if (seqLess(this.sndMax, this.sndNxt)) this.sndMax = this.sndNxt;
  }

  /** The peer has everything before `ack`, and room for `window` bytes after it. */
  private acknowledged(ack: number, window: number): void {
    const count = seqDelta(ack, this.sndUna);
    // Beyond what was sent: the peer has it from before, and says so again when it was sent again.
    if (count < 0 || seqLess(this.sndNxt, ack)) return;
    this.sndWnd = window;
    this.maxSndWnd = Math.max(this.maxSndWnd, window);
    this.sendWL1 = this.rcvNxt;
    if (count === 0) return;
    this.sndUna = ack;
    const hasFin = this.isFinSent && !this.isFinAcked && ack === seqAdd(this.finSeq, 1);
    const byteCount = hasFin ? count - 1 : count;
    this.lent.release(ack);
    if (byteCount > 0) this.engine.events.acked(this.id, byteCount);
    if (!hasFin) return;
    this.isFinAcked = true;
    this.engine.events.finAcked(this.id);
  }

  /** Sees to it that the next turn comes when the next segment arrives. */
  private waitForWire(nowMs: number): void {
    // What waits for the host to let it in does not make the target busy.
    const toTarget = this.isHeld ? null : this.toTarget.head;
    const dueMs = Math.min(this.toPeer.head?.dueMs ?? Infinity, toTarget?.dueMs ?? Infinity);
    if (dueMs === Infinity) return;
    if (dueMs <= nowMs) {
      this.schedule();
      return;
    }
    this.wireTimer ??= this.engine.clock.createTimer(this);
    this.wireTimer.start(dueMs - nowMs);
  }

  timerExpired(): void {
    this.schedule();
  }

  // --- forwarded segments ---

  /**
   * Processes a segment that the host has received. Those out of sequence are dropped.
   * @returns what it is answered with; what else follows from it comes after.
   */
  forward(segment: TcpSegment, buffer: Uint8Array<ArrayBufferLike>): NDIS_STATUS {
    const { flags, payloadBytes } = segment;
    const known = segment.knownBytes(this.rcvNxt);
    if ((flags & (TCP_SEGMENT.SYN | TCP_SEGMENT.RST)) === TCP_SEGMENT.SYN && known === 0 && !this.isTimeWait) {
      // The peer has forgotten the connection. The host gets it closed, and nobody an RST.
      this.engine.events.uploadWanted(this.id, TCP_UPLOAD_REASON.UploadRequested, true);
      return NDIS_STATUS_SUCCESS;
    }
    if ((flags & (TCP_SEGMENT.SYN | TCP_SEGMENT.RST)) !== 0 || known < 0 || known > payloadBytes) return NDIS_STATUS_SUCCESS;
    if ((flags & TCP_SEGMENT.ACK) !== 0 && !this.isAcceptableAck(segment.ack)) return NDIS_STATUS_SUCCESS;
    if ((flags & TCP_SEGMENT.URG) !== 0) {
      // The host keeps the segment and processes it itself, after the upload.
      this.engine.events.uploadWanted(this.id, TCP_UPLOAD_REASON.ReceivedUrgentData);
      return NDIS_STATUS_UPLOAD_IN_PROGRESS;
    }
    // A peer acknowledges nothing that it has not got, and this one's word is at hand.
    if ((flags & TCP_SEGMENT.ACK) !== 0 && !seqLess(this.peer.nextExpected, segment.ack)) this.acknowledged(segment.ack, this.sndWnd);
    const fresh = this.hasPeerFin ? 0 : Math.min(payloadBytes - known, this.window);
    if (fresh > 0) {
      this.rcvNxt = seqAdd(this.rcvNxt, fresh);
      this.engine.events.received(this.id, buffer, segment.payloadOffset + known, fresh, (flags & TCP_SEGMENT.PSH) === 0 ? 0 : REGION.PUSH);
    }
    if ((flags & TCP_SEGMENT.FIN) !== 0 && known + fresh === payloadBytes && !this.hasPeerFin) {
      this.takeFin();
      this.peer.finForwarded();
    }
    this.schedule();
    return NDIS_STATUS_SUCCESS;
  }

  private get isTimeWait(): boolean {
    return this.hasPeerFin && this.isFinAcked;
  }

  /** False for what was never sent, and for what no peer can acknowledge any more (RFC 5961 section 5.2). */
  private isAcceptableAck(ack: number): boolean {
    return !seqLess(this.sndMax, ack) && seqDelta(this.sndUna, ack) <= this.maxSndWnd;
  }

  /** True for a forwarded segment that resets the connection. */
  isResetBy(segment: TcpSegment): boolean {
    return (segment.flags & TCP_SEGMENT.RST) !== 0 && segment.knownBytes(this.rcvNxt) === 0;
  }

  /** A forwarded RST, which the peer has sent. */
  forwardedReset(): void {
    this.peer.wantReset();
    this.resetByPeer();
  }
}
