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
} from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import type { ConnectionReport } from './connection-record.ts';
import { ForwardQueue } from './forward-queue.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { ReceivePath } from './receive-path.ts';
import { SendHalf } from './send-half.ts';
import { seqAdd, seqDelta } from './seq.ts';
import type { TcpObject } from './tcp-object.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;
const NOTHING_TO_REPORT: ConnectionReport = {};

/**
 * What moves the data of one offloaded connection between NDIS and the engine. Entry points and events only note and
 * {@link schedule}; {@link run} does the work, in the adapter's DPC: it tells the engine what the host wants, and the
 * host what came of it.
 */
export class DataPath {
  readonly tcp: TcpObject;
  readonly adapter: OffloadAdapter;
  readonly send: SendHalf;
  readonly receive: ReceivePath;
  /** Next one in the adapter's list of those with something to do. */
  nextReady: DataPath | null = null;
  isReady = false;
  /** True after an RST, either way. */
  isAborted = false;
  /** The `TCP_UPLOAD_REASON` the engine wants the upload for, until the host is asked; 0 when there is none. */
  wantedReason = 0;
  /** The send backlog to tell the host of, and the one it was told; -1 when there is none. */
  backlog = -1;
  private toldBacklog = -1;
  /** False from the terminate on. */
  private isLive = true;
  private forwards: ForwardQueue | null = null;
  /** What forwards and abortive disconnects end with that come now; NDIS_STATUS_SUCCESS while they are taken. */
  private refusal: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  /** An abortive disconnect that has not ended. */
  private abortive: NetBufferList | null = null;
  private isAbortSent = false;
  /** True from an RST that could not be told yet. */
  private isResetDue = false;
  private toldEdge: number;

