import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, isMandatoryUpload } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule, RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;
const { TcpConnectionEstablished, TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionCloseWait } = TCP_OFFLOAD_CONNECTION_STATE;
const { InvalidState, MaxUploadReason, LowActivity } = TCP_UPLOAD_REASON;

const EVENT = 'nc-ndischimney-ndis_tcp_offload_event_indicate.md';

/** `LowActivity`; a number for what has no name. */
function reasonName(reason: number): string {
  return Object.entries(TCP_UPLOAD_REASON).find(([, value]) => value === reason)?.[0] ?? `reason ${reason}`;
}

/** Notes connections whose host has closed its half, once the peer has acknowledged that. */
function noteClosed(closed: WeakSet<ObjectRecord>): RuleHooks {
  return {
    requestUp: ({ kind, nbl, object }) => {
      if (kind === 'disconnect' && nbl.status === NDIS_STATUS_SUCCESS && object.disconnected === 'graceful') closed.add(object);
    },
  };
}

/**
 * The state a connection is in, of those in which the upload may not be asked for at will; null when it may be in one of the
 * others, TIME_WAIT apart. `isOurFinAcknowledged`: its graceful disconnect has succeeded.
 */
function halfClosed({ handedOver, isDisconnectIndicated, disconnected }: ObjectRecord, isOurFinAcknowledged: boolean): string | null {
  const from = handedOver?.connectionState;
  const isPeerDone = isDisconnectIndicated || from === TcpConnectionCloseWait;
  if ((from === TcpConnectionEstablished || from === TcpConnectionCloseWait) && isPeerDone && disconnected === 'no') return 'CLOSE_WAIT';
  // The peer's FIN may have arrived, and wait behind data that nobody has taken.
  if (!isPeerDone && (from === TcpConnectionFinWait2 || (isOurFinAcknowledged && (from === TcpConnectionEstablished || from === TcpConnectionFinWait1)))) return 'FIN_WAIT2';
  return !isPeerDone && from === TcpConnectionFinWait1 ? 'FIN_WAIT1' : null;
}

/** Something that has to be followed by the end of a connection in time. */
function watchForEnd({ clock, limits, broken }: Watch, since: Map<ObjectRecord, number>, accuse: (object: ObjectRecord, forMs: number) => readonly [actor: string, detail: string]): RuleHooks {
  const look = (nowMs: number): void => {
    for (const [object, atMs] of since) {
      if (nowMs - atMs <= limits.stateMs) continue;
      since.delete(object);
      broken(...accuse(object, nowMs - atMs), object.handle);
    }
  };
  return {
    treeDown: ({ operation, blocks }) => {
      if (operation === 'terminate' && since.size > 0) for (const { object } of blocks) if (object !== null) since.delete(object);
    },
    objectEnds: (object) => {
      since.delete(object);
    },
    tick: look,
    end: () => {
      look(clock.now());
    },
  };
}

