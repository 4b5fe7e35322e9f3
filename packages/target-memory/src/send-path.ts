import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  netBufferListDataLength,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import type { ConnectionEngine } from './connection-engine.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import { SendQueue } from './send-queue.ts';
import { seqAdd, seqDelta, seqLess } from './seq.ts';
import type { TcpObject } from './tcp-object.ts';
import { SEGMENT } from './wire.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/**
 * The sending half of one connection: numbers what is queued, sends it in segments within the peer's window, and learns
 * from acknowledgments what is done. Nothing is lost on the way, so nothing is sent again, except what the host hands
 * over as sent once already.
 */
export class SendPath {
  readonly queue: SendQueue;
  /** What sends end with that come now; NDIS_STATUS_SUCCESS while they are taken. */
  refusal: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  private readonly engine: ConnectionEngine;
  private readonly tcp: TcpObject;
  private readonly adapter: MemoryAdapter;
  private isFinQueued = false;
  private isFinSent = false;
  private isFinAcked = false;
  /** Sequence number of the FIN, once it was sent. */
  private finSeq = 0;

  constructor(engine: ConnectionEngine) {
    this.engine = engine;
    this.tcp = engine.tcp;
    this.adapter = engine.adapter;
    this.queue = new SendQueue(engine.adapter, engine.tcp.sndUna);
    const { state } = engine.tcp;
    this.isFinAcked = state === STATE.TcpConnectionFinWait2;
    this.isFinSent = this.isFinAcked;
    this.isFinQueued = this.isFinAcked || hasUnacknowledgedFin(state);
    if (this.isFinQueued) this.refusal = NDIS_STATUS_REQUEST_ABORTED;
  }

  /** Queues sends, or ends them at once. */
  send(list: NetBufferList): void {
    if (this.refusal === NDIS_STATUS_SUCCESS) this.queue.append(list);
    else this.adapter.completions.addAll(COMPLETION.send, list, this.refusal);
  }

  /** Queues the last data and a FIN. */
  close(nbl: NetBufferList): void {
    this.refusal = NDIS_STATUS_REQUEST_ABORTED;
    this.queue.appendDisconnect(nbl);
    this.isFinQueued = true;
  }

  /** Takes over the send data of an initiate, `SndUna` at its first byte; checked against the sequence numbers. */
  takeOver(chain: NetBufferList | null): void {
    const { tcp, queue } = this;
    const chainBytes = chain === null ? 0 : queue.append(chain);
    const sent = seqDelta(tcp.sndNxt, tcp.sndUna);
    queue.unsent -= Math.min(sent, chainBytes);
    if (!hasUnacknowledgedFin(tcp.state) || sent <= chainBytes) return;
    this.isFinSent = true;
    this.finSeq = seqAdd(tcp.sndUna, chainBytes);
  }

  /** What the host had sent and not seen acknowledged is on its way still. */
  resumeInFlight(nowMs: number): void {
    const { tcp } = this;
    const { toPeer } = this.engine;
    const hasFin = this.isFinSent && !this.isFinAcked;
    const end = hasFin ? this.finSeq : tcp.sndNxt;
    const segmentBytes = this.segmentBytes();
    for (let seq = tcp.sndUna; seqLess(seq, end);) {
      const length = Math.min(segmentBytes, seqDelta(end, seq));
      toPeer.push(nowMs, 0, seq, length, 0);
      seq = seqAdd(seq, length);
    }
    if (hasFin) toPeer.push(nowMs, SEGMENT.FIN, this.finSeq, 0, 0);
  }

  /** Sends what the window admits. */
  transmit(nowMs: number): void {
    const { tcp, queue } = this;
    // NBLs without data wait for nothing but their turn.
    if (queue.unsent === 0) queue.completeAcknowledged();
    const segmentBytes = this.segmentBytes();
    while (queue.unsent > 0) {
      const room = seqDelta(seqAdd(tcp.sndUna, tcp.sndWnd), tcp.sndNxt);
      if (room <= 0) return;
      const length = Math.min(segmentBytes, queue.unsent, room);
      queue.unsent -= length;
      this.push(nowMs, 0, length, length);
    }
    if (!this.isFinQueued || this.isFinSent) return;
    this.isFinSent = true;
    this.finSeq = tcp.sndNxt;
    this.push(nowMs, SEGMENT.FIN, 0, 1);
    if (tcp.state === STATE.TcpConnectionEstablished) tcp.setState(STATE.TcpConnectionFinWait1);
    else if (tcp.state === STATE.TcpConnectionCloseWait) tcp.setState(STATE.TcpConnectionLastAck);
  }

