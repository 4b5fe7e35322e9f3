import {
  BlockWalk,
  DDI_CROSSING,
  NDIS_STATUS_PENDING,
  type DdiCrossing,
  type NdisBinding,
  type NetBufferList,
  type OffloadBlockList,
} from '@ndis-chimney/types';
import { Observable, filter, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';

import type { DdiEvent } from './ddi-event.ts';

/** Lets the events of one binding through. */
export function byBinding(binding: NdisBinding): MonoTypeOperatorFunction<DdiEvent> {
  return filter((event) => event.binding === binding);
}

/**
 * Lets the events of some operations through, in both directions. @param operations names as in
 * `DdiCrossing.operation`: `TcpOffloadSend`, `TerminateOffload`.
 */
export function byOperation(...operations: string[]): MonoTypeOperatorFunction<DdiEvent> {
  const wanted = new Set(operations);
  return filter((event) => wanted.has(event.crossing.operation));
}

const INDICATIONS: ReadonlySet<DdiCrossing> = new Set([
  DDI_CROSSING.tcpOffloadReceiveHandler,
  DDI_CROSSING.tcpOffloadEventHandler,
  DDI_CROSSING.offloadEventIndicate,
  DDI_CROSSING.indicateReceiveNetBufferLists,
]);

/** Lets indications through: what the driver below says without having been asked. */
export function indications(): MonoTypeOperatorFunction<DdiEvent> {
  return filter((event) => INDICATIONS.has(event.crossing));
}

/** Lets completions through: what ends a request of the driver above. */
export function completions(): MonoTypeOperatorFunction<DdiEvent> {
  return filter(({ crossing }) => crossing.direction === 'up' && crossing !== DDI_CROSSING.indicateStatusEx && !INDICATIONS.has(crossing));
}

/** Lets status indications of adapters through. */
export function statusIndications(): MonoTypeOperatorFunction<DdiEvent> {
  return filter((event) => event.crossing === DDI_CROSSING.indicateStatusEx);
}

/** A request and what became of it. */
export interface PairedRequest {
  /** The downcall. */
  readonly request: DdiEvent;
  /**
   * What brought back the last of what the request passed down: a completion, the completion of a terminate for sends
   * that come back in its tree, the answer for an OID request that was answered at once.
   */
  readonly completion: DdiEvent;
  /** Completions it took: several when a list was completed in parts. */
  readonly completions: number;
}

interface OpenRequest {
  readonly request: DdiEvent;
  missing: number;
  completions: number;
  lastCompletion: DdiEvent | null;
}

/**
 * Pairs requests with their completions, edge by edge: one value per request, when all of it is back. It follows every
 * NET_BUFFER_LIST, since a completion may mix requests and a request may be completed in parts; that is for people, not
 * for a data path.
 */
export function pairRequests(): OperatorFunction<DdiEvent, PairedRequest> {
  return (source) =>
    new Observable((subscriber) => {
      const open = new Map<NdisBinding, Map<object, OpenRequest>>();
      return source.subscribe({
        next(event) {
          const isAnswer = event.crossing === DDI_CROSSING.oidRequest && event.phase === 'leave' && event.status !== NDIS_STATUS_PENDING;
          if (event.phase !== 'enter' && !isAnswer) return;
          let requests = open.get(event.binding);
          if (requests === undefined) {
            requests = new Map<object, OpenRequest>();
            open.set(event.binding, requests);
          }
          if (event.crossing.direction === 'down' && !isAnswer) openRequest(requests, event);
          else for (const paired of closeRequests(requests, event)) subscriber.next(paired);
        },
        error(error) {
          subscriber.error(error);
        },
        complete() {
          subscriber.complete();
        },
      });
    });
}

/** Things that cross and come back: every NBL of a list; the root of a tree; an OID request. */
function* itemsOf({ live, crossing }: DdiEvent): Generator<object> {
  if (live === null) return;
  if (crossing.carries === 'nbl') yield* membersOf(live as NetBufferList);
  else yield live;
}

function* membersOf(list: NetBufferList | null): Generator<NetBufferList> {
  for (let nbl = list; nbl !== null; nbl = nbl.next) yield nbl;
}

/** As {@link itemsOf} for what comes up: a tree brings sends back as well. */
function* returnedItemsOf(event: DdiEvent): Generator<object> {
  yield* itemsOf(event);
  if (event.crossing.carries !== 'block' || event.live === null) return;
  const walk = new BlockWalk<OffloadBlockList>();
  for (let block: OffloadBlockList | null = walk.start(event.live as OffloadBlockList); block !== null; block = walk.next(block)) {
    yield* membersOf(block.netBufferListChain);
  }
}

function openRequest(requests: Map<object, OpenRequest>, event: DdiEvent): void {
  if (event.crossing === DDI_CROSSING.offloadTcpReceiveReturn || event.crossing === DDI_CROSSING.returnNetBufferLists) return;
  const request: OpenRequest = { request: event, missing: event.count, completions: 0, lastCompletion: null };
  for (const item of itemsOf(event)) requests.set(item, request);
}

function closeRequests(requests: Map<object, OpenRequest>, event: DdiEvent): PairedRequest[] {
  const paired: PairedRequest[] = [];
  for (const item of returnedItemsOf(event)) {
    const request = requests.get(item);
    if (request === undefined) continue;
    requests.delete(item);
    if (request.lastCompletion !== event) request.completions++;
    request.lastCompletion = event;
    // A tree is one item, however many blocks it has.
    request.missing = request.request.crossing.carries === 'nbl' ? request.missing - 1 : 0;
    if (request.missing === 0) paired.push({ request: request.request, completion: event, completions: request.completions });
  }
  return paired;
}