/** What targets ask for with TcpIndicateRetrieve, and what follows. */
export const uploadRequestsRules: readonly Rule[] = [
  {
    id: 'CHIM-EVT-007',
    actors: ['target'],
    severity: 'error',
    page: EVENT,
    holds: 'Every event names one TCP connection, and every TcpIndicateRetrieve a reason that is defined.',
    why: 'The host looks the object up as a connection, and decides by the reason whether it has a choice.',
    cause: 'For the wrong object look whose handle was stored; a reason out of range is most often one of the hardware\'s own that was not translated.',
    example: 'TcpIndicateRetrieve is indicated for a path.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      event: (object, eventType, information) => {
        const { edge, layer, handle } = object;
        if (edge.lowerRole !== 'target') return;
        if (layer !== 'tcp') broken(edge.lower, `indicates TCP event ${eventType} for ${object.name}, which is no connection`, handle);
        else if (eventType < TcpIndicateSendBacklogChange || eventType > TcpIndicateAbort) broken(edge.lower, `indicates event ${eventType} for ${object.name}, and there is no such event`, handle);
        else if (eventType === TcpIndicateRetrieve && (information < LowActivity || information >= MaxUploadReason)) broken(edge.lower, `asks for the upload of ${object.name} with ${reasonName(information)}, which is none`, handle);
      },
    }),
  },
  {
    id: 'CHIM-EVT-008',
    actors: ['host'],
    severity: 'error',
    page: EVENT,
    holds: 'A reason that leaves no choice is followed by the termination of the connection.',
    why: 'The target has stopped: until the host takes the connection back, nothing goes on with it.',
    cause: 'Look at the event callback: mandatory reasons are HardwareFailure, InvalidState, ReceivedUrgentData, TimeoutExpiration and UploadRequested. Look also for a terminate that waits for something which never comes.',
    example: 'TcpIndicateRetrieve with HardwareFailure is taken for a hint like LowActivity.',
    observed: ['up', 'down', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const asked = new Map<ObjectRecord, number>();
      return {
        ...watchForEnd(watch, asked, (object, forMs) => [object.edge.upper, `has not terminated ${object.name} in ${forMs} ms, since ${object.edge.lower} had to ask for it`]),
        event: (object, eventType, information) => {
          const isDue = eventType === TcpIndicateRetrieve && isMandatoryUpload(information) && object.edge.upperRole === 'host' && object.state === 'offloaded';
          if (isDue && !asked.has(object)) asked.set(object, watch.clock.now());
        },
      };
    },
  },
  {
    id: 'CHIM-EVT-009',
    actors: ['target'],
    severity: 'error',
    page: EVENT,
    holds: 'After a reason that leaves the host no choice, the target stops working on the connection.',
    why: 'What it goes on doing is not in the state it hands back, or it was done with state that is known to be bad.',
    cause: 'Look whether the flag that stops the connection is set before the event is indicated, and whether all queues look at it.',
    example: 'After TcpIndicateRetrieve with TimeoutExpiration received data is indicated.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: 'What it sends and acknowledges: the verifier does not see the wire. Nor whether a connection really goes on after a reason that leaves a choice.',
    watch: ({ broken }) => {
      const stopped = new WeakMap<ObjectRecord, number>();
      return {
        event: (object, eventType, information) => {
          const { edge, handle } = object;
          if (edge.lowerRole !== 'target') return;
          const reason = stopped.get(object);
          if (reason === undefined) {
            // A target may be lenient with connections whose path has changed: they are served until the host has them back.
            if (eventType === TcpIndicateRetrieve && isMandatoryUpload(information) && information !== InvalidState) stopped.set(object, information);
            // How much should be outstanding is no matter of the segments that are processed no more.
          } else if (object.state === 'offloaded' && eventType === TcpIndicateDisconnect) {
            broken(edge.lower, `goes on with ${object.name} after it asked for the upload with ${reasonName(reason)}: indicates event ${eventType}`, handle);
          }
        },
        indicate: ({ object, edge, nbl }) => {
          // Once the host takes the connection back, what was acknowledged has to come up.
          if (object?.state !== 'offloaded' || edge.lowerRole !== 'target') return;
          const reason = stopped.get(object);
          if (reason !== undefined) broken(edge.lower, `goes on with ${object.name} after it asked for the upload with ${reasonName(reason)}: indicates received data`, nbl);
        },
      };
    },
  },
  {
    id: 'CHIM-EVT-010',
    actors: ['target'],
    severity: 'error',
    page: EVENT,
    holds: 'The upload is not asked for at will in FIN_WAIT1, FIN_WAIT2 and CLOSE_WAIT.',
    why: 'The connection is about to end anyway: moving it costs more than leaving it.',
    cause: 'Look at the policy that asks: it has to look at the state first. UploadRequested counts as a request at will; the failures do not.',
    example: 'LowActivity is indicated for a connection whose peer has closed.',
    observed: ['up'],
    decidedBy: 'verifier',
    missing: 'States that only the wire shows: a FIN that was sent and is not acknowledged, one that arrived and is not indicated; and UploadRequested, which is also the reason for a SYN and for TIME_WAIT.',
    watch: ({ broken }) => {
      const closed = new WeakSet<ObjectRecord>();
      return {
        ...noteClosed(closed),
        event: (object, eventType, information) => {
          const { edge, handle } = object;
          const isAtWill = eventType === TcpIndicateRetrieve && !isMandatoryUpload(information);
          if (!isAtWill || edge.lowerRole !== 'target' || object.state !== 'offloaded' || object.isAborted) return;
          const found = halfClosed(object, closed.has(object));
          if (found !== null) broken(edge.lower, `asks for the upload of ${object.name} with ${reasonName(information)} in ${found}`, handle);
        },
      };
    },
  },
  {
    id: 'CHIM-EVT-013',
    actors: ['target'],
    severity: 'warning',
    page: 'overview-of-tcp-timers.md',
    holds: 'A connection that enters TIME_WAIT is asked back.',
    why: 'There is nothing left to do but wait, and it takes the place of one that is in use.',
    cause: 'Look where the state changes to TIME_WAIT: when our FIN is acknowledged already and the peer\'s arrives, and in CLOSING.',
    example: 'Both sides have closed, the host first, and the connection stays with the target until the host thinks of it.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    missing: 'TIME_WAIT that is entered from CLOSING, which cannot be told from LAST_ACK without the wire.',
    watch: (watch) => {
      const closed = new WeakSet<ObjectRecord>();
      const waiting = new Map<ObjectRecord, number>();
      return {
        ...noteClosed(closed),
        ...watchForEnd(watch, waiting, (object, forMs) => [object.edge.lower, `has not asked for the upload of ${object.name} in ${forMs} ms, since it entered TIME_WAIT`]),
        event: (object, eventType) => {
          if (object.edge.lowerRole !== 'target') return;
          if (eventType === TcpIndicateRetrieve || eventType === TcpIndicateAbort) waiting.delete(object);
          else if (eventType === TcpIndicateDisconnect && object.uploadReason === null && halfClosed(object, closed.has(object)) === 'FIN_WAIT2') waiting.set(object, watch.clock.now());
        },
      };
    },
  },
];
