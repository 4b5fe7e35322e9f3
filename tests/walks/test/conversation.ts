import { describeConnection, type ChimneyConnection, type ConnectionState, type OffloadResult, type TransferResult, type UploadResult } from '@ndis-chimney/host';
import { present } from '@ndis-chimney/kit';
import type { MemoryPeer } from '@ndis-chimney/target-memory';
import { NDIS_STATUS_INVALID_STATE, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, TCP_OFFLOAD_CONNECTION_STATE, formatNdisStatus, type NDIS_STATUS, type TcpOffloadStateDelegated } from '@ndis-chimney/types';
import type { Subscription } from 'rxjs';

import { concat, differenceFrom, piece } from './pattern.ts';
import { FIRST_SEQ, segmentOf } from './segment.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Ports of the host begin here. */
export const FIRST_PORT = 10_000;

/** Milliseconds that no segment takes longer than. */
const LONGEST_WAY_MS = 20;

const TRANSFER_STATUSES: readonly NDIS_STATUS[] = [
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_UPLOAD_REQUESTED,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_INVALID_STATE,
];

/** States in which the peer's FIN was received. */
const PEER_CLOSED: readonly number[] = [STATE.TcpConnectionCloseWait, STATE.TcpConnectionClosing, STATE.TcpConnectionLastAck, STATE.TcpConnectionTimeWait, STATE.TcpConnectionClosed];

/** States in which a connection is offered. */
const OFFLOADABLE: readonly number[] = [STATE.TcpConnectionEstablished, STATE.TcpConnectionFinWait1, STATE.TcpConnectionFinWait2, STATE.TcpConnectionCloseWait, STATE.TcpConnectionClosing, STATE.TcpConnectionLastAck];

/** What a conversation needs of the walk that it is part of. */
export interface Surroundings {
  readonly faults: string[];
  /** Peers may be given up: the target has no room for those of uploaded connections, or was gone for a while. */
  readonly mayLosePeers: boolean;
  readonly nowMs: number;
  peerOf(hostPort: number): MemoryPeer | null;
  /** Those for which data came up in this pass. */
  readonly arrived: Set<Conversation>;
}

/** Where a conversation stands: lasting, ended by a reset, or lost by the target or the far side. */
export type Fate = 'lasting' | 'reset' | 'lost';

/**
 * One TCP connection through all its offloads, and both of its streams: each byte says by its value where in which
 * stream it belongs, so nothing can be lost, doubled, swapped or changed without being seen.
 */
export class Conversation {
  readonly id: number;
  readonly port: number;
  /** The connection while it is the host's. */
  state: ConnectionState | null;
  connection: ChimneyConnection | null = null;
  isOffering = false;
  peer: MemoryPeer | null = null;
  fate: Fate = 'lasting';
  /** Bytes that were handed over to be sent, and those that the peer has read. */
  outBytes = 0;
  outRead = 0;
  /** Bytes that the peer has written, and those that the host has got. */
  inBytes = 0;
  inRead = 0;
  /** The host has closed its half; the peer has. */
  isOutEnded = false;
  isInEnded = false;
  hasReadEnd = false;
  /** The host has to send a FIN as soon as it can. */
  isFinDue = false;
  /** Requests that have not ended. */
  openRequests = 0;
  /** Forwarded segments of which nothing is known yet. */
  openForwards = 0;
  openWrites = 0;
  private readonly arrivals: Uint8Array[] = [];
  private isReading = false;
  /** From when on the peer has heard of it: before, it would send other data in the same place. */
  private speaksAtMs = 0;
  private subscription: Subscription | null = null;
  private readonly walk: Surroundings;

