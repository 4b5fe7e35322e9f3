import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NDIS_STATUS,
  type NetBufferList,
  type Timer,
  type TimerRoutine,
} from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import { ForwardQueue } from './forward-queue.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import type { PeerEndpoint } from './peer-endpoint.ts';
import { ReceivePath } from './receive-path.ts';
import { SendPath } from './send-path.ts';
import { seqAdd, seqDelta } from './seq.ts';
import type { TcpObject } from './tcp-object.ts';
import { SEGMENT, WireLine } from './wire.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/**
 * What moves the data of one offloaded connection: both halves of it, the two directions of its wire, its peer. Entry
 * points only queue and {@link schedule}; {@link run} does the work, once per pass of the adapter's DPC.
 *
 * In one pass a segment makes one hop: the target takes what has arrived, the peer takes what has arrived and answers,
 * the target transmits. So with no latency a send takes three passes: out, acknowledged, completed.
 */
export class ConnectionEngine implements TimerRoutine {
  readonly tcp: TcpObject;
  readonly adapter: MemoryAdapter;
  readonly send: SendPath;
  readonly receive: ReceivePath;
  readonly peer: PeerEndpoint;
  readonly toPeer: WireLine;
  readonly toTarget: WireLine;
  /** Next engine in the adapter's list of those with something to do. */
  nextReady: ConnectionEngine | null = null;
  isReady = false;
  /** True after an RST, either way. */
  isAborted = false;
  /** False from the terminate on. */
  private isLive = true;
  private readonly forwards: ForwardQueue = new ForwardQueue();
  /** What forwards and abortive disconnects end with that come now; NDIS_STATUS_SUCCESS while they are taken. */
  private refusal: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  /** An abortive disconnect that has yet to be carried out. */
  private abortive: NetBufferList | null = null;
  /** True when the segment taken last had PSH. */
  private isPushed = false;
  /** The number acknowledged last, and the right edge of the window that went with it. */
  private lastAck: number;
  private rcvEdge: number;
  private isWindowNews = false;
  private wireTimer: Timer | null = null;

