import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_EVENT_TYPE,
  type NDIS_STATUS,
  type NetBufferList,
  type Timer,
  type TimerRoutine,
} from '@ndis-chimney/types';

import { ByteQueue, type ByteSource } from './byte-queue.ts';
import { COMPLETION } from './completions.ts';
import type { DataPath } from './data-path.ts';
import { MdlCursor } from './mdl-cursor.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * The delivery algorithm of one connection: received bytes go into posted requests, first to last; what finds none is
 * indicated; what the host does not want then is buffered until it posts again.
 *
 * It runs in the adapter's DPC only. Requests that are posted while it completes or indicates something wait in a list
 * of their own and are looked at when that call has returned, so the two calls never nest.
 *
 * Source: `delivery-algorithm.md`; the step names in the comments (E1, PLACE, INDICATE) are those of its flowcharts.
 */
export class ReceivePath implements TimerRoutine {
  /** Received, acknowledged, and wanted by nobody so far. While something is in it, nothing is indicated. */
  readonly buffered: ByteQueue = new ByteQueue();
  /** What requests end with that are posted now; NDIS_STATUS_SUCCESS while they are taken. */
  refusal: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  /** True when the peer's FIN is behind the last byte received. */
  hasFin = false;
  /** True when the host was told of the FIN. */
  isFinIndicated = false;
  /** Received while the target could not call up; comes after what is buffered. */
  private parked: ByteQueue | null = null;
  private isParkedPushed = false;
  private readonly dataPath: DataPath;
  private readonly tcp: TcpObject;
  private readonly adapter: OffloadAdapter;
  private postedHead: NetBufferList | null = null;
  private postedTail: NetBufferList | null = null;
  private requestedHead: NetBufferList | null = null;
  private requestedTail: NetBufferList | null = null;
  /** Bytes placed in the first posted request, and where the next one goes. */
  private placed = 0;
  private readonly cursor: MdlCursor = new MdlCursor();
  /** True when the last buffered byte ended a segment with PSH. */
  private isBufferedPushed = false;
  /** True when what is buffered was not refused: the adapter is paused, and passes nothing up. */
  private isKeptForPause = false;
  private pushTimer: Timer | null = null;
  private isPushDue = false;
  // The data being delivered.
  private source: ByteSource;
  private left = 0;
  private isPushed = false;

  constructor(dataPath: DataPath) {
    this.dataPath = dataPath;
    this.tcp = dataPath.tcp;
    this.adapter = dataPath.adapter;
    this.source = this.buffered;
  }

  /** Takes posted requests over. @returns NDIS_STATUS_PENDING. */
  post(list: NetBufferList): NDIS_STATUS {
    if (this.refusal !== NDIS_STATUS_SUCCESS && !this.isQueueEnding) {
      this.adapter.completions.addAll(COMPLETION.receive, list, this.refusal);
      this.adapter.wake();
      return NDIS_STATUS_PENDING;
    }
    let last = list;
    while (last.next !== null) last = last.next;
    if (this.requestedTail === null) this.requestedHead = list;
    else this.requestedTail.next = list;
    this.requestedTail = last;
    this.dataPath.schedule();
    return NDIS_STATUS_PENDING;
  }

  /** Bytes that were received and not delivered. */
  get backlog(): number {
    return this.parked === null ? this.buffered.length : this.buffered.length + this.parked.length;
  }

  /** True while received bytes wait for the next pass. */
  get hasParked(): boolean {
    return this.parked !== null && this.parked.length > 0;
  }

  /** Bytes that came while the target could not call up: they are delivered in the next pass. */
  park(source: ByteSource, byteCount: number, isPushed: boolean): void {
    this.parked ??= new ByteQueue();
    this.parked.append(source, byteCount);
    this.isParkedPushed = isPushed;
    this.dataPath.schedule();
  }

  /** True while requests are pending that go back with the connection: what is posted now ends after them, not before. */
  private get isQueueEnding(): boolean {
    return this.refusal === NDIS_STATUS_UPLOAD_IN_PROGRESS && (this.postedHead !== null || this.requestedHead !== null);
  }

