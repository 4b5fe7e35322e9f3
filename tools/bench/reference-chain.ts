// The yardstick of `dispatch.send3`: what a send and its coalesced completion cost through three relays when nobody
// checks anything. Host, three relays and target hold direct references to their neighbors; per NBL each relay pushes
// and pops a pooled context and saves and restores the source handle, because every intermediate driver has to.
// There is no NDIS in between. Ratios are quoted against this file: changing it changes every figure ever published.

/** The members of a NET_BUFFER_LIST, set once in the constructor so that all instances share one shape. */
export class ReferenceNbl {
  next: ReferenceNbl | null = null;
  firstNetBuffer: object | null = null;
  context: ReferenceContext | null = null;
  parentNetBufferList: object | null = null;
  ndisPoolHandle: object | null = null;
  protocolReserved0: unknown = null;
  protocolReserved1: unknown = null;
  protocolReserved2: unknown = null;
  protocolReserved3: unknown = null;
  miniportReserved0: unknown = null;
  miniportReserved1: unknown = null;
  scratch: unknown = null;
  sourceHandle: object | null = null;
  nblFlags = 0;
  childRefCount = 0;
  flags = 0;
  status = 0;
  bytesTransferred = 0;
}

/** What a relay keeps per NBL on its way: one frame of the NBL's context stack. */
export class ReferenceContext {
  next: ReferenceContext | null = null;
  owner: object | null = null;
  sourceHandle: object | null = null;
}

interface Lower {
  send(list: ReferenceNbl): void;
}

interface Upper {
  complete(list: ReferenceNbl): void;
}

/** Stands where an intermediate driver stands. */
export class ReferenceRelay implements Lower, Upper {
  lower: Lower | null = null;
  upper: Upper | null = null;
  private free: ReferenceContext | null = null;

  send(list: ReferenceNbl): void {
    for (let nbl: ReferenceNbl | null = list; nbl !== null; nbl = nbl.next) {
      let context = this.free;
      if (context === null) context = new ReferenceContext();
      else this.free = context.next;
      context.next = nbl.context;
      context.owner = this;
      context.sourceHandle = nbl.sourceHandle;
      nbl.context = context;
      nbl.sourceHandle = this;
    }
    this.lower?.send(list);
  }

  complete(list: ReferenceNbl): void {
    for (let nbl: ReferenceNbl | null = list; nbl !== null; nbl = nbl.next) {
      const context: ReferenceContext | null = nbl.context;
      if (context === null) return;
      nbl.context = context.next;
      nbl.sourceHandle = context.sourceHandle;
      context.sourceHandle = null;
      context.next = this.free;
      this.free = context;
    }
    this.upper?.complete(list);
  }
}

/** Queues what it is sent and completes it all as one list in the next microtask. */
export class ReferenceTarget implements Lower {
  upper: Upper | null = null;
  private head: ReferenceNbl | null = null;
  private tail: ReferenceNbl | null = null;
  private isArmed = false;
  private readonly drain = (): void => {
    this.isArmed = false;
    const list = this.head;
    this.head = null;
    this.tail = null;
    if (list !== null) this.upper?.complete(list);
  };

  send(list: ReferenceNbl): void {
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    let last = list;
    for (;;) {
      last.status = 0;
      last.bytesTransferred = 1460;
      if (last.next === null) break;
      last = last.next;
    }
    this.tail = last;
    if (!this.isArmed) {
      this.isArmed = true;
      queueMicrotask(this.drain);
    }
  }
}

/** Sends bursts of lists and waits until every NBL of a burst has come back. */
export class ReferenceHost implements Upper {
  lower: Lower | null = null;
  private outstanding = 0;
  private resolve: (() => void) | null = null;

  complete(list: ReferenceNbl): void {
    let count = 0;
    let nbl: ReferenceNbl | null = list;
    while (nbl !== null) {
      const next: ReferenceNbl | null = nbl.next;
      if (nbl.status === 0) count++;
      nbl.next = null;
      nbl.sourceHandle = null;
      nbl = next;
    }
    this.outstanding -= count;
    if (this.outstanding === 0 && this.resolve !== null) {
      const resolve = this.resolve;
      this.resolve = null;
      resolve();
    }
  }

  /** One burst: `nbls` in lists of `listLength`, all sent before the first completion can run. */
  burst(nbls: readonly ReferenceNbl[], listLength: number): Promise<void> {
    this.outstanding = nbls.length;
    for (let at = 0; at < nbls.length; at += listLength) {
      const head = nbls[at];
      if (head === undefined) break;
      let last = head;
      last.sourceHandle = this;
      for (let i = 1; i < listLength; i++) {
        const nbl = nbls[at + i];
        if (nbl === undefined) break;
        nbl.sourceHandle = this;
        last.next = nbl;
        last = nbl;
      }
      this.lower?.send(head);
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** Host, three relays, target. */
export function createReferenceChain(): ReferenceHost {
  const host = new ReferenceHost();
  const target = new ReferenceTarget();
  let upper: ReferenceHost | ReferenceRelay = host;
  for (let i = 0; i < 3; i++) {
    const relay: ReferenceRelay = new ReferenceRelay();
    upper.lower = relay;
    relay.upper = upper;
    upper = relay;
  }
  upper.lower = target;
  target.upper = upper;
  return host;
}
