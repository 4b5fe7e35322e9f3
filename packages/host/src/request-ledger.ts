import type { Mdl, NDIS_STATUS, NetBufferList } from '@ndis-chimney/types';

import { REQUEST_KIND, type TransferRequest } from './request-pool.ts';
import { asksForUpload } from './upload-reasons.ts';

/** Told that a driver below cannot go on with the connection. */
export interface LedgerOwner {
  uploadAsked(): void;
}

/** Data to be sent that came back. */
interface KeptData {
  readonly order: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The requests of one connection: those on their way, and what came back unsent of those that ended because of an
 * upload. Both are in the order in which the requests were made.
 */
export class RequestLedger {
  /** Oldest request on its way. */
  head: TransferRequest | null = null;
  /** Bytes of sends that the peer has not acknowledged. */
  bytesInFlight = 0;
  /** True when a FIN came back with its data. */
  isFinKept = false;
  private tail: TransferRequest | null = null;
  private lastOrder = 0;
  private kept: KeptData[] | null = null;
  private readonly owner: LedgerOwner;

  constructor(owner: LedgerOwner) {
    this.owner = owner;
  }

  add(request: TransferRequest): void {
    request.order = ++this.lastOrder;
    request.previous = this.tail;
    if (this.tail === null) this.head = request;
    else this.tail.next = request;
    this.tail = request;
    if (request.kind === REQUEST_KIND.send) this.bytesInFlight += request.byteLength;
  }

  remove(request: TransferRequest): void {
    const { next, previous } = request;
    if (previous === null) this.head = next;
    else previous.next = next;
    if (next === null) this.tail = previous;
    else next.previous = previous;
    request.next = null;
    request.previous = null;
    if (request.kind === REQUEST_KIND.send) this.bytesInFlight -= request.byteLength;
  }

  /** Keeps what a request has not sent; the bytes are lent until it ends, so they are copied. */
  keep(request: TransferRequest, bytesTransferred: number, status: NDIS_STATUS): void {
    const { kind } = request;
    if (kind === REQUEST_KIND.send || kind === REQUEST_KIND.disconnect) {
      const bytes = unsentOf(request.netBufferList, request.byteLength, bytesTransferred);
      if (bytes.length > 0) (this.kept ??= []).push({ order: request.order, bytes });
      if (kind === REQUEST_KIND.disconnect) this.isFinKept = true;
    }
    if (asksForUpload(status)) this.owner.uploadAsked();
  }

  /** Keeps data that never went down. */
  keepCopy(buffers: readonly Uint8Array<ArrayBufferLike>[]): void {
    const order = ++this.lastOrder;
    for (const buffer of buffers) if (buffer.byteLength > 0) (this.kept ??= []).push({ order, bytes: Uint8Array.from(buffer) });
  }

  /** Everything that was kept, in the order in which it was to be sent; the ledger forgets it. */
  takeKept(): Uint8Array<ArrayBuffer>[] {
    const { kept } = this;
    this.kept = null;
    if (kept === null) return [];
    // What a driver in between refused comes back before what the target still had from earlier.
    return kept.sort((left, right) => left.order - right.order).map(({ bytes }) => bytes);
  }
}

/** The last bytes of a request: all but the first `bytesTransferred`, wherever the driver below left the data start. */
function unsentOf(netBufferList: NetBufferList, byteLength: number, bytesTransferred: number): Uint8Array<ArrayBuffer> {
  let skip = Math.min(byteLength, Math.max(0, bytesTransferred));
  const bytes = new Uint8Array(byteLength - skip);
  let at = 0;
  for (let mdl: Mdl | null = netBufferList.firstNetBuffer?.mdlChain ?? null; mdl !== null; mdl = mdl.next) {
    const here = Math.max(0, mdl.byteCount - skip);
    if (here > 0) {
      const start = mdl.byteOffset + mdl.byteCount - here;
      bytes.set(mdl.buffer.subarray(start, start + here), at);
      at += here;
    }
    skip = Math.max(0, skip - mdl.byteCount);
  }
  return bytes;
}
