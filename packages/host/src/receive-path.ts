import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  netBufferListDataLength,
  type BytesConsumed,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';
import { Observable, Subject } from 'rxjs';

import { copyOfStart } from './received-data.ts';

/** What asks for refused data again: a receive without a buffer. */
export interface RefusedDataAsker {
  askAgain(): void;
}

/**
 * Received data that nobody posted a buffer for. It is accepted while somebody subscribes and as far as the limit goes;
 * the rest stays with the target, and holds the peer back when its buffers are full.
 */
export class ReceivePath {
  private readonly asker: RefusedDataAsker;
  private received: Subject<Uint8Array<ArrayBuffer>> | null = null;
  private isEnded = false;
  /** Bytes that may still be accepted. */
  private limit = Infinity;
  /** True while the target holds data that was refused: it is indicated again when a receive is posted. */
  private isRefused = false;

  constructor(asker: RefusedDataAsker) {
    this.asker = asker;
  }

  /** See `ChimneyConnection.received$`. */
  get received$(): Observable<Uint8Array<ArrayBuffer>> {
    return new Observable((subscriber) => {
      const subscription = this.subject.subscribe(subscriber);
      this.askIfRefused();
      return subscription;
    });
  }

  private get subject(): Subject<Uint8Array<ArrayBuffer>> {
    if (this.received === null) {
      this.received = new Subject();
      if (this.isEnded) this.received.complete();
    }
    return this.received;
  }

  private get isWanted(): boolean {
    return this.received?.observed === true && this.limit > 0;
  }

  /** See `ChimneyConnection.limitReceived`. */
  limitTo(byteCount: number): void {
    this.limit = byteCount;
    this.askIfRefused();
  }

  get remainingLimit(): number {
    return this.limit;
  }

  private askIfRefused(): void {
    if (this.isRefused && this.isWanted && !this.isEnded) this.asker.askAgain();
  }

  /** The connection starts with data that the target has from the host: indicated once a receive is posted. */
  startRefused(): void {
    this.isRefused = true;
  }

  /** A receive was posted: refused data is placed in it, and what is left indicated. */
  posted(): void {
    this.isRefused = false;
  }

  /** `ProtocolTcpOffloadReceiveIndicate`. @returns the answer; on NDIS_STATUS_SUCCESS the NBL is the host's to return. */
  indicated(netBufferList: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    const length = netBufferListDataLength(netBufferList);
    const accepted = this.isWanted ? Math.min(this.limit, length) : 0;
    bytesConsumed.value = accepted;
    if (accepted === 0) {
      this.isRefused = true;
      return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    }
    this.limit -= accepted;
    this.isRefused = accepted < length;
    this.received?.next(copyOfStart(netBufferList, accepted));
    return accepted < length ? NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED : NDIS_STATUS_SUCCESS;
  }

  /** Nothing more will come. */
  end(): void {
    this.isEnded = true;
    this.received?.complete();
  }
}
