import {
  Mdl,
  NDIS_DEFAULT_PORT_NUMBER,
  NDIS_STATUS_SUCCESS,
  copyFromNetBuffer,
  type NetBufferList,
  type NetBufferListPool,
} from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import type { OffloadAdapter } from './offload-adapter.ts';

/**
 * Traffic that is not offloaded: frames of the host go to the engine, if it has a use for them, and what the engine does
 * not process itself goes up, in an NBL of the target's own with a copy of the frame.
 */
export class OrdinaryPath {
  /** NBLs of the host that were lost, because the engine has no ordinary traffic. */
  lost = 0;
  private readonly adapter: OffloadAdapter;
  private readonly pool: NetBufferListPool;
  private head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;
  private waiting = 0;

  constructor(adapter: OffloadAdapter, pool: NetBufferListPool) {
    this.adapter = adapter;
    this.pool = pool;
  }

  /** Frames that are up there. */
  get outstanding(): number {
    return this.pool.outstanding - this.waiting;
  }

  /** True when frames wait for the next pass. */
  get hasWaiting(): boolean {
    return this.head !== null;
  }

  /** Frames of the host: each NET_BUFFER is one. They are sent, or lost, and are back with the next pass. */
  send(list: NetBufferList): void {
    const { engine } = this.adapter;
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      if (!engine.hasOrdinaryTraffic) {
        this.lost++;
        continue;
      }
      for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) {
        const bytes = new Uint8Array(nb.dataLength);
        engine.transmit(bytes, 0, copyFromNetBuffer(nb, 0, bytes, 0, bytes.length));
      }
    }
    this.adapter.completions.addAll(COMPLETION.ordinarySend, list, NDIS_STATUS_SUCCESS);
    this.adapter.wake();
  }

  /** A frame of the engine: it goes up with the next pass. Without an NBL it is lost, as frames are. */
  receive(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    const bytes = buffer.slice(byteOffset, byteOffset + byteCount);
    const nbl = this.pool.allocateNetBufferAndNetBufferList(new Mdl(bytes), 0, byteCount);
    if (nbl === null) return;
    if (this.tail === null) this.head = nbl;
    else this.tail.next = nbl;
    this.tail = nbl;
    this.waiting++;
    this.adapter.wake();
  }

  /** Passes up what has come. While the adapter is paused it is lost. */
  indicate(): void {
    const { head, waiting, adapter } = this;
    if (head === null) return;
    this.head = null;
    this.tail = null;
    this.waiting = 0;
    if (!adapter.isRunning) {
      this.free(head);
      return;
    }
    adapter.completions.flush();
    adapter.upcalls.depth++;
    try {
      adapter.miniport.indicateReceiveNetBufferLists(head, NDIS_DEFAULT_PORT_NUMBER, waiting, 0);
    } finally {
      adapter.upcalls.depth--;
    }
  }

  /** Takes frames back. */
  free(list: NetBufferList): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const next: NetBufferList | null = nbl.next;
      this.pool.freeNetBufferList(nbl);
      nbl = next;
    }
  }

  /** Gives the pool up. */
  close(): void {
    if (this.head !== null) this.free(this.head);
    this.head = null;
    this.tail = null;
    this.waiting = 0;
    this.pool.freeNetBufferListPool();
  }
}
