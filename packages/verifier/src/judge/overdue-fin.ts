import { TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isTargets } from './reasons.ts';

const { TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck, TcpConnectionTimeWait, TcpConnectionClosed } = TCP_OFFLOAD_CONNECTION_STATE;

/** States of a connection whose peer has closed its half. */
const PEER_CLOSED: ReadonlySet<number> = new Set([TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck, TcpConnectionTimeWait, TcpConnectionClosed]);

/** True when the peer has closed its half in this state. */
export function hasPeerClosed(connectionState: number): boolean {
  return PEER_CLOSED.has(connectionState);
}

/**
 * A receive that ends before its time says that no more data will come. When data comes all the same, or the connection
 * goes back with its receive half open, it was a lie.
 * @param ends what is wrong with a request that was completed so, as the end of a sentence; null when nothing is.
 */
export function followedByFin({ broken }: Watch, ends: (request: RequestRecord) => string | null): RuleHooks {
  const early = new Map<ObjectRecord, string>();
  const accuse = (object: ObjectRecord, then: string): void => {
    const what = early.get(object);
    if (what === undefined) return;
    early.delete(object);
    broken(object.edge.lower, `${what}, and ${then}`, object.handle);
  };
  return {
    requestUp: (request) => {
      if (request.kind !== 'receive' || !isTargets(request)) return;
      const { object, nbl, ordinal } = request;
      if (nbl.tcpOffloadBytesTransferred > 0) accuse(object, `receive ${ordinal} brings more data`);
      if (object.isDisconnectIndicated || object.isLeaving || object.isAborted || early.has(object)) return;
      const what = ends(request);
      if (what !== null) early.set(object, `receive ${ordinal} of ${object.name} ${what}`);
    },
    indicate: ({ object }) => {
      if (object !== null) accuse(object, 'more data is indicated');
    },
    event: (object, eventType) => {
      if (eventType !== TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange) early.delete(object);
    },
    objectEnds: (object) => {
      if (object.handedBack !== null && !hasPeerClosed(object.handedBack.connectionState)) accuse(object, 'the connection went back with its receive half open');
      early.delete(object);
    },
    end: () => {
      for (const object of [...early.keys()]) accuse(object, 'no TcpIndicateDisconnect followed');
    },
  };
}
