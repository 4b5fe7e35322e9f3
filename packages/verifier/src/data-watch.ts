import { NDIS_STATUS_FAILURE, TCP_DISCONNECT_ABORTIVE_CLOSE, netBufferListDataLength, type DdiCrossing, type NDIS_STATUS, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';

import { objectOf, type Ledger } from './ledger.ts';
import type { EdgeRecord } from './record/edge-record.ts';
import type { CompletionCall, DataCall, RequestKind, RequestRecord } from './record/request-record.ts';

/** Watches requests go down and their completions come up. */
export class DataWatch {
  private readonly ledger: Ledger;
  /** Calls that have not returned, the innermost last. */
  private readonly calls: (DataCall | null)[] = [];
  private readonly completions: CompletionCall[] = [];

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  down(edge: EdgeRecord, crossing: DdiCrossing, kind: RequestKind, list: NetBufferList, count: number, flags: number, handle: OffloadHandle | null): void {
    const object = objectOf(edge, handle);
    if (object === null) {
      // The object was offloaded before anybody watched.
      this.calls.push(null);
      return;
    }
    const { ledger } = this;
    const { requests, hooks } = ledger;
    const nowMs = ledger.clock.now();
    const call: DataCall = { edge, crossing, kind, object, list, count, flags };
    const made: RequestRecord[] = [];
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) made.push(requests.take(nbl, edge, object, kind, nowMs, flags));
    try {
      if (hooks.callDown.length > 0 || hooks.requestDown.length > 0) {
        ledger.before(() => {
          for (const hook of hooks.callDown) hook(call);
          for (const request of made) for (const hook of hooks.requestDown) hook(request, call);
        });
      }
    } catch (error) {
      for (const request of made) requests.give(request);
      throw error;
    }
    for (const request of made) {
      requests.follow(request.nbl, edge, crossing, nowMs);
      requests.begin(request);
    }
    object.callDepth[kind]++;
    if (kind === 'send') for (const { byteCount } of made) object.bytesSent += byteCount;
    if (kind === 'disconnect') object.disconnected = flags === TCP_DISCONNECT_ABORTIVE_CLOSE ? 'abortive' : 'graceful';
    this.calls.push(call);
    ledger.began();
  }

  downReturned(status: NDIS_STATUS): void {
    const call = this.calls.pop() ?? null;
    if (call === null) return;
    const { object, kind, edge, list } = call;
    object.callDepth[kind]--;
    if (status === NDIS_STATUS_FAILURE) {
      // A later observer stopped the call: the list is the caller's as it was.
      for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
        const request = this.ledger.requests.find(nbl, edge);
        if (request === null) continue;
        this.ledger.requests.end(request);
        this.ledger.requests.give(request);
      }
      return;
    }
    for (const hook of this.ledger.hooks.callDownReturned) hook(call, status);
  }

  up(edge: EdgeRecord, crossing: DdiCrossing, kind: RequestKind, list: NetBufferList, count: number): void {
    const { ledger } = this;
    const { requests, hooks } = ledger;
    const nowMs = ledger.clock.now();
    const completion: CompletionCall = { edge, crossing, kind, list, count };
    const ended: RequestRecord[] = [];
    try {
      ledger.before(() => {
        for (const hook of hooks.completionUp) hook(completion);
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
          const request = requests.find(nbl, edge);
          if (request === null) continue;
          for (const hook of hooks.requestUp) hook(request, completion);
          // The next of the list is judged as if this one were back already.
          requests.end(request);
          ended.push(request);
        }
      });
    } catch (error) {
      for (const request of ended.reverse()) requests.restore(request);
      throw error;
    }
    for (const request of ended) {
      this.account(request, crossing, nowMs);
      requests.give(request);
    }
    this.completions.push(completion);
  }

  private account({ nbl, object, kind, edge }: RequestRecord, crossing: DdiCrossing, nowMs: number): void {
    const { requests } = this.ledger;
    const bytes = nbl.tcpOffloadBytesTransferred;
    if (kind === 'send' || kind === 'disconnect') object.bytesAcknowledged += bytes;
    else if (kind === 'receive') object.bytesReceived += bytes;
    requests.follow(nbl, edge, crossing, nowMs);
    const above = requests.newest(nbl);
    if (above !== null) above.completedBelow = { status: nbl.status, bytes, dataLength: netBufferListDataLength(nbl) };
  }

  upReturned(): void {
    const completion = this.completions.pop();
    if (completion !== undefined) for (const hook of this.ledger.hooks.completionUpReturned) hook(completion);
  }
}
