import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  formatNdisStatus,
  type NDIS_STATUS,
  type NetBufferList,
  type NetBufferListContext,
} from '@ndis-chimney/types';

import { explainedEndings, isTargets } from '../judge/reasons.ts';
import { misaccounted } from '../judge/transferred.ts';
import { trackOf } from '../record/nbl-track.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { Rule, RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isRefusedOpen } from './receive.ts';

const CALL = 'nf-ndischimney-ndisoffloadtcpdisconnect.md';
const ENTRY = 'nc-ndischimney-w_tcp_offload_disconnect_handler.md';
const COMPLETE = 'nc-ndischimney-ndis_tcp_offload_disconnect_complete.md';
const HANDLER = 'nc-ndischimney-tcp_offload_disconnect_complete_handler.md';

/** What a target may end a disconnect with. */
const ENDINGS: ReadonlySet<NDIS_STATUS> = new Set<NDIS_STATUS>([NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED]);

/** True for a disconnect that closes by an RST. */
function isAbortive({ flags }: RequestRecord): boolean {
  return (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) !== 0;
}

/** Sends that were made before a disconnect have come back when it ends; an upload may bring them back later. */
function afterItsSends({ broken, followsRequests }: Watch, wantsAbortive: boolean): RuleHooks {
  if (!followsRequests) return {};
  return {
    requestUp: (request) => {
      const { kind, nbl, object, edge, ordinal } = request;
      if (kind !== 'disconnect' || !isTargets(request) || isAbortive(request) !== wantsAbortive || nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) return;
      let oldest = object.pending.send.oldest;
      while (oldest?.isTakenBack === true) oldest = oldest.newer;
      if (oldest === null || oldest.ordinal > ordinal) return;
      const how = wantsAbortive ? 'abortive' : 'graceful';
      broken(edge.lower, `completes the ${how} disconnect of ${object.name} while send ${oldest.ordinal}, which came before it, is pending`, nbl, oldest.nbl, object.handle);
    },
  };
}

/** A context of this driver that is on an NBL. */
function contextOf(nbl: NetBufferList, driver: string): NetBufferListContext | null {
  for (let { context } = nbl; context !== null; context = context.next) if (context.owner?.name === driver) return context;
  return null;
}

