import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_EVENT_TYPE,
  TcpOffloadStateDelegated,
  netBufferListBytes,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisBinding,
  type NetBufferList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { Observable, Subject } from 'rxjs';

import { ConnectionBlocks, initiateStatusOf, tcpBlockOf, terminateStatusOf } from './connection-blocks.ts';
import type { ConnectionState } from './connection-description.ts';
import type { HostServices } from './host-services.ts';
import { copyOfChain } from './received-data.ts';
import type { RequestOwner, TransferRequest } from './request-pool.ts';
import type { ConnectionEvent, ConnectionOffloadState, OffloadResult, TerminateResult, TransferResult } from './results.ts';
import { isMandatoryUpload } from './upload-reasons.ts';

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

/**
 * A TCP connection that was offloaded. Requests are promises of how they ended; the bytes in them are lent to the target
 * until then, never copied. Data nobody posted a buffer for comes from {@link received$}.
 */
export class ChimneyConnection implements RequestOwner {
  /** What the target says about the connection; ends when the connection is the host's again. */
  readonly events$: Observable<ConnectionEvent>;
  /**
   * Received data for which no receive was posted, each chunk a copy that is the subscriber's. While somebody subscribes
   * such data is accepted, otherwise it stays with the target. Ends at the peer's FIN, or with the offload.
   */
  readonly received$: Observable<Uint8Array<ArrayBuffer>>;
  /** Requests on their way. */
  readonly pending: Set<TransferRequest> = new Set<TransferRequest>();
  /** The state the connection was offered with, and after a terminate what came back. */
  readonly state: ConnectionState;
  private readonly services: HostServices;
  private readonly binding: NdisBinding;
  private readonly blocks: ConnectionBlocks<ChimneyConnection>;
  private readonly events = new Subject<ConnectionEvent>();
  private readonly received = new Subject<Uint8Array<ArrayBuffer>>();
  private offloadStateNow: ConnectionOffloadState = 'InHost';
  private isDisconnected = false;
  private isRefused = false;
  private resolveOffload: ((result: OffloadResult) => void) | null = null;
  private terminating: Promise<TerminateResult> | null = null;
  private resolveTerminate: ((result: TerminateResult) => void) | null = null;
  private delegated = new TcpOffloadStateDelegated();
  private terminateStatus: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  private offloadStatus: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  private bufferedData = new Uint8Array(0);

  /** @internal Connections are made by `ChimneyHost.offload`. */
  constructor(services: HostServices, binding: NdisBinding, state: ConnectionState) {
    this.services = services;
    this.binding = binding;
    this.state = state;
    this.blocks = new ConnectionBlocks<ChimneyConnection>(binding, this, state);
    this.events$ = this.events.asObservable();
    this.received$ = new Observable((subscriber) => {
      const subscription = this.received.subscribe(subscriber);
      // What was refused is offered again once a receive is posted; one without a buffer will do.
      if (this.isRefused && this.offloadStateNow === 'Offloaded') void this.receive(new Uint8Array(0));
      return subscription;
    });
  }

  /** Whose the connection is now. */
  get offloadState(): ConnectionOffloadState {
    return this.offloadStateNow;
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
    if (this.offloadStateNow !== 'Offloaded') return messages.map(() => Promise.resolve(NOT_OFFLOADED));
    const { requests } = this.services;
    const results: Promise<TransferResult>[] = [];
    let head: NetBufferList | null = null;
    let tail: NetBufferList | null = null;
    for (const message of messages) {
      results.push(
        new Promise((resolve) => {
          const { netBufferList } = requests.make(this, message, resolve);
          if (tail === null) head = netBufferList;
          else tail.next = netBufferList;
          tail = netBufferList;
        }),
      );
    }
    if (head !== null) this.binding.offloadTcpSend(this.blocks.tcp, head);
    return results;
  }

  /**
   * Posts a receive buffer; the target fills it in posting order. `NdisOffloadTcpReceive`. The promise resolves with the
   * number of bytes placed. A buffer of no bytes lets refused data be indicated again.
   * @throws TypeError for something else than bytes.
   */
  receive(buffer: Uint8Array<ArrayBufferLike>, options: ReceiveOptions = {}): Promise<TransferResult> {
    if (!isBytes(buffer)) return refused('receive: the buffer is not a Uint8Array');
    if (this.offloadStateNow !== 'Offloaded') return Promise.resolve(NOT_OFFLOADED);
    this.isRefused = false;
    return new Promise((resolve) => {
      const { netBufferList } = this.services.requests.make(this, [buffer], resolve);
      netBufferList.tcpReceiveNoPush = options.noPush ?? false;
      this.binding.offloadTcpReceive(this.blocks.tcp, netBufferList);
    });
  }

  /**
   * Closes the send half, with a FIN or a RST. `NdisOffloadTcpDisconnect`. Receiving goes on after a FIN. The offload is
   * not over: {@link terminate} ends it. @throws TypeError when it was called before.
   */
  disconnect(options: DisconnectOptions = {}): Promise<TransferResult> {
    const { data = new Uint8Array(0), abortive = false } = options;
    if (!isBytes(data)) return refused('disconnect: data is not a Uint8Array');
    if (abortive && data.byteLength > 0) return refused('disconnect: an abortive one carries no data');
    if (this.isDisconnected && !abortive) return refused('disconnect: the connection was disconnected before');
    if (this.offloadStateNow !== 'Offloaded') return Promise.resolve(NOT_OFFLOADED);
    this.isDisconnected = true;
    return new Promise((resolve) => {
      const { netBufferList } = this.services.requests.make(this, [data], resolve);
      const flags = abortive ? TCP_DISCONNECT_ABORTIVE_CLOSE : TCP_DISCONNECT_GRACEFUL_CLOSE;
      this.binding.offloadTcpDisconnect(this.blocks.tcp, netBufferList, flags);
    });
  }

