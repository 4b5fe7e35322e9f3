import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OffloadBlockState,
  TcpOffloadStateCached,
  TcpOffloadStateDelegated,
  timestampAt,
  timestampDelta,
  type NDIS_STATUS,
  type NetBufferList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { ConnectionState } from './connection-description.ts';
import type { ChimneyConnection } from './connection.ts';
import { hasSentFin } from './data-in-flight.ts';
import { ageDelegatedState } from './inherited-timers.ts';
import type { UploadReason } from './offload-state.ts';
import { copyOfChain } from './received-data.ts';
import { REQUEST_KIND, type TransferRequest } from './request-pool.ts';
import type { TransferResult, UploadResult, UploadedState } from './results.ts';

const NOTHING: Uint8Array<ArrayBufferLike> = new Uint8Array(0);

/**
 * How one connection changes hands: what goes down with it at the initiate, and what comes back at the terminate.
 * Delegated state, data in flight both ways, and the timestamp clock.
 */
export class ConnectionTransfer {
  /** See `ChimneyConnection.inheritedSends`. */
  inheritedSends: readonly Promise<TransferResult>[] = [];
  private readonly connection: ChimneyConnection;
  /** What the connection was offered with; null once it is offloaded. */
  private state: ConnectionState | null;
  private readonly stackDelta: number;
  /** The layers below, as of the terminate. */
  private layers: Pick<ConnectionState, 'pathType' | 'neighbor' | 'path'> | null = null;
  /** NBLs over undelivered data, while the target has not copied them. */
  private buffered: NetBufferList | null = null;
  /** What the target gave back. */
  private delegated: TcpOffloadStateDelegated | null = null;
  private bufferedData: Uint8Array<ArrayBufferLike> = NOTHING;
  private wasLost = false;
  private reason: UploadReason = 'requested';
  private promise: Promise<UploadResult> | null = null;
  private resolve: ((result: UploadResult) => void) | null = null;
  /** What a terminate that was asked for has to say; anew after one that NDIS refused. */
  private asked: Promise<UploadResult> | null = null;
  private reject: ((error: unknown) => void) | null = null;
  private result: UploadResult | null = null;

  constructor(connection: ChimneyConnection, state: ConnectionState) {
    this.connection = connection;
    this.state = state;
    this.stackDelta = state.stackDelta ?? 0;
  }

  get hasBufferedData(): boolean {
    return (this.state?.bufferedData?.byteLength ?? 0) > 0;
  }

  // --- down ---

  /** The state to offer, with everything in flight attached to the block. */
  offeredState(block: ProtocolOffloadBlockList): TcpOffloadState {
    const { adapter, constState, cached } = this.connection;
    const state = this.state!;
    const delegated = new TcpOffloadStateDelegated().copyFrom(state.tcp.delegated!);
    if (state.uploadedAtMs !== undefined) ageDelegatedState(delegated, adapter.ticksOf(adapter.nowMs - state.uploadedAtMs));
    delegated.tsTime = timestampAt(adapter.nowTicks, this.stackDelta);
    delegated.sendDataHead = null;
    delegated.sendDataTail = null;
    this.attachSends(block, delegated, state.sendData ?? []);
    if (this.hasBufferedData) this.buffered = adapter.driver.requests.describe([state.bufferedData!]);
    delegated.bufferedData = this.buffered;
    return new OffloadBlockState(constState, new TcpOffloadStateCached().copyFrom(cached), delegated);
  }

  /** One NBL with one NET_BUFFER per buffer, from `SndUna` on. They end by send completions like all others. */
  private attachSends(block: ProtocolOffloadBlockList, delegated: TcpOffloadStateDelegated, sendData: readonly Uint8Array<ArrayBufferLike>[]): void {
    const { adapter, ledger } = this.connection;
    const promises: Promise<TransferResult>[] = [];
    let tail: NetBufferList | null = null;
    for (const buffer of sendData) {
      if (buffer.byteLength === 0) continue;
      promises.push(
        new Promise((resolve, reject) => {
          const { netBufferList } = adapter.driver.requests.make(ledger, REQUEST_KIND.send, [buffer], resolve, reject);
          if (tail === null) block.netBufferListChain = netBufferList;
          else tail.next = netBufferList;
          tail = netBufferList;
        }),
      );
    }
    for (const promise of promises) promise.catch(ignore);
    this.inheritedSends = promises;
    delegated.sendDataHead = block.netBufferListChain;
    delegated.sendDataTail = tail;
  }

  /** The initiate has ended. What was attached to a connection that was refused is still the host's. */
  offered(isAccepted: boolean): void {
    const { adapter, ledger } = this.connection;
    const { requests } = adapter.driver;
    if (this.buffered !== null) requests.release(this.buffered);
    this.buffered = null;
    if (isAccepted) {
      // The data is the target's now, and so are the numbers that go with it.
      this.state = null;
      return;
    }
    for (let request: TransferRequest | null = ledger.head; request !== null; ) {
      const { next, kind }: TransferRequest = request;
      if (kind === REQUEST_KIND.send) {
        request.netBufferList.next = null;
        request.complete(requests, NDIS_STATUS_FAILURE, 0);
      }
      request = next;
    }
  }

