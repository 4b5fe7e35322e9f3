import type { RequestRecord } from './request-record.ts';

/** Requests in the order they were made. Linked through the records, so that adding and removing allocate nothing. */
export class RequestQueue implements Iterable<RequestRecord> {
  oldest: RequestRecord | null = null;
  newest: RequestRecord | null = null;
  size = 0;

  add(request: RequestRecord): void {
    request.older = this.newest;
    request.newer = null;
    if (this.newest === null) this.oldest = request;
    else this.newest.newer = request;
    this.newest = request;
    this.size++;
  }

  /** @param request one that is in the queue. */
  remove(request: RequestRecord): void {
    const { older, newer } = request;
    if (older === null) this.oldest = newer;
    else older.newer = newer;
    if (newer === null) this.newest = older;
    else newer.older = older;
    request.older = null;
    request.newer = null;
    this.size--;
  }

  /** Puts a request back where it was: before those that were made after it. */
  restore(request: RequestRecord): void {
    let newer = this.oldest;
    while (newer !== null && newer.ordinal < request.ordinal) newer = newer.newer;
    if (newer === null) {
      this.add(request);
      return;
    }
    request.newer = newer;
    request.older = newer.older;
    if (newer.older === null) this.oldest = request;
    else newer.older.newer = request;
    newer.older = request;
    this.size++;
  }

  *[Symbol.iterator](): Generator<RequestRecord> {
    for (let request = this.oldest; request !== null; request = request.newer) yield request;
  }
}
