import { NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_EVENT_TYPE, formatNdisStatus } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestKind, RequestRecord } from '../record/request-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';

const { TcpIndicateAbort } = TCP_OFFLOAD_EVENT_TYPE;

/** A request ended as if the connection were being uploaded, or reset, and nobody had heard of that so far. */
interface Unexplained {
  readonly what: string;
  readonly status: number;
  readonly ordinal: number;
  readonly atMs: number;
}

/** True on the edge of a target, for what the target itself completes. */
export function isTargets({ edge, isTakenBack }: RequestRecord): boolean {
  return edge.lowerRole === 'target' && !isTakenBack;
}

/**
 * Requests of a kind end with NDIS_STATUS_UPLOAD_IN_PROGRESS only when the connection is on its way back, and with
 * NDIS_STATUS_REQUEST_ABORTED only when it was reset. A target may say so before it has indicated why; but then it has to
 * indicate it, and may not go on as if nothing had happened.
 */
export function explainedEndings({ broken, clock, limits }: Watch, kind: RequestKind): RuleHooks {
  const unexplained = new Map<ObjectRecord, Unexplained>();
  const accuse = (object: ObjectRecord, { what, status }: Unexplained, then: string): void => {
    unexplained.delete(object);
    const missing = status === NDIS_STATUS_UPLOAD_IN_PROGRESS ? 'no upload was asked for or under way' : 'there was neither a reset nor an abortive disconnect';
    broken(object.edge.lower, `ended ${what} of ${object.name} with ${formatNdisStatus(status)}, though ${missing}: ${then}`, object.handle);
  };
  const isExplained = (object: ObjectRecord, status: number): boolean => (status === NDIS_STATUS_UPLOAD_IN_PROGRESS ? object.isLeaving : object.isAborted || object.state === 'lost');
  const look = (nowMs: number, isOver: boolean): void => {
    for (const [object, one] of unexplained) {
      if (isExplained(object, one.status)) unexplained.delete(object);
      else if (isOver || nowMs - one.atMs > limits.stateMs) accuse(object, one, `nothing of the kind followed in ${nowMs - one.atMs} ms`);
    }
  };
  return {
    requestUp: (request) => {
      if (request.kind !== kind || !isTargets(request)) return;
      const { object, ordinal, nbl } = request;
      const { status } = nbl;
      const earlier = unexplained.size === 0 ? undefined : unexplained.get(object);
      if (earlier !== undefined && isExplained(object, earlier.status)) unexplained.delete(object);
      else if (earlier !== undefined && status === NDIS_STATUS_SUCCESS && ordinal > earlier.ordinal) accuse(object, earlier, `${kind} ${ordinal}, posted later, succeeded`);
      if (status !== NDIS_STATUS_UPLOAD_IN_PROGRESS && status !== NDIS_STATUS_REQUEST_ABORTED) return;
      if (isExplained(object, status) || unexplained.has(object)) return;
      unexplained.set(object, { what: `${kind} ${ordinal}`, status, ordinal, atMs: clock.now() });
    },
    event: (object, eventType) => {
      if (eventType === TcpIndicateAbort && unexplained.get(object)?.status === NDIS_STATUS_REQUEST_ABORTED) unexplained.delete(object);
    },
    treeDown: ({ operation, blocks }) => {
      if (operation !== 'terminate') return;
      // The completion told the host as much: from the terminate on it is true.
      for (const { object } of blocks) if (object !== null && unexplained.get(object)?.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) unexplained.delete(object);
    },
    objectEnds: (object) => {
      const one = unexplained.get(object);
      if (one === undefined) return;
      if (isExplained(object, one.status)) unexplained.delete(object);
      else accuse(object, one, 'the connection went back without a word of it');
    },
    tick: (nowMs) => {
      look(nowMs, false);
    },
    end: () => {
      look(clock.now(), true);
    },
  };
}