  /** @param numbers sequence numbers the segment takes. */
  private push(nowMs: number, flags: number, length: number, numbers: number): void {
    const { tcp } = this;
    const known = seqDelta(tcp.sndMax, tcp.sndNxt);
    tcp.statistics.countOut(length, known > 0, known < numbers);
    this.engine.toPeer.push(nowMs, flags, tcp.sndNxt, length, 0);
    tcp.sndNxt = seqAdd(tcp.sndNxt, numbers);
    if (seqLess(tcp.sndMax, tcp.sndNxt)) tcp.sndMax = tcp.sndNxt;
  }

  /** Most bytes of data in one segment: of the target, of what the peer announced, of the path. */
  private segmentBytes(): number {
    const { path, remoteMss } = this.tcp;
    const { pathMtu } = path.cached;
    let bytes = this.adapter.options.maxSegmentBytes;
    if (remoteMss > 0) bytes = Math.min(bytes, remoteMss);
    if (pathMtu > 0) bytes = Math.min(bytes, pathMtu - path.headerBytes);
    return Math.max(1, bytes);
  }

  /** The peer has everything before `ack`, and room for `window` bytes after it. */
  acknowledged(ack: number, window: number): void {
    const { tcp } = this;
    const count = seqDelta(ack, tcp.sndUna);
    // Beyond what was sent: the peer has it from before, and says so again when it was sent again.
    if (count < 0 || seqLess(tcp.sndNxt, ack)) return;
    tcp.sndWnd = window;
    tcp.maxSndWnd = Math.max(tcp.maxSndWnd, window);
    tcp.sendWL1 = tcp.rcvNxt;
    if (count === 0) return;
    tcp.sndUna = ack;
    tcp.totalRT = 0;
    tcp.path.neighbor.reachableAtTicks = this.adapter.nowTicks;
    this.queue.acknowledge(count, ack);
    if (this.isFinSent && !this.isFinAcked && ack === seqAdd(this.finSeq, 1)) this.finAcknowledged();
  }

  private finAcknowledged(): void {
    const { tcp } = this;
    this.isFinAcked = true;
    if (tcp.state === STATE.TcpConnectionFinWait1) tcp.setState(STATE.TcpConnectionFinWait2);
    else if (tcp.state === STATE.TcpConnectionClosing) tcp.setState(STATE.TcpConnectionTimeWait);
    else if (tcp.state === STATE.TcpConnectionLastAck) tcp.setState(STATE.TcpConnectionClosed);
  }

  /**
   * Gives everything that is not acknowledged back to the host by completion. It is not the target's any more: `SndNxt`
   * goes back to `SndUna`, and the host sends it again from there.
   */
  giveBack(status: NDIS_STATUS): void {
    const { tcp } = this;
    if (this.queue.head === null) return;
    this.engine.toPeer.clear();
    this.queue.flush(status);
    tcp.sndNxt = tcp.sndUna;
    this.queue.restart(tcp.sndUna);
    if (this.isFinAcked) return;
    this.isFinQueued = false;
    this.isFinSent = false;
  }

  /**
   * Gives the sends back as a chain, for the tree of a terminate; what cannot be in one is completed.
   * @returns the chain, its first byte `SndUna`, or null when there is none.
   */
  giveBackChain(status: NDIS_STATUS): NetBufferList | null {
    const { tcp, queue } = this;
    const chain = queue.takeChain();
    if (chain === null) {
      this.giveBack(status);
      return null;
    }
    if (queue.head === null) return chain;
    // The data and the FIN of a disconnect go back with its NBL.
    queue.flush(status);
    let end = tcp.sndUna;
    for (let nbl: NetBufferList | null = chain; nbl !== null; nbl = nbl.next) end = seqAdd(end, netBufferListDataLength(nbl));
    if (seqLess(end, tcp.sndNxt)) tcp.sndNxt = end;
    return chain;
  }

  /** Sends are taken again, after an upload that was asked for is not wanted any more. */
  reopen(): void {
    this.refusal = this.isFinQueued ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_SUCCESS;
  }
}

/** True in the states in which the host's FIN was sent, or is to be sent, and is not acknowledged. */
export function hasUnacknowledgedFin(state: number): boolean {
  return state === STATE.TcpConnectionFinWait1 || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck;
}
