import { TCP_DISCONNECT_ABORTIVE_CLOSE, TCP_DISCONNECT_GRACEFUL_CLOSE, type NdisBinding, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';

import { REQUEST_KIND, type RequestKind, type RequestPool } from './request-pool.ts';

/** What waits for a call to return, in order. */
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
 * The data calls of one connection, one at a time: send calls do not overlap, nor do receive calls (CHIM-SND-005,
 * CHIM-RCV-002), and nothing is terminated from inside one (CHIM-TRM-001). What a target's callback asks for during a call
 * comes after it, in the order in which it was asked for.
 */
export class DataCalls {
  /** Calls that have not returned. */
  depth = 0;
  /** Made when something has to wait, which hardly ever happens. */
  private waiting: WaitingList | null = null;
  private readonly owner: CallOwner;

  constructor(owner: CallOwner) {
    this.owner = owner;
  }

  /** Passes a list of requests of one kind down; when NDIS refuses it they fail. */
  pass(binding: NdisBinding, pool: RequestPool, kind: RequestKind, handle: OffloadHandle, list: NetBufferList): void {
    if (this.depth > 0) {
      (this.waiting ??= new WaitingList()).append(list);
      return;
    }
    this.depth++;
    callOrFail(binding, pool, kind, handle, list);
    if (this.waiting !== null) this.passWaiting(binding, pool, handle, this.waiting);
    this.depth--;
    this.owner.callsReturned();
  }

  /** What waited goes down in its order, neighbors of one kind together. */
  private passWaiting(binding: NdisBinding, pool: RequestPool, handle: OffloadHandle, waiting: WaitingList): void {
    let list = waiting.take();
    while (list !== null) {
      const { kind } = pool.requestOf(list);
      // A disconnect is a call of its own.
      const mayBeMany = kind === REQUEST_KIND.send || kind === REQUEST_KIND.receive || kind === REQUEST_KIND.forward;
      let last: NetBufferList = list;
      while (mayBeMany && last.next !== null && pool.requestOf(last.next).kind === kind) last = last.next;
      const rest: NetBufferList | null = last.next;
      last.next = null;
      if (this.owner.isOpen) callOrFail(binding, pool, kind, handle, list);
      else this.owner.keepList(list);
      list = rest ?? waiting.take();
    }
  }
}

function callOrFail(binding: NdisBinding, pool: RequestPool, kind: RequestKind, handle: OffloadHandle, list: NetBufferList): void {
  try {
    call(binding, kind, handle, list);
  } catch (error) {
    failAll(pool, list, error);
  }
}

function call(binding: NdisBinding, kind: RequestKind, handle: OffloadHandle, list: NetBufferList): void {
  switch (kind) {
    case REQUEST_KIND.send:
      binding.offloadTcpSend(handle, list);
      break;
    case REQUEST_KIND.receive:
      binding.offloadTcpReceive(handle, list);
      break;
    case REQUEST_KIND.disconnect:
      binding.offloadTcpDisconnect(handle, list, TCP_DISCONNECT_GRACEFUL_CLOSE);
      break;
    case REQUEST_KIND.abort:
      binding.offloadTcpDisconnect(handle, list, TCP_DISCONNECT_ABORTIVE_CLOSE);
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
