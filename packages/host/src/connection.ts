import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TcpOffloadStateCached,
  type BytesConsumed,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadBlockState,
  type ProtocolOffloadBlockList,
  type TcpOffloadStateConst,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import type { Observable } from 'rxjs';

import { changedCached, withoutCommands, type ConnectionChange } from './connection-change.ts';
import type { ConnectionState } from './connection-description.ts';
import { ConnectionTransfer } from './connection-transfer.ts';
import { DataCalls, type CallOwner } from './data-calls.ts';
import { EventSource } from './event-source.ts';
import type { HostAdapter } from './host-adapter.ts';
import type { HostPath } from './host-path.ts';
import { TCP_BLOCKS, type LayerBlocks, type StateClass } from './layer-blocks.ts';
import type { UploadReason, UserUploadReason } from './offload-state.ts';
import { OffloadedObject } from './offloaded-object.ts';
import { ReceivePath } from './receive-path.ts';
import { RequestLedger } from './request-ledger.ts';
import { REQUEST_KIND } from './request-pool.ts';
import type { ConnectionEvent, QueryResult, StateResult, TransferResult, UploadResult } from './results.ts';
import { segmentProblem } from './segment-check.ts';

/** Options of a posted receive. */
export interface ReceiveOptions {
  /** True: complete only when the buffer is full (non-push mode). Default false: PSH or the push timer completes it. */
  readonly noPush?: boolean;
}

/** Options of a disconnect. */
export interface DisconnectOptions {
  /** Last data before the FIN. */
  readonly data?: Uint8Array<ArrayBufferLike>;
  /** True: send RST instead, and drop what is in flight. Default false. */
  readonly abortive?: boolean;
}

const NO_DATA = new Uint8Array(0);

/**
 * A TCP connection that was offloaded. Requests are promises of how they ended; the bytes in them are lent to the target
 * until then, never copied. Data nobody posted a buffer for comes from {@link received$}.
 *
 * It lives once: what comes back at the terminate is offered anew, as another connection.
 */
export class ChimneyConnection extends OffloadedObject implements CallOwner {
  /** Constant state. */
  readonly constState: TcpOffloadStateConst;
  /** Cached state, as offered or last updated, without the flags that are commands. */
  readonly cached: TcpOffloadStateCached;
  /** @internal */
  readonly ledger: RequestLedger;
  /** @internal */
  readonly calls: DataCalls;
  /** @internal */
  readonly transfer: ConnectionTransfer;
  private readonly receivePath: ReceivePath;
  private readonly eventSource: EventSource<ConnectionEvent> = new EventSource<ConnectionEvent>();
  private sendBacklog: number | null = null;
  private isDisconnected = false;
  /** Segments to be forwarded once the connection is offloaded. */
  private forwards: NetBufferList[] | null = null;

  /** @internal Connections are made by `ChimneyHost.offload`. */
  constructor(adapter: HostAdapter, state: ConnectionState) {
    super(adapter, false);
    this.constState = state.tcp.const!;
    this.cached = new TcpOffloadStateCached().copyFrom(state.tcp.cached!);
    this.ledger = new RequestLedger(this);
    this.calls = new DataCalls(this);
    this.receivePath = new ReceivePath(this);
    this.transfer = new ConnectionTransfer(this, state);
  }

  get layer(): 'tcp' {
    return 'tcp';
  }

  /** @internal */
  get blocks(): LayerBlocks {
    return TCP_BLOCKS;
  }

  /** The path it depends on; null once it is the host's. */
  get path(): HostPath | null {
    return this.parent as HostPath | null;
  }

  /**
   * What the target says about the connection; ends when the connection is the host's again. The first subscriber also
   * gets what came before it.
   */
  get events$(): Observable<ConnectionEvent> {
    return this.eventSource.events$;
  }

  /**
   * Received data for which no receive was posted, each chunk a copy that is the subscriber's. While somebody subscribes
   * such data is accepted as far as {@link limitReceived} allows, otherwise it stays with the target. Ends at the peer's
   * FIN, or with the offload.
   */
  get received$(): Observable<Uint8Array<ArrayBuffer>> {
    return this.receivePath.received$;
  }