  // --- up ---

  /** What comes back, once it has. */
  get uploaded(): Promise<UploadResult> {
    this.promise ??= new Promise((resolve) => {
      // Made once, by `ended`: whoever asks from inside the last change of state waits for that.
      if (this.result === null) this.resolve = resolve;
      else resolve(this.result);
    });
    return this.promise;
  }

  /** The same for whoever asks for the terminate: it fails when NDIS refuses that. */
  terminating(): Promise<UploadResult> {
    this.asked ??= new Promise((resolve, reject) => {
      void this.uploaded.then(resolve);
      this.reject = reject;
    });
    return this.asked;
  }

  /** NDIS refused the terminate: who asked for it may ask again. */
  refused(error: unknown): void {
    const { reject } = this;
    this.asked = null;
    this.reject = null;
    reject?.(error);
  }

  /** A terminate goes down, for this reason. */
  begun(reason: UploadReason): void {
    this.reason = reason;
    const { path } = this.connection;
    const neighbor = path?.neighbor ?? null;
    // What they are now: updates and relinks included.
    if (path !== null && neighbor !== null) this.layers = { pathType: path.blocks.types.all as ConnectionState['pathType'], neighbor: neighbor.offeredState(), path: path.offeredState() };
  }

  /** A terminate has completed. `isOver` false: the target lost the connection, and another terminate follows. */
  terminated(block: ProtocolOffloadBlockList, isOver: boolean): void {
    const { adapter, ledger } = this.connection;
    const { requests } = adapter.driver;
    const { delegated } = block.state as TcpOffloadState;
    const chain = block.netBufferListChain;
    block.netBufferListChain = null;
    if (chain !== null) requests.completeList(chain, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    const buffered = delegated?.bufferedData ?? null;
    if (delegated !== null && buffered !== null) {
      this.bufferedData = copyOfChain(buffered);
      delegated.bufferedData = null;
      adapter.driver.returnLater(adapter, buffered);
    }
    this.delegated = delegated;
    if (!isOver) {
      this.wasLost = true;
      return;
    }
    if (ledger.head !== null) this.reportMissing();
  }

  /** Requests that neither were completed nor came back in the tree: the driver below lost them (CHIM-TRM-007). */
  private reportMissing(): void {
    const { adapter, ledger } = this.connection;
    const requests: TransferRequest[] = [];
    for (let request = ledger.head; request !== null; request = request.next) requests.push(request);
    adapter.report(
      'CHIM-TRM-007',
      `the terminate completed with ${requests.length} requests neither completed nor handed back`,
      requests.map((request) => request.netBufferList),
      'nf-ndischimney-ndismterminateoffloadcomplete.md',
    );
    for (const request of requests) request.abandon(NDIS_STATUS_FAILURE);
  }

  /** The connection is the host's. */
  ended(status: NDIS_STATUS): void {
    const { resolve } = this;
    if (status !== NDIS_STATUS_SUCCESS) {
      // Given up: what is still on its way will not come back.
      for (let request = this.connection.ledger.head; request !== null; request = this.connection.ledger.head) request.abandon(NDIS_STATUS_FAILURE);
    }
    this.result = this.resultNow(this.wasLost ? NDIS_STATUS_FAILURE : status);
    if (this.state === null) this.connection.adapter.driver.uploads.next(this.result);
    this.resolve = null;
    resolve?.(this.result);
  }

  private resultNow(status: NDIS_STATUS): UploadResult {
    return { connection: this.connection, status, reason: this.reason, state: this.uploadedState() };
  }

  private uploadedState(): UploadedState {
    const { adapter, constState, cached, ledger } = this.connection;
    const { state } = this;
    const delegated = this.delegated ?? new TcpOffloadStateDelegated().copyFrom(state?.tcp.delegated ?? new TcpOffloadStateDelegated());
    delegated.sendDataHead = null;
    delegated.sendDataTail = null;
    const isBack = state === null;
    const { pathType, neighbor, path } = this.layers ?? state!;
    return {
      pathType,
      neighbor,
      path,
      tcp: new OffloadBlockState(constState, new TcpOffloadStateCached().copyFrom(cached), delegated),
      delegated,
      sendData: isBack ? ledger.takeKept() : [...(state.sendData ?? [])],
      bufferedData: isBack ? this.bufferedData : (state.bufferedData ?? NOTHING),
      isFinPending: ledger.isFinKept && !hasSentFin(delegated.state),
      stackDelta: isBack ? timestampDelta(delegated.tsTime, adapter.nowTicks) : this.stackDelta,
      uploadedAtMs: isBack ? adapter.nowMs : (state.uploadedAtMs ?? adapter.nowMs),
    };
  }
}

function ignore(): void {
  // An inherited send that NDIS refused fails with the initiate, whose promise says so.
}
