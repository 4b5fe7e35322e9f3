import { Mdl, type NDIS_STATUS, type NetBufferList, type NetBufferListPool } from '@ndis-chimney/types';

import type { RequestLedger } from './request-ledger.ts';
import type { TransferResult } from './results.ts';
import { isUploadStatus } from './upload-reasons.ts';

/** What a request carries. Data that is to be sent comes back with the connection when it was not. */
export const REQUEST_KIND = { send: 0, receive: 1, disconnect: 2, forward: 3, abort: 4 } as const;
/** A value of {@link REQUEST_KIND}. */
export type RequestKind = (typeof REQUEST_KIND)[keyof typeof REQUEST_KIND];

/** Settles the promise of a request. */
export type Resolve = (result: TransferResult) => void;
/** See {@link Resolve}. */
export type Reject = (error: unknown) => void;

/** A request on its way: its NBL, whose it is, and whom to tell. */
export class TransferRequest {
  readonly netBufferList: NetBufferList;
  readonly kind: RequestKind;
  /** Bytes the request describes. */
  readonly byteLength: number;
  /** Place among the requests of its connection. */
  order = 0;
  /** Links in its connection's list of what is on its way. */
  next: TransferRequest | null = null;
  previous: TransferRequest | null = null;
  private readonly ledger: RequestLedger;
  private readonly resolve: Resolve;
  private readonly reject: Reject;

  constructor(ledger: RequestLedger, netBufferList: NetBufferList, kind: RequestKind, byteLength: number, resolve: Resolve, reject: Reject) {
    this.ledger = ledger;
    this.netBufferList = netBufferList;
    this.kind = kind;
    this.byteLength = byteLength;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Ends the request with what its NBL came back with. The NBL is the pool's again. */
  complete(pool: RequestPool, status: NDIS_STATUS, bytesTransferred: number): void {
    const { ledger } = this;
    if (isUploadStatus(status)) ledger.keep(this, bytesTransferred, status);
    pool.release(this.netBufferList);
    ledger.remove(this);
    this.resolve({ status, bytesTransferred });
  }

  /** Ends a request whose NBL is gone with the driver below. */
  abandon(status: NDIS_STATUS): void {
    this.ledger.remove(this);
    this.resolve({ status, bytesTransferred: 0 });
  }

  /** Ends a request that NDIS refused. */
  fail(pool: RequestPool, error: unknown): void {
    pool.release(this.netBufferList);
    this.ledger.remove(this);
    this.reject(error);
  }
}

const NOTHING = new Uint8Array(0);

/** Makes NBLs that describe the caller's bytes, and takes them back. The bytes are never copied. */
export class RequestPool {
  private readonly pool: NetBufferListPool;
  private readonly mdls: Mdl[] = [];

  constructor(pool: NetBufferListPool) {
    this.pool = pool;
  }

  /** A request over these buffers: one NBL with one NET_BUFFER, one MDL a buffer. */
  make(ledger: RequestLedger, kind: RequestKind, buffers: readonly Uint8Array<ArrayBufferLike>[], resolve: Resolve, reject: Reject): TransferRequest {
    const netBufferList = this.describe(buffers);
    const request = new TransferRequest(ledger, netBufferList, kind, netBufferList.firstNetBuffer!.dataLength, resolve, reject);
    netBufferList.protocolReserved0 = request;
    ledger.add(request);
    return request;
  }

  /** An NBL over these buffers that is nobody's request. */
  describe(buffers: readonly Uint8Array<ArrayBufferLike>[]): NetBufferList {
    let chain: Mdl | null = null;
    let byteLength = 0;
    for (let i = buffers.length - 1; i >= 0; i--) {
      const buffer = buffers[i]!;
      const mdl = this.mdlOf(buffer);
      mdl.next = chain;
      chain = mdl;
      byteLength += buffer.byteLength;
    }
    const netBufferList = this.pool.allocateNetBufferAndNetBufferList(chain, 0, byteLength);
    // The host's own pool has no limit.
    if (netBufferList === null) throw new Error('the pool of the host is exhausted');
    return netBufferList;
  }

  private mdlOf(buffer: Uint8Array<ArrayBufferLike>): Mdl {
    const mdl = this.mdls.pop();
    if (mdl === undefined) return new Mdl(buffer);
    mdl.buffer = buffer;
    mdl.byteOffset = 0;
    mdl.byteCount = buffer.byteLength;
    return mdl;
  }

  /** The request an NBL was made for. */
  requestOf(netBufferList: NetBufferList): TransferRequest {
    return netBufferList.protocolReserved0 as TransferRequest;
  }

  /** Ends every request of a list that came back: in a completion, with what each NBL says of itself. */
  completed(list: NetBufferList): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const { next, status, tcpOffloadBytesTransferred }: NetBufferList = nbl;
      nbl.next = null;
      this.requestOf(nbl).complete(this, status, tcpOffloadBytesTransferred);
      nbl = next;
    }
  }

  /** Ends every request of a list that came back otherwise: what is left in each NBL was not transferred. */
  completeList(list: NetBufferList, status: NDIS_STATUS): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const { next }: NetBufferList = nbl;
      const request = this.requestOf(nbl);
      nbl.next = null;
      request.complete(this, status, request.byteLength - (nbl.firstNetBuffer?.dataLength ?? 0));
      nbl = next;
    }
  }

  /** Takes an NBL and its MDLs back; the caller's bytes are the caller's again. */
  release(netBufferList: NetBufferList): void {
    let mdl = netBufferList.firstNetBuffer?.mdlChain ?? null;
    while (mdl !== null) {
      const { next }: Mdl = mdl;
      mdl.next = null;
      mdl.buffer = NOTHING;
      this.mdls.push(mdl);
      mdl = next;
    }
    this.pool.freeNetBufferList(netBufferList);
  }
}