  /** Bytes that {@link received$} may still take; Infinity unless {@link limitReceived} was called. */
  get receiveLimit(): number {
    return this.receivePath.remainingLimit;
  }

  /** Bytes of sends that the peer has not acknowledged yet. */
  get bytesInFlight(): number {
    return this.ledger.bytesInFlight;
  }

  /** Bytes the target would like to have outstanding; null before it said so. */
  get sendBacklogBytes(): number | null {
    return this.sendBacklog;
  }

  /** How the sends that the connection was offered with ended, one promise per buffer of its `sendData`. */
  get inheritedSends(): readonly Promise<TransferResult>[] {
    return this.transfer.inheritedSends;
  }

  /** What came back with the connection, once it has: also when not {@link terminate} but the host took it back. */
  get uploaded(): Promise<UploadResult> {
    return this.transfer.uploaded;
  }

  /** @internal True while data goes down. */
  get isOpen(): boolean {
    return this.offloadState === 'Offloaded' && this.wanted === null;
  }

  override get isIdle(): boolean {
    return this.holds === 0 && this.calls.depth === 0;
  }

  /**
   * Lets {@link received$} take so many more bytes and leaves what comes then with the target, which fills its window
   * and so holds the peer back. Infinity lifts the limit. @throws TypeError when it is not a number of bytes.
   */
  limitReceived(byteCount: number): void {
    if (byteCount !== Infinity && (!Number.isInteger(byteCount) || byteCount < 0)) throw new TypeError(`ChimneyConnection.limitReceived: ${byteCount} is not a number of bytes`);
    this.receivePath.limitTo(byteCount);
  }

  /**
   * Sends bytes; several buffers are sent as one NET_BUFFER_LIST. They are lent: do not change them until the promise
   * resolves. It does when the peer has acknowledged all of them, or when they come back unsent.
   * `NdisOffloadTcpSend`.
   * @throws TypeError for something else than bytes, and after a disconnect.
   */
  send(data: Uint8Array<ArrayBufferLike> | readonly Uint8Array<ArrayBufferLike>[]): Promise<TransferResult> {
    const [result] = this.sendList([Array.isArray(data) ? (data as readonly Uint8Array[]) : [data as Uint8Array]]);
    return result ?? refused('send: nothing to send');
  }

  /**
   * Sends a list of messages with one call: each becomes a NET_BUFFER_LIST, its buffers MDLs.
   * @returns a promise per message, in order. @throws as {@link send}.
   */
  sendList(messages: readonly (readonly Uint8Array<ArrayBufferLike>[])[]): Promise<TransferResult>[] {
    for (const message of messages) {
      for (const buffer of message) {
        if (!isBytes(buffer)) return messages.map(() => refused('send: data is not a Uint8Array'));
      }
    }
    if (this.isDisconnected) return messages.map(() => refused('send: the connection was disconnected'));
    if (!this.isOpen) return messages.map((message) => this.keepUnsent(message));
    const { requests } = this.adapter.driver;
    const results: Promise<TransferResult>[] = [];
    let head: NetBufferList | null = null;
    let tail: NetBufferList | null = null;
    for (const message of messages) {
      results.push(
        new Promise((resolve, reject) => {
          const { netBufferList } = requests.make(this.ledger, REQUEST_KIND.send, message, resolve, reject);
          if (tail === null) head = netBufferList;
          else tail.next = netBufferList;
          tail = netBufferList;
        }),
      );
    }
    if (head !== null) this.calls.pass(this.adapter.binding, requests, REQUEST_KIND.send, this.handle!, head);
    return results;
  }

  /** The connection is on its way back: what is to be sent goes with it. Otherwise nothing is taken. */
  private keepUnsent(buffers: readonly Uint8Array<ArrayBufferLike>[]): Promise<TransferResult> {
    const { refusal } = this;
    if (refusal === COMES_BACK) this.ledger.keepCopy(buffers);
    return Promise.resolve(refusal);
  }

  /** What a request ends with that cannot go down. */
  private get refusal(): TransferResult {
    return this.offloadState === 'InHost' || this.offloadState === 'Offloading' ? NOT_OFFLOADED : COMES_BACK;
  }