  /** E2 and E3: requests that were posted, and a push timer that expired, since the last time. */
  takeRequests(): void {
    this.absorb();
    if (!this.adapter.isRunning) return;
    if (this.buffered.length > 0 && (this.postedHead !== null || this.isKeptForPause)) {
      this.deliver(this.buffered, this.buffered.length, this.isBufferedPushed);
    }
    this.isKeptForPause = false;
    const { parked } = this;
    if (parked !== null && parked.length > 0) {
      // What is parked during the call has a queue of its own.
      this.parked = null;
      this.arrive(parked, parked.length, this.isParkedPushed);
    }
    if (!this.isPushDue) return;
    // The timer runs for a push request with something in it only: what ends that request stops the timer.
    this.completeHead(NDIS_STATUS_SUCCESS);
    this.stopPush();
  }

  /** E1: in-sequence data. `RcvNxt` is past it already. @param isPushed PSH was set in its last segment. */
  arrive(source: ByteSource, byteCount: number, isPushed: boolean): void {
    const { isRunning } = this.adapter;
    if (!isRunning && this.buffered.length === 0) this.isKeptForPause = true;
    // After a pause, what waited goes first, also when there is a request.
    if (!isRunning || this.buffered.length > 0) {
      this.buffered.append(source, byteCount);
      this.isBufferedPushed = isPushed;
      return;
    }
    this.deliver(source, byteCount, isPushed);
  }

