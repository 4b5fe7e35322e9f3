import { BytesConsumed, Mdl, type NetBufferList, type NetBufferListPool } from '@ndis-chimney/types';

import type { ByteReader } from './byte-queue.ts';

const PAGE_BYTES = 4096;

/**
 * The NBLs one adapter passes received data up in: one NET_BUFFER each, on as many pages of the target's own memory as
 * the data takes. A page that went up is not touched before its NBL comes back.
 *
 * `miniportReserved0` of an NBL is its first page: the upper driver may have moved the data start, and MDLs off the chain
 * with it.
 */
export class Indications {
  /** Where the host's answer to an indication is written. */
  readonly bytesConsumed: BytesConsumed = new BytesConsumed();
  private readonly pool: NetBufferListPool;
  private freePages: Mdl | null = null;

  constructor(pool: NetBufferListPool) {
    this.pool = pool;
  }

  /** NBLs that are up there. */
  get outstanding(): number {
    return this.pool.outstanding;
  }

  /** An NBL with the next `byteCount` bytes of a reader in it. @returns null, with nothing read, when there is none left. */
  allocate(reader: ByteReader, byteCount: number): NetBufferList | null {
    const first = this.takePage();
    const nbl = this.pool.allocateNetBufferAndNetBufferList(first, 0, byteCount);
    if (nbl === null) {
      this.givePage(first);
      return null;
    }
    nbl.miniportReserved0 = first;
    let page = first;
    let left = byteCount;
    for (;;) {
      page.byteCount = Math.min(left, PAGE_BYTES);
      reader.read(page.buffer, 0, page.byteCount);
      left -= page.byteCount;
      if (left === 0) return nbl;
      page.next = this.takePage();
      page = page.next;
    }
  }

  /** Takes a list back. */
  free(list: NetBufferList): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const next: NetBufferList | null = nbl.next;
      let page = nbl.miniportReserved0 as Mdl | null;
      this.pool.freeNetBufferList(nbl);
      while (page !== null) {
        const after: Mdl | null = page.next;
        this.givePage(page);
        page = after;
      }
      nbl = next;
    }
  }

  /** Gives the pool up. */
  close(): void {
    this.pool.freeNetBufferListPool();
    this.freePages = null;
  }

  private takePage(): Mdl {
    const page = this.freePages;
    if (page === null) return new Mdl(new Uint8Array(PAGE_BYTES));
    this.freePages = page.next;
    page.next = null;
    return page;
  }

  private givePage(page: Mdl): void {
    page.next = this.freePages;
    this.freePages = page;
  }
}