  constructor(tcp: TcpObject, adapter: MemoryAdapter) {
    this.tcp = tcp;
    this.adapter = adapter;
    this.toPeer = new WireLine(adapter.wire);
    this.toTarget = new WireLine(adapter.wire);
    this.send = new SendPath(this);
    this.receive = new ReceivePath(this);
    this.peer = adapter.peers.endpointFor(this);
    this.lastAck = tcp.rcvNxt;
    this.rcvEdge = tcp.rcvNxt;
    if (tcp.uploadReason !== 0) this.refuse(NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** Names the connection in messages and traces, the peer's end first. */
  get name(): string {
    return this.peer.name;
  }

  /** Takes over the data in flight of an initiate: sends of the host, and received data it has not delivered. */
  takeOverData(chain: NetBufferList | null, received: NetBufferList | null): void {
    this.send.takeOver(chain);
    this.receive.takeOver(received, this.tcp.hasPeerFin);
  }

  /** The initiate has completed: what was in flight arrives, what has to be sent is sent. */
  enable(nowMs: number): void {
    const { tcp } = this;
    this.send.resumeInFlight(nowMs);
    tcp.rcvWnd = this.window;
    this.lastAck = tcp.rcvNxt;
    this.rcvEdge = seqAdd(tcp.rcvNxt, tcp.rcvWnd);
    this.peer.attach(this);
    tcp.sndWnd = this.peer.windowFrom(tcp.sndUna);
    tcp.maxSndWnd = Math.max(tcp.maxSndWnd, tcp.sndWnd);
    this.schedule();
  }

  private get capacity(): number {
    const { initialRcvWnd } = this.tcp.cached;
    const { bufferBytes } = this.adapter.options;
    return initialRcvWnd === 0 ? bufferBytes : Math.min(initialRcvWnd >>> 0, bufferBytes);
  }

  /** Bytes the target has room for: its receive window. */
  get window(): number {
    return Math.max(0, this.capacity - this.receive.buffered.length);
  }

  /** Has {@link run} called in the adapter's next pass. */
  schedule(): void {
    if (this.isLive) this.adapter.addReady(this);
  }

  // --- requests of the host ---

  takeSends(list: NetBufferList): NDIS_STATUS {
    this.send.send(list);
    this.schedule();
    return NDIS_STATUS_PENDING;
  }

  takeDisconnect(nbl: NetBufferList, flags: number): NDIS_STATUS {
    const isAbortive = (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) !== 0;
    let refusal = isAbortive ? this.refusal : this.send.refusal;
    if (refusal === NDIS_STATUS_SUCCESS && this.abortive !== null) refusal = NDIS_STATUS_REQUEST_ABORTED;
    if (refusal !== NDIS_STATUS_SUCCESS) {
      this.adapter.completions.addAll(COMPLETION.disconnect, nbl, refusal);
    } else if (isAbortive) {
      this.send.refusal = NDIS_STATUS_REQUEST_ABORTED;
      this.adapter.heldRequests++;
      this.abortive = nbl;
    } else {
      this.send.close(nbl);
    }
    this.schedule();
    return NDIS_STATUS_PENDING;
  }

  takeForwards(list: NetBufferList): NDIS_STATUS {
    if (this.refusal === NDIS_STATUS_SUCCESS) this.adapter.heldRequests += this.forwards.append(list);
    else this.adapter.completions.addAll(COMPLETION.forward, list, this.refusal);
    this.schedule();
    return NDIS_STATUS_PENDING;
  }

  // --- one pass ---

  run(nowMs: number): void {
    if (!this.isLive) return;
    if (this.abortive !== null) this.abortByHost(this.abortive, nowMs);
    if (!this.isAborted) {
      this.receive.takeRequests();
      if (!this.isHeld) this.processForwards();
      if (!this.isHeld) this.takeArrivals(nowMs);
    }
    this.peer.run(this, nowMs);
    // What a peer sends before it hears of the reset reaches nobody.
    if (this.isAborted) this.toTarget.clear();
    if (!this.isAborted && !this.isHeld) {
      this.send.transmit(nowMs);
      this.acknowledge(nowMs);
      this.receive.settle();
      this.askForUploadInTimeWait();
    }
    this.waitForWire(nowMs);
  }

  /** True while nothing may be sent or taken, because the upload was asked for. */
  private get isHeld(): boolean {
    return this.tcp.uploadReason !== 0;
  }

  private processForwards(): void {
    for (let nbl = this.forwards.shift(); nbl !== null; nbl = this.forwards.shift()) {
      this.adapter.heldRequests--;
      this.forwards.process(this, nbl);
    }
  }

  private takeArrivals(nowMs: number): void {
    const { toTarget, tcp } = this;
    while (!this.isAborted && toTarget.isDue(nowMs)) {
      const { flags, seq, length, window } = toTarget.shift();
      tcp.statistics.countIn(length);
      if ((flags & SEGMENT.RST) !== 0) {
        this.abortByPeer();
      } else if ((flags & SEGMENT.ACK) !== 0) {
        this.send.acknowledged(seq, window);
      } else if ((flags & SEGMENT.FIN) !== 0) {
        if (seq === tcp.rcvNxt) this.peerClosed();
      } else {
        this.isPushed = (flags & SEGMENT.PSH) !== 0;
        this.takeData(this.endOfRun(nowMs, seqAdd(seq, length)));
      }
    }
  }

  /** With no request waiting, segments that have arrived together go up together. @returns where the last one ends. */
  private endOfRun(nowMs: number, end: number): number {
    const { toTarget, tcp } = this;
    let last = end;
    while (this.receive.isUnposted && toTarget.isDue(nowMs) && (toTarget.head!.flags & ~SEGMENT.PSH) === 0) {
      const { flags, seq, length } = toTarget.shift();
      tcp.statistics.countIn(length);
      this.isPushed = (flags & SEGMENT.PSH) !== 0;
      last = seqAdd(seq, length);
    }
    return last;
  }

  /** Takes the peer's bytes before `end`, without those that came another way. */
  private takeData(end: number): void {
    const { tcp, peer } = this;
    const known = seqDelta(tcp.rcvNxt, peer.readSeq);
    if (known > 0) peer.output.skip(known);
    const fresh = seqDelta(end, tcp.rcvNxt);
    if (fresh <= 0) return;
    tcp.rcvNxt = end;
    this.receive.arrive(peer.output, fresh, this.isPushed);
  }

  /** A FIN that is next in sequence. */
  peerClosed(): void {
    const { tcp } = this;
    tcp.rcvNxt = seqAdd(tcp.rcvNxt, 1);
    this.receive.hasFin = true;
    if (tcp.state === STATE.TcpConnectionEstablished) tcp.setState(STATE.TcpConnectionCloseWait);
    else if (tcp.state === STATE.TcpConnectionFinWait1) tcp.setState(STATE.TcpConnectionClosing);
    else if (tcp.state === STATE.TcpConnectionFinWait2) tcp.setState(STATE.TcpConnectionTimeWait);
  }

  /** An update changed the receive window. */
  advertiseWindow(): void {
    this.isWindowNews = true;
    this.schedule();
  }

  /** Tells the peer what was received, and of a window that opened. */
  private acknowledge(nowMs: number): void {
    const { tcp, window } = this;
    tcp.rcvWnd = window;
    const edge = seqAdd(tcp.rcvNxt, window);
    // Silly windows are not advertised (RFC 1122 section 4.2.3.3).
    const worthwhile = Math.max(1, Math.min(2 * this.adapter.options.maxSegmentBytes, this.capacity >> 1));
    if (tcp.rcvNxt === this.lastAck && !this.isWindowNews && seqDelta(edge, this.rcvEdge) < worthwhile) return;
    this.isWindowNews = false;
    this.lastAck = tcp.rcvNxt;
    this.rcvEdge = edge;
    tcp.statistics.countOut(0, false, true);
    this.toPeer.push(nowMs, SEGMENT.ACK, tcp.rcvNxt, 0, window);
  }

  /** Sees to it that the next pass comes when the next segment arrives. */
  private waitForWire(nowMs: number): void {
    // What waits for the host to let it in does not make the target busy.
    const toTarget = this.isHeld ? null : this.toTarget.head;
    const dueMs = Math.min(this.toPeer.head?.dueMs ?? Infinity, toTarget?.dueMs ?? Infinity);
    if (dueMs === Infinity) return;
    if (dueMs <= nowMs) {
      this.schedule();
      return;
    }
    this.wireTimer ??= this.adapter.clock.createTimer(this);
    if (!this.wireTimer.isRunning || this.wireTimer.dueMs > dueMs) this.wireTimer.start(dueMs - nowMs);
  }

  timerExpired(): void {
    this.schedule();
  }

  // --- ends ---

  /** A connection in TIME_WAIT has nothing left to do here; the host can wait as well (`overview-of-tcp-timers.md`). */
  private askForUploadInTimeWait(): void {
    if (this.tcp.state !== STATE.TcpConnectionTimeWait || !this.receive.isFinIndicated) return;
    this.adapter.requestUpload(this.tcp, TCP_UPLOAD_REASON.UploadRequested);
  }

  /** The upload was asked for, for a reason that the host must heed: nothing is processed any more. */
  stopForUpload(): void {
    this.refuse(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    this.send.giveBack(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    this.endRequests(NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** An invalidated path got a valid neighbor after all: requests are taken again, and the peer hears of it. */
  resume(): void {
    this.refusal = NDIS_STATUS_SUCCESS;
    this.send.reopen();
    this.receive.reopen();
    this.advertiseWindow();
  }

  private refuse(status: NDIS_STATUS): void {
    this.refusal = status;
    this.send.refusal = status;
    this.receive.refusal = status;
  }

  /** Ends forwards, and an abortive disconnect that was not carried out. */
  private endRequests(status: NDIS_STATUS): void {
    for (let nbl = this.forwards.shift(); nbl !== null; nbl = this.forwards.shift()) {
      this.adapter.heldRequests--;
      this.adapter.completions.addAll(COMPLETION.forward, nbl, status);
    }
    if (this.abortive === null) return;
    this.adapter.heldRequests--;
    this.adapter.completions.addAll(COMPLETION.disconnect, this.abortive, status);
    this.abortive = null;
  }

  private abortByHost(nbl: NetBufferList, nowMs: number): void {
    const { tcp, adapter } = this;
    this.abortive = null;
    adapter.heldRequests--;
    this.abort();
    this.toPeer.push(nowMs, SEGMENT.RST, tcp.sndNxt, 0, 0);
    tcp.statistics.countReset();
    adapter.completions.addAll(COMPLETION.disconnect, nbl, NDIS_STATUS_SUCCESS);
  }

  /** An acceptable RST. */
  abortByPeer(): void {
    this.adapter.completions.flush();
    this.adapter.indicateEvent(this.tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
    this.abort();
  }

  /** Ends everything that is pending. What was received and not delivered is lost, as with any reset. */
  private abort(): void {
    this.isAborted = true;
    this.refuse(NDIS_STATUS_REQUEST_ABORTED);
    this.send.queue.flush(NDIS_STATUS_REQUEST_ABORTED);
    this.receive.flush(NDIS_STATUS_REQUEST_ABORTED);
    this.receive.buffered.clear();
    this.endRequests(NDIS_STATUS_REQUEST_ABORTED);
    this.toPeer.clear();
    this.toTarget.clear();
    this.tcp.setState(STATE.TcpConnectionClosed);
  }

  /**
   * Gives the connection back: every request ends, every timer stops, the peer is left alone. What is buffered is still
   * there.
   * @param canChain false when there is nowhere to put send NBLs but their completion.
   * @returns the sends that go back in the tree, or null.
   */
  upload(canChain: boolean): NetBufferList | null {
    const status = this.isAborted ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS;
    this.isLive = false;
    this.wireTimer?.cancel();
    this.refuse(status);
    let chain: NetBufferList | null = null;
    if (canChain) chain = this.send.giveBackChain(status);
    else this.send.giveBack(status);
    this.receive.flush(status);
    this.endRequests(status);
    this.toPeer.clear();
    this.toTarget.clear();
    this.peer.detach();
    return chain;
  }
}
