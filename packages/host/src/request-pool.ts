import { Mdl, type NDIS_STATUS, type NetBufferList, type NetBufferListPool } from '@ndis-chimney/types';

import type { TransferResult } from './results.ts';

/** Keeps the requests of one connection that are on their way. */
export interface RequestOwner {
  readonly pending: Set<TransferRequest>;
}

/** A request on its way: its NBL, whose it is, and whom to tell. */
export class TransferRequest {
  readonly netBufferList: NetBufferList;
  private readonly owner: RequestOwner;
  /** Bytes the request describes. */
  readonly byteLength: number;
  private readonly resolve: (result: TransferResult) => void;

  constructor(owner: RequestOwner, netBufferList: NetBufferList, byteLength: number, resolve: (result: TransferResult) => void) {
    this.owner = owner;
    this.netBufferList = netBufferList;
    this.byteLength = byteLength;
    this.resolve = resolve;
  }

  /** Tells the caller. The request is over. */
  end(status: NDIS_STATUS, bytesTransferred: number): void {
    this.owner.pending.delete(this);
    this.resolve({ status, bytesTransferred });
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
  make(owner: RequestOwner, buffers: readonly Uint8Array<ArrayBufferLike>[], resolve: (result: TransferResult) => void): TransferRequest {
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
    const request = new TransferRequest(owner, netBufferList, byteLength, resolve);
    netBufferList.protocolReserved0 = request;
    owner.pending.add(request);
    return request;
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
