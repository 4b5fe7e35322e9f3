import { IRQL, NDIS_STATUS_SUCCESS, TCP_DISCONNECT_ABORTIVE_CLOSE, TCP_OFFLOAD_EVENT_TYPE } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import { neighborQuestionsRules } from './neighbor-questions.ts';
import { uploadRequestsRules } from './upload-requests.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;

const EVENT = 'nc-ndischimney-ndis_tcp_offload_event_indicate.md';
const BLIND_RESET = 'requirements-for-tcp-chimney-nics-for-blind-reset-attacks.md';

const WIRE = 'The segments themselves: the verifier does not see the wire.';

/** So many values in a row that are what is pending just then are no chance. */
const ECHOES = 3;

/** What a target has said about the backlog of a connection. */
interface Backlog {
  last: number;
  /** Values in a row that were all different, and each what was pending below at that moment. */
  echoes: number;
}

/** Bytes of sends that are below. */
function pendingBytes({ pending }: ObjectRecord): number {
  let bytes = 0;
  for (const { byteCount } of pending.send) bytes += byteCount;
  return bytes;
}

export const eventsRules: readonly Rule[] = [
  {
    id: 'CHIM-EVT-001',
    actors: ['target'],
    severity: 'error',
    page: EVENT,
    holds: 'TcpIndicateDisconnect is indicated once, after a FIN was received and everything before it was consumed.',
    why: 'The host tells its application that nothing more comes: data that arrives after that is lost, and the connection looks shorter than it was.',
    cause: 'The FIN has its place in the stream: look whether the event is made when the segment arrives, past data that waits for a receive request.',
    example: 'The host has refused 500 bytes, and TcpIndicateDisconnect is indicated before they were offered again.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: `Whether there was a FIN. ${WIRE}`,
    watch: ({ broken }) => ({
      event: (object, eventType) => {
        const { edge, undelivered, isDisconnectIndicated, handle } = object;
        if (eventType !== TcpIndicateDisconnect || edge.lowerRole !== 'target') return;
        if (isDisconnectIndicated) broken(edge.lower, `indicates the end of what ${object.name} receives a second time`, handle);
        else if (undelivered !== null) broken(edge.lower, `indicates the end of what ${object.name} receives before ${undelivered.byteCount} bytes that were ${undelivered.because}`, handle);
      },
    }),
  },
  {
    id: 'CHIM-EVT-002',
    actors: ['target'],
    severity: 'error',
    page: 'responding-to-the-reception-of-a-fin-or-rst-segment.md',
    holds: 'When a connection was reset by its peer, TcpIndicateAbort is indicated, and all pending sends, receives and disconnects end with NDIS_STATUS_REQUEST_ABORTED.',
    why: 'A host that sees any other status sends the data again on a connection that is gone, or believes that the peer has it.',
    cause: 'Look at the flush of the queues: it must not use the status of the upload, nor complete what happens to be full.',
    example: 'After TcpIndicateAbort a pending send is completed with NDIS_STATUS_SUCCESS.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: `Whether there was an acceptable RST without the event. ${WIRE}`,
    watch: ({ broken, clock }) => {
      const abortedAt = new WeakMap<ObjectRecord, number>();
      return {
        event: (object, eventType) => {
          if (eventType === TcpIndicateAbort && !abortedAt.has(object)) abortedAt.set(object, clock.now());
        },
        requestUp: ({ object, kind, nbl, edge, ordinal, flags, isTakenBack, postedAtMs }) => {
          const atMs = abortedAt.get(object);
          if (atMs === undefined || edge.lowerRole !== 'target' || kind === 'forward' || isTakenBack) return;
          // For a status that fits nothing there are rules of each request.
          if (nbl.status !== NDIS_STATUS_SUCCESS) return;
          // What was done before may have been on its way up, and the host's own RST may have been sent first.
          const mayBeDone = postedAtMs <= atMs && (clock.now() === atMs || (kind === 'disconnect' && flags === TCP_DISCONNECT_ABORTIVE_CLOSE));
          if (!mayBeDone) broken(edge.lower, `completes ${kind} ${ordinal} of ${object.name} with success after TcpIndicateAbort`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-EVT-003',
    actors: ['target'],
    severity: 'error',
    page: BLIND_RESET,
    holds: 'An RST outside the receive window has no effect; one inside it that is not at RcvNxt is answered by at most one challenge ACK until an acceptable segment arrives.',
    why: 'Otherwise whoever guesses a number inside the window resets connections of others.',
    cause: 'Look at the comparison with RcvNxt: equal, not inside the window.',
    example: 'RcvNxt is 1000, the window 500, and an RST with sequence number 1200 ends the connection.',
    observed: ['wire', 'up'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-EVT-004',
    actors: ['target'],
    severity: 'warning',
    page: BLIND_RESET,
    holds: 'A SYN outside the window is answered by an ACK, one inside it that is not at RcvNxt by at most one challenge ACK in three seconds.',
    why: 'Otherwise forged SYNs turn the target into an amplifier, or end connections of others.',
    cause: 'Look for a challenge ACK that does not ask when the last one was sent.',
    example: 'Two SYNs inside the window within a second are both answered.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-EVT-005',
    actors: ['target'],
    severity: 'error',
    page: 'handling-the-reception-of-syn-segments.md',
    holds: 'A SYN at RcvNxt, in any state but TIME_WAIT, leads to the upload of the connection in CLOSED, without an RST.',
    why: 'The peer has started again; an RST would end the new connection with the old one.',
    cause: 'Look for the common path of segments in the wrong state, which answers with an RST.',
    example: 'A SYN at RcvNxt is answered by an RST.',
    observed: ['wire', 'up'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-EVT-006',
    actors: ['target'],
    severity: 'warning',
    page: 'handling-the-reception-of-syn-segments.md',
    holds: 'A SYN for a connection in TIME_WAIT, and data for one in CLOSED, go up the ordinary path.',
    why: 'Only the host knows whether the port may be used again, and how to answer what comes too late.',
    cause: 'Look for segments of known connections that are dropped by their state.',
    example: 'A SYN for a connection in TIME_WAIT is dropped.',
    observed: ['wire', 'ordinary'],
    decidedBy: 'nobody',
    missing: `What arrived: the ordinary path shows only what went up. ${WIRE}`,
  },
  ...uploadRequestsRules,
  {
    id: 'CHIM-EVT-011',
    actors: ['target'],
    severity: 'error',
    page: 'handling-the-reception-of-urgent-data.md',
    holds: 'A valid URG segment, from the wire, forwarded or in BufferedData, is not acknowledged: the upload is asked for with ReceivedUrgentData, and what follows is kept and goes up the ordinary path after the upload.',
    why: 'The chimney has no way to say where urgent data ends; acknowledged and indicated, it is ordinary data.',
    cause: 'Look whether the flag is tested before the segment is processed, on all three ways in.',
    example: 'An URG segment is indicated like any other.',
    observed: ['wire', 'up', 'ordinary'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-EVT-012',
    actors: ['target'],
    severity: 'error',
    page: 'handling-the-reception-of-ip-fragments.md',
    holds: 'IPv4 packets with options, fragments, and ARP, ICMP and RIP messages go up the ordinary path, unprocessed.',
    why: 'They are the host\'s business, and it can do nothing about what it does not see.',
    cause: 'Look at the filter in front of the lookup of connections: it must ask for the header length and the fragment bits.',
    example: 'A fragment of a segment of an offloaded connection is dropped.',
    observed: ['wire', 'ordinary'],
    decidedBy: 'nobody',
    missing: `What arrived: the ordinary path shows only what went up. ${WIRE}`,
  },
  {
    id: 'CHIM-EVT-014',
    actors: ['target'],
    severity: 'warning',
    page: EVENT,
    holds: 'TcpIndicateSendBacklogChange is indicated only when the backlog has changed, and its value does not depend on how much is posted.',
    why: 'It tells the host how much to post: a value that follows what is posted goes round in a circle, and one that is repeated costs a call for nothing.',
    cause: 'The backlog is what the path can hold, the send window times the bandwidth: look whether it is computed from the send queue.',
    example: 'Three times in a row the value is exactly the number of bytes that are pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    missing: 'How often is too often: no page has a number.',
    watch: ({ broken, followsRequests }) => {
      const backlogs = new WeakMap<ObjectRecord, Backlog>();
      return {
        event: (object, eventType, information) => {
          const { edge, handle } = object;
          if (eventType !== TcpIndicateSendBacklogChange || edge.lowerRole !== 'target') return;
          const backlog = backlogs.get(object) ?? { last: -1, echoes: 0 };
          backlogs.set(object, backlog);
          const isRepeated = backlog.last === information;
          backlog.last = information;
          if (isRepeated) {
            broken(edge.lower, `indicates a send backlog of ${information} bytes for ${object.name} again`, handle);
            return;
          }
          backlog.echoes = followsRequests && information === pendingBytes(object) ? backlog.echoes + 1 : 0;
          if (backlog.echoes < ECHOES) return;
          backlog.echoes = 0;
          broken(edge.lower, `indicates what is pending as the send backlog of ${object.name}, ${ECHOES} times in a row: ${information} bytes now`, handle);
        },
      };
    },
  },
  ...neighborQuestionsRules,
  {
    id: 'CHIM-EVT-019',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'storing-and-referencing-offloaded-state.md',
    holds: 'An indication names an object that is with the driver, by the handle that came with its initiate.',
    why: 'The handle leads to memory of the driver above, which it has freed when the object is back.',
    cause: 'Look for timers and queues that still name a connection when its terminate was completed, and for tables that are looked up by a number that is used again.',
    example: 'A target indicates an event for a connection whose terminate it has completed.',
    observed: ['up'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-EVT-020',
    actors: ['target', 'intermediate'],
    severity: 'warning',
    page: EVENT,
    holds: 'Events, received data and questions are indicated at DISPATCH_LEVEL.',
    why: 'Drivers above take their spin locks without raising the IRQL first: at a lower one they deadlock with their own DPCs.',
    cause: 'Look for an indication that is made from inside a call of the driver above, or from a work item, and not from a DPC.',
    example: 'Inside MiniportTcpOffloadReceive a target indicates the data that waited for it.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken, irql }) => {
      const judge = (edge: EdgeRecord, what: string, subject: unknown): void => {
        // An intermediate driver passes on at the level it was called at.
        if (edge.lowerRole === 'target' && irql() !== IRQL.DISPATCH_LEVEL) broken(edge.lower, `indicates ${what} at PASSIVE_LEVEL`, subject);
      };
      return {
        event: (object, eventType) => {
          judge(object.edge, `event ${eventType} of ${object.name}`, object.handle);
        },
        indicate: ({ edge, object, nbl }) => {
          judge(edge, `received data of ${object?.name ?? 'a connection'}`, nbl);
        },
        question: (object, block) => {
          judge(object.edge, `a question about ${object.name}`, block);
        },
      };
    },
  },
];