  constructor(tcp: TcpObject, adapter: OffloadAdapter) {
    this.tcp = tcp;
    this.adapter = adapter;
    this.send = new SendHalf(tcp, adapter);
    this.receive = new ReceivePath(this);
    this.toldEdge = tcp.openedEdge;
    if (tcp.uploadReason !== 0 || adapter.isUploadingAll) this.refuse(NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** Takes over the data in flight of an initiate: sends of the host, and received data it has not delivered. */
  takeOver(chain: NetBufferList | null, received: NetBufferList | null): void {
    if (chain !== null) this.send.queue.append(chain);
    this.receive.takeOver(received, this.tcp.hasPeerFin);
  }

  /** Has {@link run} called in the adapter's next pass. */
  schedule(): void {
    if (this.isLive) this.adapter.addReady(this);
  }

  // --- requests of the host ---

  takeSends(list: NetBufferList): NDIS_STATUS {
    const { queue, refusal } = this.send;
    if (refusal === NDIS_STATUS_SUCCESS || this.isQueueEnding) queue.append(list);
    else this.adapter.completions.addAll(COMPLETION.send, list, refusal);
    this.schedule();
    return NDIS_STATUS_PENDING;
  }

  /** True while sends are pending that have nowhere to go but back: what comes now ends after them, not before. */
  private get isQueueEnding(): boolean {
    const { queue, refusal } = this.send;
    return queue.head !== null && (refusal === NDIS_STATUS_UPLOAD_IN_PROGRESS || this.abortive !== null);
  }

  takeDisconnect(nbl: NetBufferList, flags: number): NDIS_STATUS {
    const isAbortive = (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) !== 0;
    let refusal = isAbortive ? this.refusal : this.send.refusal;
    if (refusal === NDIS_STATUS_SUCCESS && this.abortive !== null) refusal = NDIS_STATUS_REQUEST_ABORTED;
    if (refusal !== NDIS_STATUS_SUCCESS) {
      if (this.isQueueEnding) this.send.queue.appendDisconnect(nbl);
      else this.adapter.completions.addAll(COMPLETION.disconnect, nbl, refusal);
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
    if (this.refusal === NDIS_STATUS_SUCCESS) {
      this.forwards ??= new ForwardQueue(this.adapter);
      this.forwards.append(list);
    } else {
      this.adapter.completions.addAll(COMPLETION.forward, list, this.refusal);
    }
    this.schedule();
    return NDIS_STATUS_PENDING;
  }

  // --- one pass ---

  run(): void {
    const { tcp, adapter } = this;
    if (!this.isLive || tcp.isFailed || !tcp.isEnabled) return;
    if (this.abortive !== null && !this.isAbortSent) {
      this.isAbortSent = true;
      adapter.engine.abort(tcp.id);
    }
    if (this.isAborted || this.isAbortSent) return;
    this.receive.takeRequests();
    if (this.isResetDue) this.abortByPeer();
    if (this.wantedReason !== 0) this.askForUpload();
    if (this.isAborted || this.isStopped || tcp.isHolding || tcp.isHeld) return;
    if (this.forwards !== null) this.forward(this.forwards);
    if (!this.isAborted && !this.isStopped && !this.isResetDue) this.send.transmit();
    this.receive.settle();
    this.openWindow();
    this.indicateBacklog();
    this.askForUploadInTimeWait();
  }

  /** True while nothing may be sent or taken, because the upload was asked for. */
  private get isStopped(): boolean {
    return this.tcp.uploadReason !== 0;
  }

  private forward(forwards: ForwardQueue): void {
    while (!this.isAborted && this.wantedReason === 0 && !this.tcp.isFailed && forwards.lendNext(this.tcp.id)) {
      // The answer may have come already.
    }
    if (this.wantedReason !== 0) this.askForUpload();
  }

  /** Answer to a forwarded segment. @returns false when there was none. */
  forwarded(status: NDIS_STATUS): boolean {
    if (this.forwards?.answer(status) !== true) return false;
    this.schedule();
    return true;
  }

  /** Tells the engine of room that has become free. */
  openWindow(): void {
    const { tcp, adapter } = this;
    const edge = seqAdd(tcp.rcvNxt, tcp.window);
    if (seqDelta(edge, this.toldEdge) <= 0) return;
    this.toldEdge = edge;
    adapter.engine.window(tcp.id, edge);
  }

  /** Number after the last byte that the engine may receive. */
  get edge(): number {
    return this.toldEdge;
  }

  // --- events of the engine ---

  /** The peer's FIN. */
  peerClosed(): void {
    const { tcp } = this;
    tcp.rcvNxt = seqAdd(tcp.rcvNxt, 1);
    this.receive.hasFin = true;
    if (tcp.state === STATE.TcpConnectionEstablished) tcp.setState(STATE.TcpConnectionCloseWait);
    else if (tcp.state === STATE.TcpConnectionFinWait1) tcp.setState(STATE.TcpConnectionClosing);
    else if (tcp.state === STATE.TcpConnectionFinWait2) tcp.setState(STATE.TcpConnectionTimeWait);
    this.schedule();
  }

  /** An acceptable RST: told at once, unless something has to come up before it. */
  reset(): void {
    if (this.isAborted || this.isAbortSent) return;
    if (this.canDeliver) this.abortByPeer();
    else this.isResetDue = true;
    this.schedule();
  }

  /** The RST of the host was sent. @returns false when there was none to send. */
  aborted(): boolean {
    const nbl = this.abortive;
    if (nbl === null || !this.isAbortSent || this.isAborted) return false;
    this.abortive = null;
    this.adapter.heldRequests--;
    this.abort();
    this.adapter.completions.addAll(COMPLETION.disconnect, nbl, NDIS_STATUS_SUCCESS);
    this.adapter.wake();
    return true;
  }

  /** True while what is received may be delivered inside the event. */
  get canDeliver(): boolean {
    return !this.send.isLending && !this.receive.hasParked && this.adapter.canCallUp(this.tcp);
  }

  /** True when what the engine says of data does not matter any more, though it may not know yet. */
  get isDeaf(): boolean {
    return this.isAborted || this.isAbortSent || this.isResetDue;
  }

  // --- ends ---

  /** A connection in TIME_WAIT has nothing left to do here; the host can wait as well (`overview-of-tcp-timers.md`). */
  private askForUploadInTimeWait(): void {
    if (this.tcp.state !== STATE.TcpConnectionTimeWait || !this.receive.isFinIndicated) return;
    this.adapter.requestUpload(this.tcp, TCP_UPLOAD_REASON.UploadRequested);
  }

  private askForUpload(): void {
    const reason = this.wantedReason;
    this.wantedReason = 0;
    this.adapter.requestUpload(this.tcp, reason);
  }

  /** Great changes only: the host is to adapt to the connection, not to every segment. */
  private indicateBacklog(): void {
    const { backlog, toldBacklog } = this;
    if (backlog < 0 || Math.abs(backlog - toldBacklog) * 4 < toldBacklog) return;
    this.backlog = -1;
    this.toldBacklog = backlog;
    this.adapter.indicateEvent(this.tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, backlog);
  }

  /** The upload was asked for, for a reason that the host must heed: requests that come now are refused. */
  stopForUpload(): void {
    if (!this.isAborted) this.refuse(NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** The engine holds the connection, and the upload was asked for: what is pending ends. */
  giveBack(): void {
    // After an RST, or when one is on its way out, that is what ends them.
    if (this.isAborted || this.isAbortSent) return;
    this.send.giveBack(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    this.endRequests(NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** The engine has forgotten what was lent. */
  noteHeld(report: ConnectionReport): void {
    const { tcp } = this;
    const sndMax = tcp.sndMaxOf(report);
    tcp.setState(this.send.stateGiven(sndMax));
    tcp.sndMax = sndMax;
  }

  /** An invalidated path got a valid neighbor after all: requests are taken again, unless an RST has ended them. */
  resume(): void {
    if (this.isDeaf) return;
    this.refusal = NDIS_STATUS_SUCCESS;
    this.send.reopen();
    this.receive.reopen();
    this.schedule();
  }

  /** What comes now ends with this status. */
  refuse(status: NDIS_STATUS): void {
    this.refusal = status;
    this.send.refusal = status;
    this.receive.refusal = status;
  }

  /** Ends forwards, and an abortive disconnect that was not carried out. */
  private endRequests(status: NDIS_STATUS): void {
    this.forwards?.flush(status);
    if (this.abortive === null) return;
    this.adapter.heldRequests--;
    this.adapter.completions.addAll(COMPLETION.disconnect, this.abortive, status);
    this.abortive = null;
  }

  private abortByPeer(): void {
    this.adapter.indicateEvent(this.tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
    this.abort();
  }

  /** Ends everything that is pending. What was received and not delivered is lost, as with any reset. */
  private abort(): void {
    this.isAborted = true;
    this.refuse(NDIS_STATUS_REQUEST_ABORTED);
    // What was lent may have been sent.
    this.tcp.sndMax = this.tcp.sndMaxOf(NOTHING_TO_REPORT);
    this.send.flush(NDIS_STATUS_REQUEST_ABORTED);
    this.receive.flush(NDIS_STATUS_REQUEST_ABORTED);
    this.receive.discard();
    this.endRequests(NDIS_STATUS_REQUEST_ABORTED);
    this.tcp.setState(STATE.TcpConnectionClosed);
  }

  /** The engine has lost the connection: it ends as if it had been reset, once the host takes it back. */
  fail(): void {
    this.isAborted = true;
    this.tcp.setState(STATE.TcpConnectionClosed);
  }

  /** The host takes the connection back: nothing is processed any more. */
  beginUpload(): void {
    this.isLive = false;
    this.refuse(this.isAborted ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /**
   * Gives the connection back: every request ends, every timer stops. What is buffered is still there. The engine has
   * nothing that was lent.
   * @param canChain false when there is nowhere to put send NBLs but their completion.
   * @returns the sends that go back in the tree, or null.
   */
  upload(canChain: boolean): NetBufferList | null {
    const status = this.isAborted ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS;
    const chain = canChain && !this.isAborted ? this.send.queue.takeChain() : null;
    this.send.flush(status);
    this.receive.flush(status);
    this.endRequests(status);
    return chain;
  }
}
