import {
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NDIS_STATUS_UPLOAD_REQUESTED,
  formatNdisStatus,
  netBufferListDataLength,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { trackOf } from '../record/nbl-track.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';

const UP = 'propagating-the-completion-of-an-i-o-operation.md';

/** Requests that an intermediate driver has got back from below, and not passed up. Once each: records are used again, ordinals are not. */
function findSwallowed({ edges, broken }: Watch, since: WeakMap<RequestRecord, Came>, reported: WeakMap<RequestRecord, number>, isLate: (atMs: number) => boolean): void {
  for (const edge of edges) {
    if (edge.lowerRole !== 'intermediate') continue;
    for (const { pending, name, handle } of edge.objects.values()) {
      for (const queue of Object.values(pending)) {
        for (const request of queue) {
          const came = since.get(request);
          if (request.completedBelow === null || came?.ordinal !== request.ordinal || reported.get(request) === request.ordinal || !isLate(came.atMs)) continue;
          reported.set(request, request.ordinal);
          broken(edge.lower, `got ${request.kind} ${request.ordinal} of ${name} back at ${came.atMs} ms and has not completed it`, request.nbl, handle);
        }
      }
    }
  }
}

/** When a request came back to the driver that passed it on, and in which list at which place. */
interface Came {
  readonly ordinal: number;
  readonly atMs: number;
  readonly list: number;
  readonly place: number;
}

/** What requests may end with that come behind the one with which the upload was asked for. */
const BEHIND_AN_UPLOAD_REQUEST: ReadonlySet<NDIS_STATUS> = new Set<NDIS_STATUS>([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_IN_PROGRESS]);

/** How drivers in the middle pass data requests down, and their completions up. */
export const relayedDataRules: readonly Rule[] = [
  {
    id: 'CHIM-IM-008',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nf-ndischimney-ndisoffloadtcpsend.md',
    holds: 'A data request is passed on as what it is, in the same NET_BUFFER_LIST, with the intermediate driver\'s own handle of that connection and, for a disconnect, the same Flags.',
    why: 'Bytes go to the wrong peer, or a connection is reset that was to be closed.',
    cause: 'Look where the handle comes from: the entry in the cell is the only way that is right. NDIS refuses handles of other bindings.',
    example: 'An intermediate driver passes a graceful disconnect on as an abortive one.',
    observed: ['down'],
    decidedBy: 'verifier',
    missing: 'Handles of connections that were passed on in other blocks than they came in.',
    watch: ({ broken }) => ({
      requestDown: ({ nbl, kind, flags, object, ordinal }, { edge }) => {
        if (edge.upperRole !== 'intermediate') return;
        const above = trackOf(nbl)?.requests.at(-1) ?? null;
        if (above?.edge.lower !== edge.upper) {
          broken(edge.upper, `passes a ${kind} of ${object.name} down in a NET_BUFFER_LIST that it was not given for that`, nbl, object.handle);
          return;
        }
        const what = `${above.kind} ${above.ordinal} of ${above.object.name}`;
        const known = object.above;
        if (above.kind !== kind) broken(edge.upper, `passes ${what} down as ${kind} ${ordinal}`, nbl, object.handle);
        else if (above.flags !== flags) broken(edge.upper, `passes ${what} down with flags ${flags} in place of ${above.flags}`, nbl, object.handle);
        else if (known !== null && known !== above.object && known.edge === above.edge) broken(edge.upper, `passes ${what} down on its handle of ${known.name}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-IM-009',
    actors: ['intermediate'],
    severity: 'error',
    page: UP,
    holds: 'Every completion of a data request is passed up once, by a completion of the same kind, with the same NET_BUFFER_LIST.',
    why: 'What is not passed up is lost: the host waits for it, and its memory is never free.',
    cause: 'Look at the completion handlers for paths that return early, and at lists that are split. NDIS refuses a second completion, and another NET_BUFFER_LIST; for the wrong kind see CHIM-NBL-001.',
    example: 'ProtocolTcpOffloadSendComplete passes the first of two NET_BUFFER_LISTs up and forgets the other.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const since = new WeakMap<RequestRecord, Came>();
      const reported = new WeakMap<RequestRecord, number>();
      return {
        requestUp: ({ nbl, edge }) => {
          const above = aboveOf(nbl, edge.upper);
          if (above !== null) since.set(above, { ordinal: above.ordinal, atMs: watch.clock.now(), list: 0, place: 0 });
        },
        tick: (nowMs) => {
          findSwallowed(watch, since, reported, (atMs) => nowMs - atMs > watch.limits.dataMs);
        },
        end: () => {
          findSwallowed(watch, since, reported, () => true);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-010',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-tcp_offload_send_complete_handler.md',
    holds: 'The first argument of a completion that is passed up identifies the intermediate driver on its upper edge, not the driver below or above.',
    why: 'NDIS finds the binding by it: with another one the completion goes to a stranger.',
    cause: 'Look which of its two handles the driver has at hand in the completion handler.',
    example: 'The completion function is called with the handle of the binding below.',
    observed: ['up'],
    decidedBy: 'nobody',
    missing: 'There is no such argument here: completion functions belong to the adapter that calls them, and NDIS refuses NET_BUFFER_LISTs that are not below that one (CHIM-NBL-001).',
  },
  {
    id: 'CHIM-IM-011',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-ndis_tcp_offload_send_complete.md',
    holds: 'A request that an intermediate driver has no memory to pass on is completed with NDIS_STATUS_REQUEST_UPLOAD if it is the first of its connection, and with NDIS_STATUS_UPLOAD_REQUESTED after that; nothing of the list goes down.',
    why: 'The host knows by the one that it has to take the connection back, and by the others that it need not be told again. Any other status it takes for the target\'s.',
    cause: 'Look at what is done when there is no context for a NET_BUFFER_LIST.',
    example: 'A send that could not be passed on is completed with NDIS_STATUS_RESOURCES.',
    observed: ['up', 'down', 'resources'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      // The call with which the upload was asked for. Of what comes behind it the pages leave the status open.
      const asked = new WeakMap<ObjectRecord, number>();
      return {
        requestUp: ({ nbl, object, edge, kind, ordinal, callOrdinal, completedBelow, isTakenBack }) => {
          if (edge.lowerRole !== 'intermediate' || completedBelow !== null || isTakenBack) return;
          const { status } = nbl;
          const call = asked.get(object);
          if (call !== undefined && (call !== callOrdinal || kind !== 'send') && BEHIND_AN_UPLOAD_REQUEST.has(status)) return;
          const wanted = call === undefined ? NDIS_STATUS_REQUEST_UPLOAD : NDIS_STATUS_UPLOAD_REQUESTED;
          if (call === undefined) asked.set(object, callOrdinal);
          if (status === wanted) return;
          broken(edge.lower, `completes ${kind} ${ordinal} of ${object.name}, which it has not passed on, with ${formatNdisStatus(status)} in place of ${formatNdisStatus(wanted)}`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-012',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-tcp_offload_disconnect_complete_handler.md',
    holds: 'An intermediate driver with several upper interfaces passes each completion to the one that made the request; a list that mixes them is split, each part in its order.',
    why: 'The parts are what the drivers above sent: out of order, the host frees the wrong end.',
    cause: 'NDIS refuses what goes to the wrong interface (CHIM-NBL-001). For the order look at how parts are linked: at the end, not at the front.',
    example: 'A completed list u1, v1, u2 becomes u2, u1 for the one and v1 for the other.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      let lists = 0;
      let place = 0;
      const came = new WeakMap<RequestRecord, Came>();
      const last = new WeakMap<ObjectRecord, Came>();
      return {
        completionUp: () => {
          lists++;
          place = 0;
        },
        requestUp: (request, { edge }) => {
          const { nbl, ordinal, object, kind } = request;
          const above = aboveOf(nbl, edge.upper);
          if (above !== null) came.set(above, { ordinal: above.ordinal, atMs: 0, list: lists, place: ++place });
          const own = edge.lowerRole === 'intermediate' ? came.get(request) : undefined;
          if (own?.ordinal !== ordinal) return;
          const earlier = last.get(object);
          last.set(object, own);
          if (earlier?.list === own.list && earlier.place > own.place) broken(edge.lower, `completes ${kind} ${ordinal} of ${object.name} after one that came behind it`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-013',
    actors: ['intermediate'],
    severity: 'error',
    page: UP,
    holds: 'What is passed up is as it came back: Status, transferred bytes and data starts are those of the driver below.',
    why: 'The host counts by them what was sent: it sends bytes twice, or never.',
    cause: 'Look for a completion handler that writes a status of its own, and for data starts that were moved on the way down and not moved back.',
    example: 'A target completes a send with NDIS_STATUS_REQUEST_ABORTED, and the host gets it with NDIS_STATUS_SUCCESS.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: ({ nbl, object, edge, kind, ordinal, completedBelow, isTakenBack }) => {
        if (edge.lowerRole !== 'intermediate' || completedBelow === null || isTakenBack) return;
        const { status, bytes, dataLength } = completedBelow;
        const what = `passes ${kind} ${ordinal} of ${object.name} up with`;
        if (nbl.status !== status) broken(edge.lower, `${what} ${formatNdisStatus(nbl.status)}: it came back with ${formatNdisStatus(status)}`, nbl, object.handle);
        else if (nbl.tcpOffloadBytesTransferred !== bytes) broken(edge.lower, `${what} ${nbl.tcpOffloadBytesTransferred} transferred bytes: it came back with ${bytes}`, nbl, object.handle);
        else if (netBufferListDataLength(nbl) !== dataLength) broken(edge.lower, `${what} ${netBufferListDataLength(nbl)} bytes left in it: it came back with ${dataLength}`, nbl, object.handle);
      },
    }),
  },
];

/** The request of a NET_BUFFER_LIST on the edge above a driver that has passed it on. */
function aboveOf(nbl: NetBufferList, driver: string): RequestRecord | null {
  const requests = trackOf(nbl)?.requests;
  const above = requests?.at(-2) ?? null;
  return above?.edge.lower === driver ? above : null;
}
