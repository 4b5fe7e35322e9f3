import type { NDIS_STATUS, NdisMiniport, NdisTcpOffloadEventHandlers, NetBufferList } from '@ndis-chimney/types';

import type { Upcalls } from './upcalls.ts';

/** Which completion function an NBL goes back by. */
export const COMPLETION = { send: 0, receive: 1, forward: 2, disconnect: 3, ordinarySend: 4 } as const;
/** A value of {@link COMPLETION}. */
export type CompletionKind = (typeof COMPLETION)[keyof typeof COMPLETION];

/** NBLs that go back in one call. */
class CompletionRun {
  kind: CompletionKind = COMPLETION.send;
  head: NetBufferList | null = null;
  tail: NetBufferList | null = null;
  next: CompletionRun | null = null;
}

/**
 * The requests of one adapter that are over and have yet to go back, in the order they ended. Neighbors of one kind go
 * back as one list by one call; a later kind never overtakes, and a disconnect goes alone.
 *
 * Everything calls {@link flush} before it indicates something or completes a state operation, so that causes keep
 * their order there too. It runs in the adapter's DPC only; what the upper driver passes down meanwhile is queued.
 */
export class Completions {
  private readonly miniport: NdisMiniport;
  private readonly handlers: NdisTcpOffloadEventHandlers;
  private readonly upcalls: Upcalls;
  private first: CompletionRun | null = null;
  private last: CompletionRun | null = null;
  private free: CompletionRun | null = null;

  constructor(miniport: NdisMiniport, handlers: NdisTcpOffloadEventHandlers, upcalls: Upcalls) {
    this.upcalls = upcalls;
    this.miniport = miniport;
    this.handlers = handlers;
  }

  get isEmpty(): boolean {
    return this.first === null;
  }

  /** Adds one NBL; its status and byte count are written. It is unlinked from whatever list it was in. */
  add(kind: CompletionKind, nbl: NetBufferList): void {
    nbl.next = null;
    nbl.miniportReserved1 = null;
    const { last } = this;
    if (last !== null && last.kind === kind && kind !== COMPLETION.disconnect) {
      last.tail!.next = nbl;
      last.tail = nbl;
      return;
    }
    const run = this.free ?? new CompletionRun();
    this.free = run.next;
    run.next = null;
    run.kind = kind;
    run.head = nbl;
    run.tail = nbl;
    if (last === null) this.first = run;
    else last.next = run;
    this.last = run;
  }

  /** Adds every NBL of a list that ends before anything was done for it. */
  addAll(kind: CompletionKind, list: NetBufferList, status: NDIS_STATUS): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const next: NetBufferList | null = nbl.next;
      nbl.status = status;
      nbl.tcpOffloadBytesTransferred = 0;
      this.add(kind, nbl);
      nbl = next;
    }
  }

  /** Gives everything back. */
  flush(): void {
    while (this.first !== null) {
      const run: CompletionRun = this.first;
      const { kind, head } = run;
      this.first = run.next;
      if (this.first === null) this.last = null;
      run.head = null;
      run.tail = null;
      run.next = this.free;
      this.free = run;
      this.upcalls.depth++;
      try {
        this.complete(kind, head!);
      } finally {
        this.upcalls.depth--;
      }
    }
  }

  private complete(kind: CompletionKind, list: NetBufferList): void {
    switch (kind) {
      case COMPLETION.send:
        this.handlers.tcpOffloadSendComplete(list);
        break;
      case COMPLETION.receive:
        this.handlers.tcpOffloadReceiveComplete(list);
        break;
      case COMPLETION.forward:
        this.handlers.tcpOffloadForwardComplete(list);
        break;
      case COMPLETION.disconnect:
        this.handlers.tcpOffloadDisconnectComplete(list);
        break;
      case COMPLETION.ordinarySend:
        this.miniport.sendNetBufferListsComplete(list, 0);
        break;
    }
  }
}