  constructor(walk: Surroundings, id: number, paths: number, isIPv6: boolean) {
    this.walk = walk;
    this.id = id;
    this.port = FIRST_PORT + id;
    const path = id % paths;
    const far = isIPv6 ? `2001:db8::${(path + 2).toString(16)}` : `192.0.${path >> 7}.${(path & 127) + 2}`;
    this.state = describeConnection({
      local: { address: isIPv6 ? '2001:db8:1::1' : '198.51.100.1', port: this.port },
      remote: { address: far, port: 80 },
      nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 1 + (path % 5)),
      sndNxt: FIRST_SEQ,
      rcvNxt: FIRST_SEQ,
      rcvIndicationSize: id % 3 === 0 ? 300 : 0,
      rcvWnd: id % 4 === 0 ? 2000 : 262_144,
    });
  }

  get isLasting(): boolean {
    return this.fate === 'lasting';
  }

  /** True when it may be offered. */
  get isInHost(): boolean {
    return this.state !== null && !this.isOffering && this.isLasting && OFFLOADABLE.includes(delegatedOf(this.state).state);
  }

  /** True when it will not be offered again, and nothing more is to come of it. */
  get isDone(): boolean {
    return this.state !== null && !this.isOffering && (!this.isLasting || (this.isOver && this.isQuiet));
  }

  /** True while data may go down. */
  get isUsable(): boolean {
    const { connection } = this;
    return connection !== null && connection.offloadState !== 'Offloading' && connection.offloadState !== 'InHost';
  }

  /** True when both streams have arrived as far as they can. */
  get isQuiet(): boolean {
    return this.openRequests === 0 && (this.openWrites === 0 || this.isOver) && this.outRead === this.outBytes && this.inRead === this.inBytes && (this.isOutEnded ? this.hasReadEnd : !this.isFinDue);
  }

  /** True when both ends have closed. Nobody is left then to tell the peer once more that its FIN has come. */
  private get isOver(): boolean {
    const tcpState = this.state === null ? null : delegatedOf(this.state).state;
    return tcpState === STATE.TcpConnectionTimeWait || tcpState === STATE.TcpConnectionClosed;
  }

  /** How far it has come, for messages. */
  get standing(): string {
    const { openRequests, openWrites, isOutEnded, hasReadEnd, isFinDue, isInEnded, peer, state } = this;
    const ends = `${isOutEnded ? 'ended' : isFinDue ? 'to be ended' : 'open'}${hasReadEnd ? ', end read' : ''} / ${isInEnded ? 'ended' : 'open'}`;
    return `${ends}, ${openRequests} requests and ${openWrites} writes open, peer ${peer?.state ?? 'unknown'}, TCP state ${state?.tcp.delegated?.state ?? 'with the target'}`;
  }

  // --- changing hands ---

  offered({ connection, status }: OffloadResult): void {
    this.isOffering = false;
    if (connection === null) {
      if (status === NDIS_STATUS_SUCCESS) this.fault('was offloaded, and there is no connection');
      return;
    }
    this.state = null;
    this.connection = connection;
    this.subscription = null;
    connection.inheritedSends.forEach((sent) => {
      this.follow(sent);
    });
    void connection.uploaded.then((result) => {
      this.cameBack(result);
    });
    if (connection.offloadState === 'InHost') return;
    this.meetPeer();
    if (this.isFinDue) this.close();
  }

  private meetPeer(): void {
    const found = this.walk.peerOf(this.port);
    // One that has closed has all there was; the target does not keep it.
    if (found === null || this.peer?.state === 'closed') return;
    if (this.peer !== null && found !== this.peer) {
      if (!this.isLasting || (this.peer.state === 'reset' && this.walk.mayLosePeers)) this.fate = 'lost';
      else this.fault(`has another peer than before, which is ${this.peer.state}`);
    }
    this.peer = found;
  }

  private cameBack({ status, state }: UploadResult): void {
    this.takeArrivals();
    this.connection = null;
    this.subscription?.unsubscribe();
    this.state = state;
    if (this.openRequests > 0) this.fault(`came back with ${this.openRequests} requests that have not ended`);
    if (status !== NDIS_STATUS_SUCCESS) this.fate = 'lost';
    if (this.isLasting) this.checkHandOver(state.sendData, state.bufferedData);
    // It may have come back before it could be closed.
    this.isFinDue ||= state.isFinPending;
  }

  /** Everything that the peer has not acknowledged came back, and everything that nobody has read. */
  private checkHandOver(sendData: readonly Uint8Array[], bufferedData: Uint8Array): void {
    const { sndUna, rcvNxt, state } = delegatedOf(present(this.state));
    const acknowledged = (sndUna - FIRST_SEQ) | 0;
    const unsent = concat(sendData);
    const isFinAcknowledged = acknowledged === this.outBytes + 1 && this.isOutEnded;
    if (acknowledged + unsent.length !== this.outBytes && !isFinAcknowledged) this.fault(`came back at byte ${acknowledged} with ${unsent.length} of its ${this.outBytes} bytes`);
    this.compare('out', acknowledged, unsent, 'came back to be sent again');
    if (this.peer !== null && acknowledged > this.peer.bytesReceived + 1) this.fault(`was told that ${acknowledged} bytes are acknowledged, and its peer has ${this.peer.bytesReceived}`);
    const received = ((rcvNxt - FIRST_SEQ) | 0) - (PEER_CLOSED.includes(state) ? 1 : 0);
    // What became of a segment that the host handed down and got back is known now.
    if (this.openForwards > 0 || received > this.inBytes) this.inBytes = received;
    if (received !== this.inRead + bufferedData.length) this.fault(`came back with ${received} bytes received, of which ${this.inRead} were read and ${bufferedData.length} came with it`);
    this.compare('in', this.inRead, bufferedData, 'came back unread');
  }

  /** Reads what came back unread; otherwise the target gets it again. */
  readBuffered(): void {
    const { state } = this;
    if (state === null || this.isOffering || state.bufferedData === undefined || !this.isLasting) return;
    this.got(state.bufferedData);
    this.state = { ...state, bufferedData: new Uint8Array(0) };
  }

  /** Sends the data that came back in one piece. */
  joinSendData(): void {
    if (this.state !== null && !this.isOffering) this.state = { ...this.state, sendData: [concat(this.state.sendData ?? [])] };
  }

  // --- the host's end ---

  /** Sends so many messages of so many pieces each. */
  send(messages: number, pieces: number, size: number): void {
    if (this.connection === null || !this.isUsable || this.isOutEnded || !this.isLasting) return;
    const list = Array.from({ length: messages }, () => Array.from({ length: pieces }, () => this.nextOut(size)));
    for (const sent of this.connection.sendList(list)) this.follow(sent);
  }

  private nextOut(size: number): Uint8Array<ArrayBuffer> {
    const bytes = piece(this.id, 'out', this.outBytes, size);
    this.outBytes += size;
    return bytes;
  }

  post(size: number, noPush: boolean): void {
    if (this.connection === null || !this.isUsable) return;
    const buffer = new Uint8Array(size);
    this.follow(this.connection.receive(buffer, { noPush }), ({ bytesTransferred }) => {
      this.got(buffer.subarray(0, bytesTransferred));
    });
  }

  /** Takes what nobody posted a buffer for, up to a limit. @param then done inside the indication of each piece. */
  subscribe(limit: number, then?: (connection: ChimneyConnection) => void): void {
    const { connection } = this;
    if (connection === null) return;
    connection.limitReceived(limit);
    if (this.subscription?.closed === false) return;
    this.subscription = connection.received$.subscribe((chunk) => {
      this.arrivals.push(chunk);
      this.walk.arrived.add(this);
      then?.(connection);
    });
  }

  /** Reads what was indicated, once whoever waited for a receive before it has been told. */
  takeArrivals(): void {
    for (const chunk of this.arrivals.splice(0)) this.got(chunk);
  }

  unsubscribe(): void {
    this.subscription?.unsubscribe();
  }

  close(size = 0): void {
    if (this.connection === null || !this.isUsable || (this.isOutEnded && !this.isFinDue) || !this.isLasting) return;
    this.isFinDue = false;
    this.isOutEnded = true;
    this.follow(this.connection.disconnect({ data: this.nextOut(size) }));
  }

  abort(): void {
    if (this.connection === null || !this.isUsable) return;
    if (this.isLasting) this.fate = 'reset';
    this.isOutEnded = true;
    this.follow(this.connection.disconnect({ abortive: true }));
  }

  /** The host has got the next segment of a silent peer, and hands it down. */
  forward(size: number): void {
    const { connection } = this;
    if (connection === null || !this.isLasting || this.isInEnded || this.openForwards > 0 || this.openWrites > 0 || this.peer === null) return;
    if (this.inRead !== this.inBytes || !this.isUsable) return;
    const at = this.inBytes;
    const segment = segmentOf(this.port, at, piece(this.id, 'in', at, size));
    this.inBytes += size;
    this.openForwards++;
    this.follow(connection.forward(segment), ({ status }) => {
      this.openForwards--;
      this.speaksAtMs = this.walk.nowMs + LONGEST_WAY_MS;
      // The host drops what came back: a peer would send it again.
      if (status !== NDIS_STATUS_SUCCESS && this.state === null && this.inBytes === at + size) this.inBytes = Math.max(at, this.inRead);
    });
  }

  private follow(request: Promise<TransferResult>, then?: (result: TransferResult) => void): void {
    this.openRequests++;
    request.then(
      (result) => {
        this.openRequests--;
        if (!TRANSFER_STATUSES.includes(result.status)) this.fault(`a request ended with ${formatNdisStatus(result.status)}`);
        if (result.status === NDIS_STATUS_REQUEST_ABORTED && this.isLasting) this.fault('a request was aborted, and nobody has reset the connection');
        then?.(result);
      },
      (error: unknown) => {
        this.openRequests--;
        this.fault(`a request failed: ${String(error)}`);
      },
    );
  }

  private got(bytes: Uint8Array): void {
    this.compare('in', this.inRead, bytes, 'was received');
    this.inRead += bytes.length;
    if (this.inRead > this.inBytes && this.isLasting) this.fault(`${this.inRead} bytes were received, and ${this.inBytes} were sent`);
  }

  // --- the peer's end ---

  private get mayPeerSpeak(): boolean {
    return this.isLasting && !this.isInEnded && this.openForwards === 0 && this.walk.nowMs >= this.speaksAtMs;
  }

  write(size: number): void {
    const { peer } = this;
    if (peer === null || !this.mayPeerSpeak) return;
    const bytes = piece(this.id, 'in', this.inBytes, size);
    this.inBytes += size;
    this.wait(peer.write(bytes));
  }

  read(): void {
    const { peer } = this;
    if (peer === null || this.isReading || this.hasReadEnd) return;
    this.isReading = true;
    peer.read().then(
      (chunk) => {
        this.isReading = false;
        if (chunk === null) {
          this.hasReadEnd = true;
          if (this.isLasting && (!this.isOutEnded || this.outRead !== this.outBytes)) this.fault(`its peer has read ${this.outRead} of ${this.outBytes} bytes, and then the end`);
          return;
        }
        this.compare('out', this.outRead, chunk, 'arrived');
        this.outRead += chunk.length;
        if (this.outRead > this.outBytes && this.fate !== 'lost') this.fault(`its peer has read ${this.outRead} bytes, and ${this.outBytes} were sent`);
      },
      (error: unknown) => {
        this.isReading = false;
        this.broke(error);
      },
    );
  }

  end(): void {
    if (this.peer === null || !this.mayPeerSpeak) return;
    this.isInEnded = true;
    this.wait(this.peer.end());
  }

  reset(): void {
    if (this.peer === null || !this.isLasting) return;
    this.fate = 'reset';
    this.peer.reset();
  }

  private wait(done: Promise<void>): void {
    this.openWrites++;
    done.then(
      () => {
        this.openWrites--;
      },
      (error: unknown) => {
        this.openWrites--;
        this.broke(error);
      },
    );
  }

  private broke(error: unknown): void {
    if (!this.isLasting) return;
    if (!this.walk.mayLosePeers) this.fault(`its peer failed: ${String(error)}`);
    this.fate = 'lost';
  }

  // --- what is wrong ---

  private compare(direction: 'in' | 'out', at: number, bytes: Uint8Array, what: string): void {
    // A new peer does not know where the one that was given up had stopped.
    if (this.fate === 'lost') return;
    const difference = differenceFrom(this.id, direction, at, bytes);
    if (difference >= 0) this.fault(`byte ${at + difference} that ${what} is not the one that was sent`);
  }

  fault(what: string): void {
    this.walk.faults.push(`connection ${this.port}: ${what}`);
  }
}

function delegatedOf({ tcp }: ConnectionState): TcpOffloadStateDelegated {
  return present(tcp.delegated);
}
