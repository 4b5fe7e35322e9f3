import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';
import { DataCalls, type CallOwner } from './data-calls.ts';
import { REQUEST_KIND } from './request-pool.ts';
import type { TransferResult } from './results.ts';
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
 * What is asked of one connection's data: checks the arguments, decides whether it goes down, and makes requests of it.
 * The methods are documented where they are public, at `ChimneyConnection`.
 */
export class DataRequests implements CallOwner {
  private readonly connection: ChimneyConnection;
  private readonly calls: DataCalls = new DataCalls(this);
  private isDisconnected: boolean;
  /** The abortive disconnect that went down: one that failed is not repeated. */
  private abort: Promise<TransferResult> | null = null;
  /** Segments to be forwarded once the connection is offloaded. */
  private forwards: NetBufferList[] | null = null;

  constructor(connection: ChimneyConnection) {
    this.connection = connection;
    this.isDisconnected = connection.wasDisconnected;
  }

  /** Calls that have not returned. */
  get callDepth(): number {
    return this.calls.depth;
  }

  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  sendList(messages: readonly (readonly Uint8Array<ArrayBufferLike>[])[]): Promise<TransferResult>[] {
    for (const message of messages) {
      for (const buffer of message) {
        if (!isBytes(buffer)) return messages.map(() => refused('send: data is not a Uint8Array'));
      }
    }
    if (this.isDisconnected) return messages.map(() => refused('send: the connection was disconnected'));
    if (!this.connection.isOpen) return messages.map((message) => this.keepUnsent(message));
    const { requests } = this.connection.adapter.driver;
    const results: Promise<TransferResult>[] = [];
    let head: NetBufferList | null = null;
    let tail: NetBufferList | null = null;
    for (const message of messages) {
      results.push(
        new Promise((resolve, reject) => {
          const { netBufferList } = requests.make(this.connection.ledger, REQUEST_KIND.send, message, resolve, reject);
          if (tail === null) head = netBufferList;
          else tail.next = netBufferList;
          tail = netBufferList;
        }),
      );
    }
    if (head !== null) this.calls.pass(this.connection.adapter.binding, requests, REQUEST_KIND.send, this.connection.handle!, head);
    return results;
  }

  /** The connection is on its way back: what is to be sent goes with it. Otherwise nothing is taken. */
  private keepUnsent(buffers: readonly Uint8Array<ArrayBufferLike>[]): Promise<TransferResult> {
    const { refusal } = this;
    if (refusal === COMES_BACK) this.connection.ledger.keepCopy(buffers);
    return Promise.resolve(refusal);
  }

  /** What a request ends with that cannot go down. */
  private get refusal(): TransferResult {
    return this.connection.offloadState === 'InHost' || this.connection.offloadState === 'Offloading' ? NOT_OFFLOADED : COMES_BACK;
  }

  receive(buffer: Uint8Array<ArrayBufferLike>, options: ReceiveOptions = {}): Promise<TransferResult> {
    if (!isBytes(buffer)) return refused('receive: the buffer is not a Uint8Array');
    if (!this.connection.isOpen) return Promise.resolve(this.refusal);
    this.connection.receivePosted();
    const { requests } = this.connection.adapter.driver;
    return new Promise((resolve, reject) => {
      const { netBufferList } = requests.make(this.connection.ledger, REQUEST_KIND.receive, [buffer], resolve, reject);
      netBufferList.tcpReceiveNoPush = options.noPush ?? false;
      this.calls.pass(this.connection.adapter.binding, requests, REQUEST_KIND.receive, this.connection.handle!, netBufferList);
    });
  }

  disconnect(options: DisconnectOptions = {}): Promise<TransferResult> {
    const { data = NO_DATA, abortive = false } = options;
    if (!isBytes(data)) return refused('disconnect: data is not a Uint8Array');
    if (abortive && data.byteLength > 0) return refused('disconnect: an abortive one carries no data');
    if (this.isDisconnected && !abortive) return refused('disconnect: the connection was disconnected before');
    if (!this.connection.isOpen) {
      if (!abortive && this.refusal === COMES_BACK) {
        this.isDisconnected = true;
        this.connection.ledger.isFinKept = true;
      }
      return this.keepUnsent([data]);
    }
    this.isDisconnected = true;
    if (!abortive) return this.passDisconnect(data, false);
    this.abort ??= this.passDisconnect(data, true);
    return this.abort;
  }

  private passDisconnect(data: Uint8Array<ArrayBufferLike>, abortive: boolean): Promise<TransferResult> {
    const { requests } = this.connection.adapter.driver;
    return new Promise((resolve, reject) => {
      // Abortive ones carry nothing that could come back.
      const kind = abortive ? REQUEST_KIND.abort : REQUEST_KIND.disconnect;
      const { netBufferList } = requests.make(this.connection.ledger, kind, [data], resolve, reject);
      this.calls.pass(this.connection.adapter.binding, requests, kind, this.connection.handle!, netBufferList);
    });
  }

  forward(segment: Uint8Array<ArrayBufferLike>): Promise<TransferResult> {
    if (!isBytes(segment)) return refused('forward: the segment is not a Uint8Array');
    const problem = segmentProblem(segment, this.connection.constState.localPort, this.connection.constState.remotePort);
    if (problem !== '') return refused(`forward: the segment ${problem}`);
    const isWaiting = this.connection.offloadState === 'Offloading' && this.connection.wanted === null;
    if (!this.connection.isOpen && !isWaiting) return Promise.resolve(this.refusal);
    const { requests } = this.connection.adapter.driver;
    return new Promise((resolve, reject) => {
      const { netBufferList } = requests.make(this.connection.ledger, REQUEST_KIND.forward, [segment], resolve, reject);
      if (isWaiting) (this.forwards ??= []).push(netBufferList);
      else this.calls.pass(this.connection.adapter.binding, requests, REQUEST_KIND.forward, this.connection.handle!, netBufferList);
    });
  }

  /** The initiate has ended: what has waited for it goes down, or back. */
  offered(isAccepted: boolean): void {
    const { forwards } = this;
    this.forwards = null;
    if (forwards !== null) for (const nbl of forwards) this.passForward(nbl, isAccepted);
  }

  private passForward(nbl: NetBufferList, isAccepted: boolean): void {
    const { requests } = this.connection.adapter.driver;
    if (isAccepted && this.connection.wanted === null) this.calls.pass(this.connection.adapter.binding, requests, REQUEST_KIND.forward, this.connection.handle!, nbl);
    else requests.requestOf(nbl).complete(requests, isAccepted ? NDIS_STATUS_UPLOAD_IN_PROGRESS : NDIS_STATUS_INVALID_STATE, 0);
  }

  callsReturned(): void {
    if (this.connection.wanted !== null) this.connection.adapter.pump();
  }

  keepList(list: NetBufferList): void {
    this.connection.adapter.driver.requests.completeList(list, NDIS_STATUS_UPLOAD_IN_PROGRESS);
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