  /**
   * Buffers data that the host had acknowledged and not delivered: it waits for the first request.
   * @param hasFin the host has received the FIN. It has told its client, unless there is data before it.
   */
  takeOver(list: NetBufferList | null, hasFin: boolean): void {
    for (let nbl = list; nbl !== null; nbl = nbl.next) {
      for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) {
        this.cursor.point(nb);
        this.buffered.append(this.cursor, nb.dataLength);
      }
    }
    this.hasFin = hasFin;
    this.isFinIndicated = hasFin && this.buffered.length === 0;
    if (this.isFinIndicated && this.refusal === NDIS_STATUS_SUCCESS) this.refusal = NDIS_STATUS_INVALID_STATE;
  }

  /** Requests are taken again, after an upload that was asked for is not wanted any more. */
  reopen(): void {
    this.refusal = this.isFinIndicated ? NDIS_STATUS_INVALID_STATE : NDIS_STATUS_SUCCESS;
  }

  /** What follows from what has happened: the timer of a request that came with data in it, and the FIN's turn. */
  settle(): void {
    if (!this.adapter.isRunning) return;
    const head = this.postedHead;
    if (head !== null && this.placed === 0 && this.isStarted(head) && !head.tcpReceiveNoPush && this.pushTimer?.isRunning !== true) this.startPush();
    if (!this.hasFin || this.isFinIndicated || this.backlog > 0) return;
    // No byte will come that could fill it, so a started request ends here whatever its mode.
    if (head !== null && this.isStarted(head)) {
      this.completeHead(NDIS_STATUS_SUCCESS);
      this.stopPush();
    }
    this.adapter.completions.flush();
    this.absorb();
    this.isFinIndicated = true;
    if (this.refusal === NDIS_STATUS_SUCCESS) this.refusal = NDIS_STATUS_INVALID_STATE;
    this.adapter.indicateEvent(this.tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect, 0);
  }

  /** Ends all requests with this status and the bytes placed in them. */
  flush(status: NDIS_STATUS): void {
    this.absorb();
    while (this.postedHead !== null) this.completeHead(status);
    this.stopPush();
  }

  /** Forgets what was received and not delivered. */
  discard(): void {
    this.buffered.clear();
    this.parked = null;
  }

  private unpark(): void {
    const { parked } = this;
    if (parked === null) return;
    this.buffered.append(parked, parked.length);
    this.parked = null;
  }

  /** Takes what is buffered out, to be handed up. @returns NBLs of the target, or null when there is nothing. */
  takeBuffered(): NetBufferList | null {
    const { buffered } = this;
    this.unpark();
    return buffered.length === 0 ? null : this.adapter.indications.allocate(buffered, buffered.length);
  }

  /** Offers what is buffered once more, for want of another way to hand it up. What is refused is lost. */
  offerBuffered(): void {
    this.unpark();
    this.source = this.buffered;
    while (this.buffered.length > 0) {
      this.left = this.buffered.length;
      if (!this.indicate()) break;
    }
    this.buffered.clear();
  }

  /** Moves requests that were posted since the last time behind the others. */
  private absorb(): void {
    if (this.requestedHead === null) return;
    if (this.postedTail === null) this.postedHead = this.requestedHead;
    else this.postedTail.next = this.requestedHead;
    this.postedTail = this.requestedTail;
    this.requestedHead = null;
    this.requestedTail = null;
  }

  private deliver(source: ByteSource, byteCount: number, isPushed: boolean): void {
    this.source = source;
    this.left = byteCount;
    this.isPushed = isPushed;
    for (;;) {
      if (this.postedHead !== null) this.place();
      if (this.left === 0 || !this.indicate()) return;
    }
  }

  /** PLACE: fills requests until there is none left, or no data. */
  private place(): void {
    let hasCompleted = false;
    for (let head = this.postedHead; head !== null && this.left > 0; head = this.postedHead) {
      const netBuffer = head.firstNetBuffer;
      const room = netBuffer === null ? 0 : netBuffer.dataLength - this.placed;
      if (netBuffer !== null && this.placed === 0) this.cursor.point(netBuffer);
      const wanted = Math.min(room, this.left);
      const here = this.cursor.fill(this.source, wanted);
      this.placed += here;
      this.left -= here;
      // A request with less memory than it claims is full when the memory is.
      if (here < room && here === wanted) break;
      this.completeHead(NDIS_STATUS_SUCCESS);
      hasCompleted = true;
    }
    if (hasCompleted) this.stopPush();
    const head = this.postedHead;
    if (this.left > 0 || head === null || this.placed === 0 || head.tcpReceiveNoPush) return;
    if (this.isPushed) {
      this.completeHead(NDIS_STATUS_SUCCESS);
      this.stopPush();
    } else {
      this.startPush();
    }
  }

  /**
   * INDICATE: passes data up that no request is there for.
   * @returns false when the host refused: the rest is buffered then.
   */
  private indicate(): boolean {
    // Earlier bytes go first, and the host may post requests when it gets them.
    this.adapter.completions.flush();
    this.absorb();
    if (this.postedHead !== null) return true;
    const { tcp } = this;
    const { indications, handlers } = this.adapter;
    const best = tcp.cached.rcvIndicationSize >>> 0;
    const byteCount = best === 0 ? this.left : Math.min(best, this.left);
    const nbl = indications.allocate(this.source, byteCount);
    if (nbl === null) return this.keep();
    const { bytesConsumed } = indications;
    const result = this.adapter.upcalls.indicateReceive(handlers, tcp.handle, nbl, bytesConsumed);
    if (result === NDIS_STATUS_SUCCESS) {
      this.left -= byteCount;
      this.absorb();
      return true;
    }
    const consumed = bytesConsumed.value;
    indications.free(nbl);
    this.source.unread(byteCount - consumed);
    this.left -= consumed;
    this.absorb();
    return this.postedHead !== null || this.keep();
  }

  /** Buffers what is left of the data. @returns false: delivery is over. */
  private keep(): false {
    if (this.source !== this.buffered) {
      this.buffered.append(this.source, this.left);
      this.isBufferedPushed = this.isPushed;
    }
    this.left = 0;
    return false;
  }

  private isStarted(head: NetBufferList): boolean {
    return this.placed > 0 || head.tcpReceiveBytesTransferred > 0;
  }

  private completeHead(status: NDIS_STATUS): void {
    const head = this.postedHead!;
    this.postedHead = head.next;
    if (this.postedHead === null) this.postedTail = null;
    if (this.placed > 0) this.adapter.ndis.advanceNetBufferDataStart(head.firstNetBuffer!, this.placed, false);
    head.status = status;
    head.tcpOffloadBytesTransferred = this.placed;
    this.placed = 0;
    this.adapter.completions.add(COMPLETION.receive, head);
  }

  /** Starts the push timer, or starts it anew (`push-timer.md`). */
  private startPush(): void {
    this.pushTimer ??= this.adapter.clock.createTimer(this);
    this.pushTimer.start(this.adapter.pushTimeoutMs);
    this.adapter.ndis.observer?.timer?.('start', `push ${this.tcp.name}`, this.adapter.pushTimeoutMs);
  }

  private stopPush(): void {
    // It may have expired already, and be about to be dealt with.
    this.isPushDue = false;
    if (this.pushTimer?.cancel() === true) this.adapter.ndis.observer?.timer?.('cancel', `push ${this.tcp.name}`, 0);
  }

  timerExpired(): void {
    this.adapter.ndis.observer?.timer?.('expire', `push ${this.tcp.name}`, 0);
    this.isPushDue = true;
    this.dataPath.schedule();
  }
}