  /**
   * Posts a receive buffer; the target fills it in posting order. `NdisOffloadTcpReceive`. The promise resolves with the
   * number of bytes placed. A buffer of no bytes lets refused data be indicated again.
   * @throws TypeError for something else than bytes.
   */
  receive(buffer: Uint8Array<ArrayBufferLike>, options: ReceiveOptions = {}): Promise<TransferResult> {
    if (!isBytes(buffer)) return refused('receive: the buffer is not a Uint8Array');
    if (!this.isOpen) return Promise.resolve(this.refusal);
    this.receivePath.posted();
    const { requests } = this.adapter.driver;
    return new Promise((resolve, reject) => {
      const { netBufferList } = requests.make(this.ledger, REQUEST_KIND.receive, [buffer], resolve, reject);
      netBufferList.tcpReceiveNoPush = options.noPush ?? false;
      this.calls.pass(this.adapter.binding, requests, REQUEST_KIND.receive, this.handle!, netBufferList);
    });
  }

  /**
   * Closes the send half, with a FIN or a RST. `NdisOffloadTcpDisconnect`. Receiving goes on after a FIN. The offload is
   * not over: {@link terminate} ends it. @throws TypeError when it was called before.
   */
  disconnect(options: DisconnectOptions = {}): Promise<TransferResult> {
    const { data = NO_DATA, abortive = false } = options;
    if (!isBytes(data)) return refused('disconnect: data is not a Uint8Array');
    if (abortive && data.byteLength > 0) return refused('disconnect: an abortive one carries no data');
    if (this.isDisconnected && !abortive) return refused('disconnect: the connection was disconnected before');
    if (!this.isOpen) {
      if (!abortive && this.refusal === COMES_BACK) {
        this.isDisconnected = true;
        this.ledger.isFinKept = true;
      }
      return this.keepUnsent([data]);
    }
    this.isDisconnected = true;
    const { requests } = this.adapter.driver;
    return new Promise((resolve, reject) => {
      // Abortive ones carry nothing that could come back.
      const kind = abortive ? REQUEST_KIND.abort : REQUEST_KIND.disconnect;
      const { netBufferList } = requests.make(this.ledger, kind, [data], resolve, reject);
      const flags = abortive ? TCP_DISCONNECT_ABORTIVE_CLOSE : TCP_DISCONNECT_GRACEFUL_CLOSE;
      this.calls.pass(this.adapter.binding, requests, kind, this.handle!, netBufferList, flags);
    });
  }

  /**
   * Hands down a segment of the connection that the host received and has not acknowledged: its TCP header, options and
   * payload. `NdisOffloadTcpForward`. It is lent until the promise resolves. While the connection is being offloaded it
   * waits; once it is being taken back the host processes the segment itself, and the status says so.
   * @throws TypeError for something else than a segment of this connection (CHIM-FWD-002).
   */
  forward(segment: Uint8Array<ArrayBufferLike>): Promise<TransferResult> {
    if (!isBytes(segment)) return refused('forward: the segment is not a Uint8Array');
    const problem = segmentProblem(segment, this.constState.localPort, this.constState.remotePort);
    if (problem !== '') return refused(`forward: the segment ${problem}`);
    const isWaiting = this.offloadState === 'Offloading' && this.wanted === null;
    if (!this.isOpen && !isWaiting) return Promise.resolve(this.refusal);
    const { requests } = this.adapter.driver;
    return new Promise((resolve, reject) => {
      const { netBufferList } = requests.make(this.ledger, REQUEST_KIND.forward, [segment], resolve, reject);
      if (isWaiting) (this.forwards ??= []).push(netBufferList);
      else this.calls.pass(this.adapter.binding, requests, REQUEST_KIND.forward, this.handle!, netBufferList);
    });
  }

  /** Reads state back (`NdisQueryOffloadState`); waits while the connection is being offloaded. */
  query(kind: StateClass = 'all'): Promise<QueryResult<TcpOffloadState>> {
    return this.adapter.query([this], kind).then(([result]) => result as QueryResult<TcpOffloadState>);
  }

  /**
   * Changes cached state (`NdisUpdateOffload`); what is left out stays. Updates of one connection wait for each other, in
   * order. @throws TypeError for a member that there is not.
   */
  async update(change: ConnectionChange): Promise<StateResult> {
    // What is wrong with it is wrong now; what it comes to depends on the updates before it.
    changedCached(this.cached, change);
    const [result] = await this.adapter.update([{ object: this, cachedThen: () => changedCached(this.cached, change) }]);
    return result!;
  }