export const disconnectRules: readonly Rule[] = [
  {
    id: 'CHIM-DSC-001',
    actors: ['NDIS', 'intermediate', 'target'],
    severity: 'error',
    page: CALL,
    holds: 'NdisOffloadTcpDisconnect and MiniportTcpOffloadDisconnect return NDIS_STATUS_PENDING and nothing else.',
    why: 'A caller that took another status for the end of it would take the connection back too early.',
    cause: 'Look at what the entry returns for a connection that is closed already.',
    example: 'miniportTcpOffloadDisconnect returns NDIS_STATUS_SUCCESS when the RST is sent.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-DSC-002',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: CALL,
    holds: 'A disconnect passes exactly one NET_BUFFER_LIST with exactly one NET_BUFFER; for an abortive one it holds no data.',
    why: 'After an RST there is no data: it would be lost without a word.',
    cause: 'Look for an abort that reuses the request of a last write.',
    example: 'An abortive disconnect comes with 5 bytes.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestDown: (request, { edge }) => {
        const { nbl, kind, isOrigin, byteCount, object } = request;
        if (kind !== 'disconnect' || !isOrigin || byteCount === 0 || !isAbortive(request)) return;
        broken(edge.upper, `passes an abortive disconnect of ${object.name} with ${byteCount} bytes of data`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-DSC-003',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'A target sends an RST for an abortive disconnect, and on no other occasion.',
    why: 'Whether a connection is reset is for the host to decide.',
    cause: 'Look what the engine answers to segments that do not fit.',
    example: 'A SYN in the window is answered with an RST.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire: every RST.',
  },
  {
    id: 'CHIM-DSC-004',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'In an abortive disconnect all pending sends are completed, with NDIS_STATUS_REQUEST_ABORTED, before the disconnect is.',
    why: 'To the host the connection is over with the completion: what comes later belongs to nobody.',
    cause: 'Look for a completion of the disconnect that is made where the RST is sent, ahead of the flush.',
    example: 'The disconnect is completed while a send of 1000 bytes is pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: (watch) => afterItsSends(watch, true),
  },
  {
    id: 'CHIM-DSC-005',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'From an abortive disconnect on no segment is processed or acknowledged, and the RST does not wait for indications that are under way.',
    why: 'The peer would believe in data that nobody will read.',
    cause: 'Look whether the abort goes through the same queue as received segments.',
    example: 'A segment that comes after the abort is acknowledged.',
    observed: ['up', 'wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire: segments that come after the request, acknowledgments, and when the RST is sent.',
  },
  {
    id: 'CHIM-DSC-006',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'In a graceful disconnect the wire carries earlier sends, the data of the disconnect, the FIN; and the FIN does not wait until data is acknowledged.',
    why: 'Data behind a FIN is no part of the stream.',
    cause: 'Look whether the FIN is queued behind the data, or sent by a path of its own.',
    example: 'The FIN is sent when the last send has been completed.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire: sequence numbers and the time of the FIN.',
  },
  {
    id: 'CHIM-DSC-007',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'In a graceful disconnect all pending sends are completed before the disconnect is, in posting order.',
    why: 'The completion says that everything was acknowledged: a send that is pending contradicts it.',
    cause: 'Look whether the NET_BUFFER_LIST of the disconnect waits behind the sends, or in a place of its own.',
    example: 'The disconnect is completed with NDIS_STATUS_SUCCESS while a send is pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: (watch) => afterItsSends(watch, false),
  },
  {
    id: 'CHIM-DSC-008',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A graceful disconnect succeeds when data and FIN were acknowledged by the peer, an abortive one when the RST was sent.',
    why: 'The host tells its application that everything arrived.',
    cause: 'Look whether the completion hangs on the transmission of the FIN or on its acknowledgment.',
    example: 'A disconnect with 100 bytes of data is completed with NDIS_STATUS_SUCCESS and 40 bytes transferred.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: 'What the target says itself is judged; acknowledgments and the RST on the wire are not seen.',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { kind, nbl, object, edge, byteCount } = request;
        if (kind !== 'disconnect' || !isTargets(request) || isAbortive(request) || nbl.status !== NDIS_STATUS_SUCCESS) return;
        const bytes = nbl.tcpOffloadBytesTransferred;
        if (bytes >= byteCount || misaccounted(request) !== null) return;
        broken(edge.lower, `completes the disconnect of ${object.name} with NDIS_STATUS_SUCCESS and ${bytes} of ${byteCount} bytes acknowledged`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-DSC-009',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'A disconnect fails only while the connection is being uploaded, with NDIS_STATUS_UPLOAD_IN_PROGRESS, or when it is aborted, with NDIS_STATUS_REQUEST_ABORTED.',
    why: 'The host does not try again: its half stays open for ever.',
    cause: 'Look which status the flush of the send queue is called with, and whether the event that explains it is indicated.',
    example: 'A disconnect is completed with NDIS_STATUS_FAILURE because the peer had closed already.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const explained = explainedEndings(watch, 'disconnect');
      return {
        ...explained,
        requestUp: (request, completion) => {
          explained.requestUp?.(request, completion);
          const { kind, edge, object, nbl } = request;
          if (kind !== 'disconnect' || !isTargets(request) || ENDINGS.has(nbl.status)) return;
          watch.broken(edge.lower, `completes the disconnect of ${object.name} with ${formatNdisStatus(nbl.status)}`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-DSC-010',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'The NET_BUFFER_LIST of a disconnect reports the acknowledged user bytes in TcpOffloadBytesTransferred, without the FIN, and its data start has moved by them.',
    why: 'After an upload the host sends what is left: one byte more or less and the stream is broken.',
    cause: 'Look whether the number of the FIN is taken off what was acknowledged.',
    example: 'A disconnect with 3 bytes of data reports 4 bytes transferred.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        if (request.kind !== 'disconnect' || !isTargets(request)) return;
        const wrong = misaccounted(request);
        if (wrong !== null) broken(request.edge.lower, `completes the disconnect of ${request.object.name}, which ${wrong}`, request.nbl, request.object.handle);
      },
    }),
  },
  {
    id: 'CHIM-DSC-011',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A disconnect completion returns the NET_BUFFER_LIST of the disconnect only, never sends.',
    why: 'The driver above looks for a disconnect, and finds the context of a send.',
    cause: 'NDIS refuses a list. What is left is one NET_BUFFER_LIST of another request: look how the two kinds are told apart in the queue they share.',
    example: 'A send is passed to NdisTcpOffloadDisconnectComplete.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request, { edge, kind }) => {
        if (kind !== 'disconnect' || request.kind === 'disconnect' || !isTargets(request)) return;
        broken(edge.lower, `completes ${request.kind} ${request.ordinal} of ${request.object.name} as a disconnect`, request.nbl, request.object.handle);
      },
    }),
  },
  {
    id: 'CHIM-DSC-012',
    actors: ['target'],
    severity: 'error',
    page: 'responding-to-a-disconnect-request.md',
    holds: 'After the FIN was sent the receive half stays in service until the peer closes it, an upload, or an abort.',
    why: 'Half of a conversation is cut off: what the peer still says is lost.',
    cause: 'Look for a close that closes both halves.',
    example: 'After a graceful disconnect a posted receive is completed with NDIS_STATUS_INVALID_STATE, and the peer has not closed.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: 'Segments on the wire that are not acknowledged any more. What is judged is what receives end with.',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { edge, object, ordinal, nbl } = request;
        if (object.disconnected !== 'graceful' || object.isDisconnectIndicated || !isRefusedOpen(request)) return;
        broken(edge.lower, `refuses receive ${ordinal} of ${object.name} after its own FIN, though the peer has not closed`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-DSC-013',
    actors: ['host'],
    severity: 'warning',
    page: ENTRY,
    holds: 'No send follows a graceful disconnect on the connection, and a disconnect that failed is not repeated.',
    why: 'The FIN is the end of the stream: nothing can be behind it. And what failed once will fail again, until the connection is back.',
    cause: 'Look for a writer that is not told of the close.',
    example: 'The host closes gracefully and sends once more.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const failed = new Map<ObjectRecord, number>();
      return {
        callDown: ({ edge, kind, object, list, flags }) => {
          if (edge.upperRole !== 'host') return;
          if (kind === 'send' && object.disconnected === 'graceful') {
            broken(edge.upper, `sends on ${object.name} after its graceful disconnect`, list, object.handle);
          } else if (kind === 'disconnect' && failed.size > 0 && failed.get(object) === flags) {
            broken(edge.upper, `repeats a disconnect of ${object.name} that has failed`, list, object.handle);
          }
        },
        requestUp: ({ nbl, object, kind, flags, isTakenBack }, { edge }) => {
          if (kind === 'disconnect' && edge.upperRole === 'host' && nbl.status !== NDIS_STATUS_SUCCESS && !isTakenBack) failed.set(object, flags);
        },
        objectEnds: (object) => {
          failed.delete(object);
        },
      };
    },
  },
  {
    id: 'CHIM-DSC-014',
    actors: ['NDIS'],
    severity: 'error',
    page: HANDLER,
    holds: 'ProtocolTcpOffloadDisconnectComplete is called once for each disconnect of the driver, and only when the driver below has completed it.',
    why: 'A driver takes the connection back when it is told that it is closed.',
    cause: 'NDIS refuses completions of what is not pending (CHIM-NBL-001), so this is about NDIS itself, or about somebody who writes SourceHandle.',
    example: 'The handler is called a second time for a disconnect that has ended.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      strayUp: ({ nbl, requests }, { edge, kind }) => {
        if (kind === 'disconnect' && requests.length === 0) broken('NDIS', `completes a disconnect to ${edge.upper} that was not pending`, nbl);
      },
    }),
  },
  {
    id: 'CHIM-DSC-015',
    actors: ['NDIS', 'intermediate'],
    severity: 'error',
    page: HANDLER,
    holds: 'The NET_BUFFER_LIST that ProtocolTcpOffloadDisconnectComplete gets is the single one of the request, with no successor.',
    why: 'The handler does not look for a second one: it would be lost.',
    cause: 'NDIS refuses a list that a driver completes (CHIM-DSC-011) and NET_BUFFER_LISTs that are still below (CHIM-NBL-001), so this is about NDIS itself.',
    example: 'The handler is called with a disconnect whose Next is a send.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      completionUp: ({ edge, kind, list }) => {
        if (kind === 'disconnect' && list.next !== null) broken('NDIS', `completes a disconnect to ${edge.upper} with a successor`, list, list.next);
      },
    }),
  },
  {
    id: 'CHIM-DSC-016',
    actors: ['intermediate', 'host'],
    severity: 'warning',
    page: HANDLER,
    holds: 'ProtocolTcpOffloadDisconnectComplete releases the context that the driver attached to the NET_BUFFER_LIST before it returns, and tolerates none.',
    why: 'The next owner finds a context that is not its own on top; and the pool runs out.',
    cause: 'Look for a handler that passes on, or gives back to its pool, without popping.',
    example: 'A host attaches a context to the NET_BUFFER_LIST of a disconnect, and forgets it there.',
    observed: ['resources'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      completionUpReturned: ({ edge, kind, list }) => {
        // It may be on its way again.
        if (kind !== 'disconnect' || (trackOf(list)?.requests.length ?? 0) > 0) return;
        const left = contextOf(list, edge.upper);
        if (left !== null) broken(edge.upper, 'leaves its context on the NET_BUFFER_LIST of a disconnect that was completed to it', list, left);
      },
    }),
  },
];
