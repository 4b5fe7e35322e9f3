import { copyFromNetBuffer, type NDIS_STATUS, type NetBuffer, type NetBufferList } from '@ndis-chimney/types';

import { COMPLETION } from './completions.ts';
import type { OffloadAdapter } from './offload-adapter.ts';

/**
 * Segments that the host received for a connection and passes down. The engine gets them one at a time, each as one run
 * of bytes.
 *
 * Source: `forwarding-data-to-an-offload-target.md`.
 */
export class ForwardQueue {
  private head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;
  /** True while the engine has the first one. */
  private isLent = false;
  private readonly adapter: OffloadAdapter;

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  /** Queues a list. */
  append(list: NetBufferList): void {
    this.adapter.heldRequests++;
    let last = list;
    for (; last.next !== null; last = last.next) this.adapter.heldRequests++;
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    this.tail = last;
  }

  /** Lends the engine the next segment. @returns false when there is none, or another has not been answered. */
  lendNext(id: number): boolean {
    const { head, isLent } = this;
    if (head === null || isLent) return false;
    this.isLent = true;
    const { firstNetBuffer } = head;
    if (firstNetBuffer === null) {
      this.adapter.engine.forward(id, new Uint8Array(0), 0, 0);
      return true;
    }
    const { currentMdl: mdl, currentMdlOffset: offset, dataLength } = firstNetBuffer;
    if (mdl !== null && mdl.byteCount - offset >= dataLength) {
      this.adapter.engine.forward(id, mdl.buffer, mdl.byteOffset + offset, dataLength);
    } else {
      const bytes = gather(firstNetBuffer);
      this.adapter.engine.forward(id, bytes, 0, bytes.length);
    }
    return true;
  }

  /** Completes the segment that the engine has. @returns false when it has none. */
  answer(status: NDIS_STATUS): boolean {
    const { head } = this;
    if (!this.isLent || head === null) return false;
    this.isLent = false;
    this.head = head.next;
    if (this.head === null) this.tail = null;
    head.next = null;
    this.complete(head, status);
    return true;
  }

  /** Completes all, the one that the engine had too: it has it no more. */
  flush(status: NDIS_STATUS): void {
    this.isLent = false;
    for (let nbl = this.head; nbl !== null; nbl = this.head) {
      this.head = nbl.next;
      nbl.next = null;
      this.complete(nbl, status);
    }
    this.tail = null;
  }

  private complete(nbl: NetBufferList, status: NDIS_STATUS): void {
    this.adapter.heldRequests--;
    this.adapter.completions.addAll(COMPLETION.forward, nbl, status);
  }
}

/** A segment that lies on several MDLs, in one piece. */
function gather(netBuffer: NetBuffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(netBuffer.dataLength);
  const length = copyFromNetBuffer(netBuffer, 0, bytes, 0, bytes.length);
  return bytes.subarray(0, length);
}
