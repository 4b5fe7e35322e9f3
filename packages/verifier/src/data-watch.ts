import { NDIS_STATUS_FAILURE, TCP_DISCONNECT_ABORTIVE_CLOSE, netBufferListDataLength, type DdiCrossing, type NDIS_STATUS, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';

import { objectOf, type Ledger } from './ledger.ts';
import type { EdgeRecord } from './record/edge-record.ts';
import { trackOf } from './record/nbl-track.ts';
import type { ObjectRecord } from './record/object-record.ts';
import { stillPending, type CompletionCall, type DataCall, type RequestKind, type RequestRecord } from './record/request-record.ts';
import type { Undelivered } from './record/undelivered.ts';

/** Watches requests go down and their completions come up. */
export class DataWatch {
  private readonly ledger: Ledger;
  /** Calls that have not returned, the innermost last. */
  private readonly calls: (DataCall | null)[] = [];
  private readonly completions: CompletionCall[] = [];
  /** How the send half was closed before a disconnect that has not returned. */
  private readonly disconnectedBefore = new Map<DataCall, ObjectRecord['disconnected']>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  down(edge: EdgeRecord, crossing: DdiCrossing, kind: RequestKind, list: NetBufferList, count: number, flags: number, handle: OffloadHandle | null): void {
    const object = objectOf(edge, handle);
    if (object === null) {
      // The object was offloaded before anybody watched.
      for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
        const track = trackOf(nbl);
        if (track !== null) track.isStranger = true;
      }
      this.calls.push(null);
      return;
    }
    const { ledger } = this;
    const { requests, hooks } = ledger;
    const nowMs = ledger.clock.now();
    const made: RequestRecord[] = [];
    const firstOrdinal = edge.requestCount + 1;
    const call: DataCall = { edge, crossing, kind, object, list, count, flags, requests: made, firstOrdinal };
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      const request = requests.take(nbl, edge, object, kind, nowMs, flags);
      request.callOrdinal = firstOrdinal;
      made.push(request);
    }
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
    if (kind === 'receive') {
      object.receivesPosted += made.length;
      if (object.undelivered !== null) object.undelivered.isBlocked = false;
    } else if (kind === 'disconnect' && object.disconnected !== 'abortive') {
      this.disconnectedBefore.set(call, object.disconnected);
      object.disconnected = flags === TCP_DISCONNECT_ABORTIVE_CLOSE ? 'abortive' : 'graceful';
    }
    if (kind === 'send' || (kind === 'disconnect' && flags !== TCP_DISCONNECT_ABORTIVE_CLOSE)) for (const { byteCount } of made) object.bytesSent += byteCount;
    this.calls.push(call);
    ledger.began();
  }

  downReturned(status: NDIS_STATUS): void {
    const call = this.calls.pop() ?? null;
    if (call === null) return;
    const { object, kind } = call;
    object.callDepth[kind]--;
    const before = this.disconnectedBefore.get(call);
    this.disconnectedBefore.delete(call);
    if (status === NDIS_STATUS_FAILURE) {
      // A later observer stopped the call: the list is the caller's as it was.
      if (before !== undefined) object.disconnected = before;
      for (const request of stillPending(call)) {
        if (kind === 'receive') object.receivesPosted--;
        else if (kind !== 'forward' && request.flags !== TCP_DISCONNECT_ABORTIVE_CLOSE) object.bytesSent -= request.byteCount;
        this.ledger.requests.end(request);
        this.ledger.requests.give(request);
      }
      return;
    }
    for (const request of stillPending(call)) request.isTakenBack = isTakenBack(request.nbl);
    for (const hook of this.ledger.hooks.callDownReturned) hook(call, status);
  }

  up(edge: EdgeRecord, crossing: DdiCrossing, kind: RequestKind, list: NetBufferList, count: number): void {
    const { ledger } = this;
    const { requests, hooks } = ledger;
    const nowMs = ledger.clock.now();
    const completion: CompletionCall = { edge, crossing, kind, list, count, delivering: [] };
    const ended: RequestRecord[] = [];
    const undelivered = new Map<ObjectRecord, Undelivered>();
    try {
      ledger.before(() => {
        for (const hook of hooks.completionUp) hook(completion);
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
          const request = requests.find(nbl, edge);
          if (request === null) {
            const track = trackOf(nbl);
            if (track === null) continue;
            if (!track.isStranger) for (const hook of hooks.strayUp) hook(track, completion);
            track.isStranger = false;
            continue;
          }
          for (const hook of hooks.requestUp) hook(request, completion);
          // The next of the list is judged as if this one were back already.
          requests.end(request);
          ended.push(request);
          const { object } = request;
          if (object.undelivered === null || request.kind !== 'receive') continue;
          undelivered.set(object, undelivered.get(object) ?? object.undelivered);
          object.undelivered = object.undelivered.without(nbl.tcpOffloadBytesTransferred);
        }
      });
    } catch (error) {
      for (const request of ended.reverse()) requests.restore(request);
      for (const [object, before] of undelivered) object.undelivered = before;
      throw error;
    }
    for (const request of ended) {
      this.account(request, completion, nowMs);
      if (kind === 'receive') completion.delivering.push(request.object);
      requests.give(request);
    }
    for (const object of completion.delivering) object.deliveryDepth++;
    this.completions.push(completion);
  }

  private account({ nbl, object, kind, edge }: RequestRecord, completion: CompletionCall, nowMs: number): void {
    const { requests } = this.ledger;
    const bytes = nbl.tcpOffloadBytesTransferred;
    if (kind === 'send' || kind === 'disconnect') object.bytesAcknowledged += bytes;
    else if (kind === 'receive') object.bytesReceived += bytes;
    if (kind === 'send') object.lastSendUpMs = nowMs;
    requests.follow(nbl, edge, completion.crossing, nowMs);
    const above = requests.newest(nbl);
    if (above !== null) above.completedBelow = { kind: completion.kind, status: nbl.status, bytes, dataLength: netBufferListDataLength(nbl) };
  }

  upReturned(edge: EdgeRecord): void {
    // The calls of a list that mixes edges are all shown before the first is made.
    const at = this.completions.findLastIndex((completion) => completion.edge === edge);
    const [completion] = at < 0 ? [] : this.completions.splice(at, 1);
    if (completion === undefined) return;
    for (const object of completion.delivering) object.deliveryDepth--;
    for (const hook of this.ledger.hooks.completionUpReturned) hook(completion);
  }
}

/** NDIS has taken the NBL back from a driver that threw, and will complete it itself: its tag says so. */
function isTakenBack({ sourceHandle }: NetBufferList): boolean {
  return typeof (sourceHandle as { readonly tagText?: unknown } | null)?.tagText === 'string';
}
