import type { NdisBinding, NetBufferList, OffloadHandle } from '@ndis-chimney/types';

import { REQUEST_KIND, type RequestKind, type RequestPool } from './request-pool.ts';

/** Lists that wait for a call of their kind to return. */
class WaitingList {
  private head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;

  append(list: NetBufferList): void {
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    let last = list;
    while (last.next !== null) last = last.next;
    this.tail = last;
  }

  take(): NetBufferList | null {
    const list = this.head;
    this.head = null;
    this.tail = null;
    return list;
  }
}

/** Decides what becomes of a call that had to wait. */
export interface CallOwner {
  readonly isOpen: boolean;
  /** The last call has returned: a terminate may go down. */
  callsReturned(): void;
  /** The connection is on its way back, and this never went down. */
  keepList(list: NetBufferList): void;
}

/**
 * The data calls of one connection. Send calls do not overlap, nor do receive calls (CHIM-SND-005, CHIM-RCV-002), and
 * nothing is terminated from inside one (CHIM-TRM-001): what a target's callback asks for during a call comes after it.
 */
export class DataCalls {
  /** Calls that have not returned. */
  depth = 0;
  private isSending = false;
  private isReceiving = false;
  /** Made when something has to wait, which hardly ever happens. */
  private waiting: WaitingList | null = null;
  private readonly owner: CallOwner;

  constructor(owner: CallOwner) {
    this.owner = owner;
  }

  /** Passes a list down; NDIS that refuses it fails its requests. */
  pass(binding: NdisBinding, pool: RequestPool, kind: RequestKind, handle: OffloadHandle, list: NetBufferList, flags = 0): void {
    if (this.isBusy(kind)) {
      // Sends and receives that wait at the same time wait for different calls, but those are nested: one list will do.
      (this.waiting ??= new WaitingList()).append(list);
      return;
    }
    this.setBusy(kind, true);
    this.depth++;
    try {
      call(binding, kind, handle, list, flags);
    } catch (error) {
      failAll(pool, list, error);
    }
    this.setBusy(kind, false);
    this.depth--;
    if (this.depth > 0) return;
    if (this.waiting !== null) this.passWaiting(binding, pool, handle, this.waiting);
    this.owner.callsReturned();
  }

  private isBusy(kind: RequestKind): boolean {
    return kind === REQUEST_KIND.send ? this.isSending : kind === REQUEST_KIND.receive && this.isReceiving;
  }

  private setBusy(kind: RequestKind, isBusy: boolean): void {
    if (kind === REQUEST_KIND.send) this.isSending = isBusy;
    else if (kind === REQUEST_KIND.receive) this.isReceiving = isBusy;
  }

  /** What waited goes down in its order, neighbors of one kind together. */
  private passWaiting(binding: NdisBinding, pool: RequestPool, handle: OffloadHandle, waiting: WaitingList): void {
    let list = waiting.take();
    while (list !== null) {
      const { kind } = pool.requestOf(list);
      let last: NetBufferList = list;
      while (last.next !== null && pool.requestOf(last.next).kind === kind) last = last.next;
      const rest: NetBufferList | null = last.next;
      last.next = null;
      if (this.owner.isOpen) this.pass(binding, pool, kind, handle, list);
      else this.owner.keepList(list);
      list = rest ?? waiting.take();
    }
  }
}

function call(binding: NdisBinding, kind: RequestKind, handle: OffloadHandle, list: NetBufferList, flags: number): void {
  switch (kind) {
    case REQUEST_KIND.send:
      binding.offloadTcpSend(handle, list);
      break;
    case REQUEST_KIND.receive:
      binding.offloadTcpReceive(handle, list);
      break;
    case REQUEST_KIND.disconnect:
    case REQUEST_KIND.abort:
      binding.offloadTcpDisconnect(handle, list, flags);
      break;
    case REQUEST_KIND.forward:
      binding.offloadTcpForward(handle, list);
      break;
  }
}

function failAll(pool: RequestPool, list: NetBufferList, error: unknown): void {
  for (let nbl: NetBufferList | null = list; nbl !== null; ) {
    const { next }: NetBufferList = nbl;
    nbl.next = null;
    pool.requestOf(nbl).fail(pool, error);
    nbl = next;
  }
}
