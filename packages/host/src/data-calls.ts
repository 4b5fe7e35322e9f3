import type { NdisBinding, NetBufferList, OffloadHandle } from '@ndis-chimney/types';

import { REQUEST_KIND, type RequestKind, type RequestPool } from './request-pool.ts';

/** Calls of one kind: they follow each other, also when one is made while another has not returned. */
class CallLane {
  isBusy = false;
  head: NetBufferList | null = null;
  tail: NetBufferList | null = null;

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
  private readonly sends: CallLane = new CallLane();
  private readonly receives: CallLane = new CallLane();
  private readonly owner: CallOwner;

  constructor(owner: CallOwner) {
    this.owner = owner;
  }

  /** Passes a list down; NDIS that refuses it fails its requests. */
  pass(binding: NdisBinding, pool: RequestPool, kind: RequestKind, handle: OffloadHandle, list: NetBufferList, flags = 0): void {
    const lane = kind === REQUEST_KIND.send ? this.sends : this.receives;
    const isInLane = kind === REQUEST_KIND.send || kind === REQUEST_KIND.receive;
    if (isInLane && lane.isBusy) {
      lane.append(list);
      return;
    }
    this.depth++;
    if (isInLane) lane.isBusy = true;
    try {
      call(binding, kind, handle, list, flags);
    } catch (error) {
      failAll(pool, list, error);
    }
    if (isInLane) {
      lane.isBusy = false;
      if (lane.head !== null) this.passWaiting(binding, pool, kind, handle, lane);
    }
    this.depth--;
    if (this.depth === 0) this.owner.callsReturned();
  }

  private passWaiting(binding: NdisBinding, pool: RequestPool, kind: RequestKind, handle: OffloadHandle, lane: CallLane): void {
    for (let list = lane.take(); list !== null; list = lane.take()) {
      if (this.owner.isOpen) this.pass(binding, pool, kind, handle, list);
      else this.owner.keepList(list);
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
