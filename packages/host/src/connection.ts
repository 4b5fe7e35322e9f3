import type {
  TcpOffloadStateCached} from '@ndis-chimney/types';
import {
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
import { hasSentFin } from './data-in-flight.ts';
import { DataRequests, type DisconnectOptions, type ReceiveOptions } from './data-requests.ts';
import { EventSource } from './event-source.ts';
import type { HostAdapter } from './host-adapter.ts';
import type { HostPath } from './host-path.ts';
import { TCP_BLOCKS, type LayerBlocks, type StateClass } from './layer-blocks.ts';
import type { UploadReason, UserUploadReason } from './offload-state.ts';
import { OffloadedObject } from './offloaded-object.ts';
import { ReceivePath } from './receive-path.ts';
import { RequestLedger } from './request-ledger.ts';
import type { ConnectionEvent, QueryResult, StateResult, TransferResult, UploadResult } from './results.ts';

const NO_DATA = new Uint8Array(0);

/**
 * A TCP connection that was offloaded. Requests are promises of how they ended; the bytes in them are lent to the target
 * until then, never copied. Data nobody posted a buffer for comes from {@link received$}.
 *
 * It lives once: what comes back at the terminate is offered anew, as another connection.
 */
export class ChimneyConnection extends OffloadedObject {
  /** Constant state. */
  readonly constState: TcpOffloadStateConst;
  /** Cached state, as offered or last updated, without the flags that are commands. Connections share it: read it only. */
  get cached(): Readonly<TcpOffloadStateCached> {
    return this.cachedNow;
  }

  /** @internal */
  readonly ledger: RequestLedger;
  /** @internal */
  readonly transfer: ConnectionTransfer;
  /** @internal True when it was offered with its FIN sent: the send half is closed. */
  readonly wasDisconnected: boolean;
  private cachedNow: TcpOffloadStateCached;
  // What an idle connection does without.
  private receivePathOrNull: ReceivePath | null = null;
  private eventsOrNull: EventSource<ConnectionEvent> | null = null;
  private dataOrNull: DataRequests | null = null;
  /** True once nothing more is received. */
  private isReceiveOver = false;
  /** True once the connection is the host's. */
  private isOver = false;
  private sendBacklog: number | null = null;

  /** @internal Connections are made by `ChimneyHost.offload`. */
  constructor(adapter: HostAdapter, state: ConnectionState) {
    super(adapter, false);
    this.constState = state.tcp.const!;
    this.wasDisconnected = hasSentFin(state.tcp.delegated!.state);
    this.cachedNow = adapter.cachedStates.copyOf(state.tcp.cached!);
    this.ledger = new RequestLedger(this);
    this.transfer = new ConnectionTransfer(this, state);
  }

  private get receivePath(): ReceivePath {
    if (this.receivePathOrNull === null) {
      this.receivePathOrNull = new ReceivePath(this);
      if (this.isReceiveOver) this.receivePathOrNull.end();
    }
    return this.receivePathOrNull;
  }

  private get eventSource(): EventSource<ConnectionEvent> {
    if (this.eventsOrNull === null) {
      this.eventsOrNull = new EventSource<ConnectionEvent>();
      if (this.isOver) this.eventsOrNull.end();
    }
    return this.eventsOrNull;
  }

  private get data(): DataRequests {
    return (this.dataOrNull ??= new DataRequests(this));
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
    return this.holds === 0 && (this.dataOrNull?.callDepth ?? 0) === 0;
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
    return result!;
  }

  /**
   * Sends a list of messages with one call: each becomes a NET_BUFFER_LIST, its buffers MDLs.
   * @returns a promise per message, in order. @throws as {@link send}.
   */
  sendList(messages: readonly (readonly Uint8Array<ArrayBufferLike>[])[]): Promise<TransferResult>[] {
    return this.data.sendList(messages);
  }

  /**
   * Posts a receive buffer; the target fills it in posting order. `NdisOffloadTcpReceive`. The promise resolves with the
   * number of bytes placed. A buffer of no bytes lets refused data be indicated again.
   * @throws TypeError for something else than bytes.
   */
  receive(buffer: Uint8Array<ArrayBufferLike>, options: ReceiveOptions = {}): Promise<TransferResult> {
    return this.data.receive(buffer, options);
  }

  /**
   * Closes the send half, with a FIN or a RST. `NdisOffloadTcpDisconnect`. Receiving goes on after a FIN. The offload is
   * not over: {@link terminate} ends it. A second RST has the outcome of the first: one that failed is not repeated.
   * @throws TypeError when a FIN is asked for and it was called before.
   */
  disconnect(options: DisconnectOptions = {}): Promise<TransferResult> {
    return this.data.disconnect(options);
  }

  /**
   * Hands down a segment of the connection that the host received and has not acknowledged: its TCP header, options and
   * payload. `NdisOffloadTcpForward`. It is lent until the promise resolves. While the connection is being offloaded it
   * waits; once it is being taken back the host processes the segment itself, and the status says so.
   * @throws TypeError for something else than a segment of this connection (CHIM-FWD-002).
   */
  forward(segment: Uint8Array<ArrayBufferLike>): Promise<TransferResult> {
    return this.data.forward(segment);
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
    const asked = { ...change };
    const [result] = await this.adapter.update([{ object: this, cachedThen: () => changedCached(this.cached, asked) }]);
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
    this.dataOrNull?.offered(isAccepted);
  }

  /** @internal */
  takeCached(cached: unknown): void {
    this.cachedNow = this.adapter.cachedStates.copyOf(withoutCommands(cached as TcpOffloadStateCached));
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
    this.endReceiving();
    this.isOver = true;
    this.eventsOrNull?.end();
    this.transfer.ended(status);
  }

  /** @internal `ProtocolTcpOffloadReceiveIndicate`. */
  indicated(netBufferList: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    return this.receivePath.indicated(netBufferList, bytesConsumed);
  }

  /** @internal The target said something. */
  notice(event: ConnectionEvent): void {
    if (event.type === 'sendBacklogChange') this.sendBacklog = event.bytes;
    else if (event.type !== 'retrieve') this.endReceiving();
    this.eventSource.next(event);
  }

  /** @internal A receive is posted: what was refused is placed in it. */
  receivePosted(): void {
    this.receivePathOrNull?.posted();
  }

  private endReceiving(): void {
    this.isReceiveOver = true;
    this.receivePathOrNull?.end();
  }

  /** @internal Somebody wants data that was refused. */
  askAgain(): void {
    if (this.isOpen) void this.receive(NO_DATA).catch(ignore);
  }

  /** @internal */
  uploadAsked(): void {
    this.adapter.wantLater(this, 'requestUpload');
  }
}

function ignore(): void {
  // A receive that nobody posted fails only with the violation that NDIS reported already.
}
