import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  hasUnacknowledgedFin,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';
import { SendQueue } from './send-queue.ts';
import { seqAdd, seqDelta } from './seq.ts';
import type { TcpObject } from './tcp-object.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/**
 * The sending half of one connection: lends the engine what the host sends, then the FIN, and learns from it what the
 * peer has acknowledged.
 */
export class SendHalf {
  readonly queue: SendQueue;
  /** Bytes lent to the engine and not acknowledged. */
  outstanding = 0;
  /** What sends end with that come now; NDIS_STATUS_SUCCESS while they are taken. */
  refusal: NDIS_STATUS;
  /** True while the engine is being lent bytes: what it raises then has to wait. */
  isLending = false;
  private readonly tcp: TcpObject;
  private readonly adapter: OffloadAdapter;
  /** Bytes acknowledged while more are being lent. */
  private ackedWhileLending = 0;
  /** True when the connection came with a FIN that was not acknowledged. */
  private readonly isFinInherited: boolean;
  private isFinQueued: boolean;
  private isFinLent: boolean;
  private isFinAcked: boolean;
  /** Sequence number of the FIN, once the engine was told of it. */
  private finSeq = 0;

  constructor(tcp: TcpObject, adapter: OffloadAdapter) {
    const { state } = tcp;
    this.tcp = tcp;
    this.adapter = adapter;
    this.queue = new SendQueue(adapter);
    this.isFinAcked = state === STATE.TcpConnectionFinWait2;
    this.isFinLent = this.isFinAcked;
    this.isFinInherited = hasUnacknowledgedFin(state);
    this.isFinQueued = this.isFinAcked || this.isFinInherited;
    this.refusal = this.refusalWhenOpen;
  }

  /** What sends end with while nothing is wrong: they are taken, unless a FIN follows those that there are. */
  private get refusalWhenOpen(): NDIS_STATUS {
    return this.isFinQueued ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_SUCCESS;
  }

  /** Sends are taken again. */
  reopen(): void {
    this.refusal = this.refusalWhenOpen;
  }

  /** Queues the last data and a FIN. */
  close(nbl: NetBufferList): void {
    this.refusal = NDIS_STATUS_REQUEST_ABORTED;
    this.queue.appendDisconnect(nbl);
    this.isFinQueued = true;
  }

  /** Completes all that is pending. The engine has none of it. */
  flush(status: NDIS_STATUS): void {
    this.queue.flush(status);
    this.outstanding = 0;
  }

  /** Lends the engine what it has not got, and then the FIN. */
  transmit(): void {
    const { tcp, adapter, queue } = this;
    if (this.refusal === NDIS_STATUS_UPLOAD_IN_PROGRESS) return;
    const isFinDue = this.isFinQueued && !this.isFinLent;
    if (!queue.hasUnlent && !isFinDue) return;
    adapter.reachability.beforeTransmit(tcp.path.neighbor);
    if (queue.hasUnlent) {
      this.isLending = true;
      this.outstanding += queue.lend(tcp);
      this.isLending = false;
      const acked = this.ackedWhileLending;
      this.ackedWhileLending = 0;
      if (tcp.isFailed) return;
      if (!this.acked(acked)) {
        adapter.faults.accuse(tcp, 'CHIM-ENG-003', `${acked} bytes acknowledged of ${this.outstanding} that were lent`);
        return;
      }
    }
    if (!isFinDue || tcp.isFailed || tcp.dataPath?.isDeaf === true) return;
    this.isFinLent = true;
    this.finSeq = seqAdd(tcp.sndUna, this.outstanding);
    if (tcp.state === STATE.TcpConnectionEstablished) tcp.setState(STATE.TcpConnectionFinWait1);
    else if (tcp.state === STATE.TcpConnectionCloseWait) tcp.setState(STATE.TcpConnectionLastAck);
    adapter.engine.finish(tcp.id);
  }

  /** Number after the last one that the engine may have sent. */
  get lentEnd(): number {
    return seqAdd(this.tcp.sndUna, this.outstanding + (this.isFinLent && !this.isFinAcked ? 1 : 0));
  }

  /** The peer has acknowledged so many more bytes. @returns false when they were not lent. */
  acked(byteCount: number): boolean {
    const { tcp } = this;
    if (this.isLending) {
      // How much was lent is known when the call returns.
      this.ackedWhileLending += byteCount;
      return true;
    }
    if (byteCount > this.outstanding) return false;
    if (byteCount > 0) {
      this.outstanding -= byteCount;
      tcp.sndUna = seqAdd(tcp.sndUna, byteCount);
      tcp.noteProgress();
    }
    this.queue.acknowledge(byteCount);
    return true;
  }

  /** The peer has acknowledged the FIN. @returns false when that cannot be. */
  finAcked(): boolean {
    const { tcp } = this;
    if (!this.isFinLent || this.isFinAcked || this.outstanding > 0) return false;
    this.isFinAcked = true;
    tcp.sndUna = seqAdd(tcp.sndUna, 1);
    tcp.noteProgress();
    this.queue.acknowledge(1);
    if (tcp.state === STATE.TcpConnectionFinWait1) tcp.setState(STATE.TcpConnectionFinWait2);
    else if (tcp.state === STATE.TcpConnectionClosing) tcp.setState(STATE.TcpConnectionTimeWait);
    else if (tcp.state === STATE.TcpConnectionLastAck) tcp.setState(STATE.TcpConnectionClosed);
    tcp.dataPath?.schedule();
    return true;
  }

  /**
   * Gives everything that is not acknowledged back to the host by completion. It is not the target's any more: `SndNxt`
   * goes back to `SndUna`, and the host sends it again from there.
   */
  giveBack(status: NDIS_STATUS): void {
    // The FIN of a connection that came with it has no request to go back with.
    const keepsFin = this.isFinInherited && this.queue.head === null;
    this.flush(status);
    if (this.isFinAcked) return;
    this.isFinQueued = keepsFin;
    this.isFinLent = false;
  }

  /** The state to report, when the engine has sent as far as `sndMax`: a FIN that was not sent closes nothing. */
  stateGiven(sndMax: number): TCP_OFFLOAD_CONNECTION_STATE {
    const { state } = this.tcp;
    if (!this.isFinLent || this.isFinAcked || seqDelta(sndMax, this.finSeq) > 0) return state;
    if (state === STATE.TcpConnectionFinWait1) return STATE.TcpConnectionEstablished;
    return state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck ? STATE.TcpConnectionCloseWait : state;
  }
}