  /**
   * Takes the connection back (upload). `NdisTerminateOffload`, as soon as no query or update is under way. Requests on
   * their way end with NDIS_STATUS_UPLOAD_IN_PROGRESS, and what they did not send comes back in the state. Calling it
   * again gives the same promise.
   */
  terminate(reason: UserUploadReason = 'requested'): Promise<UploadResult> {
    const result = this.transfer.terminating();
    this.adapter.want(this, reason);
    this.adapter.pump();
    return result;
  }

  // --- what the host tells the connection ---

  /** @internal Another life cannot begin: the promise of this one is kept. */
  offeredState(block: ProtocolOffloadBlockList): OffloadBlockState {
    if (this.transfer.hasBufferedData) this.receivePath.startRefused();
    return this.transfer.offeredState(block);
  }

  /** @internal */
  override offered(isAccepted: boolean): void {
    this.transfer.offered(isAccepted);
    const { forwards } = this;
    this.forwards = null;
    if (forwards !== null) for (const nbl of forwards) this.passForward(nbl, isAccepted);
  }

  private passForward(nbl: NetBufferList, isAccepted: boolean): void {
    const { requests } = this.adapter.driver;
    if (isAccepted && this.wanted === null) this.calls.pass(this.adapter.binding, requests, REQUEST_KIND.forward, this.handle!, nbl);
    else requests.requestOf(nbl).complete(requests, isAccepted ? NDIS_STATUS_UPLOAD_IN_PROGRESS : NDIS_STATUS_INVALID_STATE, 0);
  }

  /** @internal */
  takeCached(cached: unknown): void {
    this.cached.copyFrom(withoutCommands(cached as TcpOffloadStateCached));
  }

  /** @internal */
  override terminated(block: ProtocolOffloadBlockList, isOver: boolean): void {
    this.transfer.terminated(block, isOver);
  }

  /** @internal */
  override terminateBegun(reason: UploadReason): void {
    this.transfer.begun(reason);
  }

  /** @internal */
  override terminateRefused(error: unknown): void {
    this.transfer.refused(error);
  }

  /** @internal The connection is the host's: whatever it emits ends, and who waits for the terminate is told. */
  override ended(status: NDIS_STATUS): void {
    this.receivePath.end();
    this.eventSource.end();
    this.transfer.ended(status);
  }

  /** @internal `ProtocolTcpOffloadReceiveIndicate`. */
  indicated(netBufferList: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    return this.receivePath.indicated(netBufferList, bytesConsumed);
  }

  /** @internal The target said something. */
  notice(event: ConnectionEvent): void {
    if (event.type === 'sendBacklogChange') this.sendBacklog = event.bytes;
    else if (event.type !== 'retrieve') this.receivePath.end();
    this.eventSource.next(event);
  }

  /** @internal Somebody wants data that was refused. */
  askAgain(): void {
    if (this.isOpen) void this.receive(NO_DATA).catch(ignore);
  }

  /** @internal */
  callsReturned(): void {
    if (this.wanted !== null) this.adapter.pump();
  }

  /** @internal */
  keepList(list: NetBufferList): void {
    const { requests } = this.adapter.driver;
    requests.completeList(list, NDIS_STATUS_UPLOAD_IN_PROGRESS);
  }

  /** @internal */
  uploadAsked(): void {
    this.adapter.wantLater(this, 'requestUpload');
  }
}

/** On its way back, and what was to be sent with it. */
const COMES_BACK: TransferResult = { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 0 };

/** Not with the target: the host's, or still being offloaded. */
const NOT_OFFLOADED: TransferResult = { status: NDIS_STATUS_INVALID_STATE, bytesTransferred: 0 };

/** Also true for a Uint8Array of another realm, such as a worker's or a test environment's. */
function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

function refused(message: string): Promise<never> {
  return Promise.reject(new TypeError(`ChimneyConnection.${message}`));
}

function ignore(): void {
  // A receive that nobody posted fails only with the violation that NDIS reported already.
}