  /**
   * Takes the connection back (upload). `NdisTerminateOffload`. Requests on their way end with
   * NDIS_STATUS_UPLOAD_IN_PROGRESS. Calling it again gives the same promise.
   */
  terminate(): Promise<TerminateResult> {
    this.terminating ??= new Promise((resolve) => {
      this.resolveTerminate = resolve;
      if (this.offloadStateNow === 'Offloaded') this.startTerminate();
      else if (this.offloadStateNow === 'InHost') this.endTerminate();
    });
    return this.terminating;
  }

  /** @internal Offers the connection. */
  offload(): Promise<OffloadResult> {
    this.offloadStateNow = 'Offloading';
    return new Promise((resolve) => {
      this.resolveOffload = resolve;
      this.binding.initiateOffload(this.blocks.initiateTree());
    });
  }

  /** @internal `ProtocolInitiateOffloadComplete`. */
  initiateCompleted(root: ProtocolOffloadBlockList): void {
    this.offloadStatus = initiateStatusOf(root);
    if (this.offloadStatus === NDIS_STATUS_SUCCESS) {
      this.offloadStateNow = 'Offloaded';
      this.endOffload(this);
      if (this.resolveTerminate !== null) this.startTerminate();
      return;
    }
    // What was offloaded below the failed layer goes back before the caller is told.
    this.startTerminate();
  }

  private endOffload(connection: ChimneyConnection | null): void {
    const { resolveOffload } = this;
    this.resolveOffload = null;
    resolveOffload?.({ status: this.offloadStatus, connection });
  }

  private startTerminate(): void {
    this.offloadStateNow = 'Uploading';
    this.delegated = new TcpOffloadStateDelegated();
    const tree = this.blocks.terminateTree(this.delegated);
    if (tree === null) this.endTerminate();
    else this.binding.terminateOffload(tree);
  }

  /** @internal `ProtocolTerminateOffloadComplete`. */
  terminateCompleted(root: ProtocolOffloadBlockList): void {
    const status = terminateStatusOf(root);
    if (status !== NDIS_STATUS_SUCCESS) this.terminateStatus = status;
    this.takeBackSends(tcpBlockOf(root));
    const { bufferedData } = this.delegated;
    if (bufferedData !== null) {
      this.bufferedData = copyOfChain(bufferedData);
      this.delegated.bufferedData = null;
      this.services.returnLater(this.binding, bufferedData);
    }
    // A target that lost the state says so by events, and expects a second terminate then; see takeEvent.
    if (status === NDIS_STATUS_SUCCESS) this.endTerminate();
  }

  /** Sends that come back inside the tree, and sends that do not come back at all. */
  private takeBackSends(block: ProtocolOffloadBlockList): void {
    const { requests } = this.services;
    let nbl = block.netBufferListChain;
    block.netBufferListChain = null;
    while (nbl !== null) {
      const { next }: NetBufferList = nbl;
      const request = requests.requestOf(nbl);
      const unacknowledged = nbl.firstNetBuffer?.dataLength ?? 0;
      nbl.next = null;
      requests.release(nbl);
      request.end(NDIS_STATUS_UPLOAD_IN_PROGRESS, request.byteLength - unacknowledged);
      nbl = next;
    }
    if (this.pending.size === 0) return;
    this.services.reportLost(this.binding, [...this.pending].map((request) => request.netBufferList));
    for (const request of this.pending) request.end(NDIS_STATUS_FAILURE, 0);
  }

  private endTerminate(): void {
    this.offloadStateNow = 'InHost';
    const { resolveTerminate } = this;
    this.resolveTerminate = null;
    this.state.tcp.delegated = this.delegated;
    this.services.remove(this);
    this.received.complete();
    this.events.complete();
    this.endOffload(null);
    resolveTerminate?.({ status: this.terminateStatus, state: this.delegated, bufferedData: this.bufferedData });
  }

  /** @internal `ProtocolTcpOffloadReceiveIndicate`. */
  indicated(netBufferList: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    if (!this.received.observed) {
      this.isRefused = true;
      bytesConsumed.value = 0;
      return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    }
    const bytes = netBufferListBytes(netBufferList);
    bytesConsumed.value = bytes.length;
    this.services.returnLater(this.binding, netBufferList);
    this.received.next(bytes);
    return NDIS_STATUS_SUCCESS;
  }

  /** @internal `ProtocolTcpOffloadEvent`. */
  takeEvent(eventType: number, information: number): void {
    switch (eventType) {
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange:
        this.events.next({ type: 'sendBacklogChange', bytes: information });
        break;
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect:
        this.received.complete();
        this.events.next({ type: 'disconnect' });
        break;
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve: {
        const isMandatory = isMandatoryUpload(information);
        this.events.next({ type: 'retrieve', reason: information, isMandatory });
        if (isMandatory) this.services.uploadLater(this);
        break;
      }
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort:
        this.received.complete();
        this.events.next({ type: 'abort' });
        this.services.uploadLater(this);
        break;
      default:
    }
  }

  /** @internal Uploads because the target asked: a first time, or again after it failed to. */
  uploadNow(): void {
    if (this.offloadStateNow === 'Offloaded') void this.terminate();
    else if (this.offloadStateNow === 'Uploading' && this.blocks.tcp.state === 'lost') this.startTerminate();
  }
}

/** The connection is the host's, or about to be: as if the target had given the request back. */
const NOT_OFFLOADED: TransferResult = { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 0 };

/** Also true for a Uint8Array of another realm, such as a worker's or a test environment's. */
function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

function refused(message: string): Promise<never> {
  return Promise.reject(new TypeError(`ChimneyConnection.${message}`));
}
