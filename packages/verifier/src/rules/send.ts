import {
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  formatNdisStatus,
  netBufferListDataLength,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { explainedEndings, isTargets } from '../judge/reasons.ts';
import { misaccounted } from '../judge/transferred.ts';
import { dataStartsOf, roomOf, sumOfMemory } from '../record/lent-memory.ts';
import { trackOf } from '../record/nbl-track.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestQueue } from '../record/request-queue.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { Rule } from '../rule.ts';

const COMPLETE = 'nc-ndischimney-ndis_tcp_offload_send_complete.md';
const ENTRY = 'nc-ndischimney-w_tcp_offload_send_handler.md';
const CALL = 'nf-ndischimney-ndisoffloadtcpsend.md';

/** What a target may end a send with. */
const ENDINGS: ReadonlySet<NDIS_STATUS> = new Set<NDIS_STATUS>([NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED]);

/** The oldest request that the driver below still has. */
function oldestHeld(queue: RequestQueue): RequestRecord | null {
  let request = queue.oldest;
  while (request?.isTakenBack === true) request = request.newer;
  return request;
}

/** Data that went back to the host, to be known if it comes down again as it was. */
interface Returned {
  readonly object: ObjectRecord;
  readonly status: NDIS_STATUS;
  readonly dataStarts: number;
  readonly length: number;
  readonly sum: number;
}

export const sendRules: readonly Rule[] = [
  {
    id: 'CHIM-SND-001',
    actors: ['NDIS', 'intermediate', 'target'],
    severity: 'error',
    page: CALL,
    holds: 'NdisOffloadTcpSend and MiniportTcpOffloadSend return NDIS_STATUS_PENDING and nothing else: a send always ends by its completion, or in the chain of a terminate.',
    why: 'A caller that took another status for the end of the send would free memory that is still being sent, or wait for a completion that has come.',
    cause: 'Look at what the entry returns on the path that fails: a status belongs into the NET_BUFFER_LIST, and up by a completion.',
    example: 'miniportTcpOffloadSend returns NDIS_STATUS_SUCCESS because all bytes fitted into the window.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-SND-002',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: CALL,
    holds: 'A send names a connection that is offloaded on that edge, by the handle of the driver that sends.',
    why: 'The driver below takes the context of a path or a neighbor for the one of a connection, and corrupts it.',
    cause: 'NDIS refuses handles of other bindings (CHIM-ST-009) and of objects that are not offloaded (CHIM-ST-001 to 003, CHIM-TRM-003). What is left is the wrong handle of the right driver: look where it is looked up.',
    example: 'NdisOffloadTcpSend is called with the handle of the path that the connection hangs under.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestDown: ({ nbl, object, isOrigin }, { edge, kind }) => {
        if (kind !== 'send' || object.layer === 'tcp') return;
        const above = isOrigin ? null : (trackOf(nbl)?.requests.at(-1) ?? null);
        if (above === null || above.object.layer === 'tcp') broken(edge.upper, `sends on ${object.name}, which is no connection`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-003',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: CALL,
    holds: 'Each NET_BUFFER_LIST of a send has at least one NET_BUFFER, and each NET_BUFFER an MDL chain that covers its data length.',
    why: 'The target reads what is not there: it sends less than it reports, or what lies behind.',
    cause: 'Look where DataLength is set: it counts bytes from DataOffset on, not from the start of the chain.',
    example: 'A NET_BUFFER says 1000 bytes, its only MDL has 600.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestDown: ({ nbl, isOrigin, object, ordinal }, { edge, kind }) => {
        if (kind !== 'send' || !isOrigin) return;
        const what = `send ${ordinal} of ${object.name}`;
        if (nbl.firstNetBuffer === null) broken(edge.upper, `passes down ${what} without a NET_BUFFER`, nbl);
        for (let netBuffer = nbl.firstNetBuffer; netBuffer !== null; netBuffer = netBuffer.next) {
          const room = roomOf(netBuffer);
          if (room >= netBuffer.dataLength) continue;
          broken(edge.upper, `passes down ${what} with a NET_BUFFER of ${netBuffer.dataLength} bytes whose MDLs have ${room}`, nbl, netBuffer);
          return;
        }
      },
    }),
  },
  {
    id: 'CHIM-SND-004',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'A target accepts every send on an offloaded connection, and queues what it cannot send yet: sends end with NDIS_STATUS_SUCCESS, UPLOAD_IN_PROGRESS or REQUEST_ABORTED.',
    why: 'The host has no rule for any other status: it does not know whether the data was sent, and nobody sends it.',
    cause: 'Look for a limit of descriptors or queue entries that is answered with a status instead of waiting; a target that is out of resources asks for the upload.',
    example: 'A send is completed with NDIS_STATUS_RESOURCES because the transmit ring was full.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        if (request.kind !== 'send' || !isTargets(request) || ENDINGS.has(request.nbl.status)) return;
        const { nbl, object, edge, ordinal } = request;
        // CHIM-TRM-016 and CHIM-TRM-022.
        if (nbl.status === NDIS_STATUS_PAUSED && (object.isLeaving || edge.mood === 'paused')) return;
        broken(edge.lower, `completes send ${ordinal} of ${object.name} with ${formatNdisStatus(nbl.status)}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-005',
    actors: ['host'],
    severity: 'error',
    page: ENTRY,
    holds: 'Calls of NdisOffloadTcpSend for one connection do not overlap: the next is made when the last has returned.',
    why: 'A target relies on it to keep the order of the stream: a call inside a call gets its data in front, or into the middle.',
    cause: 'Look for a send that is made from a callback which can run inside the send call; it has to be put off until the call has returned.',
    example: 'Inside NdisOffloadTcpSend the target indicates an event, and the host sends on the same connection from the event callback.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      callDown: ({ edge, kind, object, list }) => {
        if (kind !== 'send' || edge.upperRole !== 'host' || object.callDepth.send === 0) return;
        broken(edge.upper, `sends on ${object.name} while an earlier send call for it has not returned`, list, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-006',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'Bytes are transmitted in list order and in call order.',
    why: 'The peer gets a stream that nobody wrote.',
    cause: 'Look for a second queue, or for a list that is queued from its end.',
    example: 'The list of a second call is transmitted between two members of the first.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire, to map their sequence numbers to what was posted; the conformance cases compare the stream at the peer.',
  },
  {
    id: 'CHIM-SND-007',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A send ends with NDIS_STATUS_SUCCESS only when the peer has acknowledged every byte of it.',
    why: 'The host forgets data that may still be lost: after an upload nobody has it any more.',
    cause: 'Look whether completions are made when data was transmitted, as a miniport does with ordinary sends, instead of when it was acknowledged.',
    example: 'A send of 1000 bytes is completed with NDIS_STATUS_SUCCESS and TcpOffloadBytesTransferred 600.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    missing: 'What the target says itself is judged; acknowledgments on the wire are not seen.',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { kind, nbl, object, edge, byteCount, ordinal } = request;
        if (kind !== 'send' || nbl.status !== NDIS_STATUS_SUCCESS || !isTargets(request)) return;
        const bytes = nbl.tcpOffloadBytesTransferred;
        // Unless it does not even account for what it says: CHIM-SND-010.
        if (bytes >= byteCount || misaccounted(request) !== null) return;
        broken(edge.lower, `completes send ${ordinal} of ${object.name} with NDIS_STATUS_SUCCESS and ${bytes} of ${byteCount} bytes acknowledged`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-008',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'After the first NET_BUFFER_LIST of a list that fails, the only one that may be sent in part, all later ones fail too, with nothing transferred.',
    why: 'The host would send the failed one after those that were sent: the peer gets the stream out of order.',
    cause: 'Look whether a failure ends the whole list, or only the request it met.',
    example: 'Of a list of three the second is aborted and the third completed with NDIS_STATUS_SUCCESS.',
    observed: ['up', 'wire'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const failed = new Map<ObjectRecord, { readonly call: number; readonly ordinal: number }>();
      return {
        requestUp: (request) => {
          if (request.kind !== 'send' || !isTargets(request)) return;
          const { nbl, object, edge, ordinal, callOrdinal } = request;
          const first = failed.size === 0 ? undefined : failed.get(object);
          const bytes = nbl.tcpOffloadBytesTransferred;
          if (first?.call === callOrdinal && ordinal > first.ordinal && (nbl.status === NDIS_STATUS_SUCCESS || bytes > 0)) {
            broken(edge.lower, `completes send ${ordinal} of ${object.name} with ${formatNdisStatus(nbl.status)} and ${bytes} bytes, though send ${first.ordinal} of the same list had failed`, nbl, object.handle);
          } else if (nbl.status !== NDIS_STATUS_SUCCESS && first?.call !== callOrdinal) failed.set(object, { call: callOrdinal, ordinal });
        },
        objectEnds: (object) => {
          failed.delete(object);
        },
      };
    },
  },
  {
    id: 'CHIM-SND-009',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'NDIS_STATUS_UPLOAD_IN_PROGRESS ends sends only while an upload is decided or under way, NDIS_STATUS_REQUEST_ABORTED only after a reset, an abortive disconnect or a failure of the hardware.',
    why: 'The host sends the one kind again itself and drops the other: the wrong status doubles data or loses it.',
    cause: 'Look which status the flush of the send queue is called with, and whether the event that explains it is indicated.',
    example: 'A send is completed with NDIS_STATUS_REQUEST_ABORTED, and TcpIndicateAbort never comes.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => (watch.followsRequests ? explainedEndings(watch, 'send') : {}),
  },
  {
    id: 'CHIM-SND-010',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A completed send has TcpOffloadBytesTransferred set, and the data starts of its NET_BUFFERs moved forward by exactly the acknowledged bytes, with no MDL freed.',
    why: 'The host goes on from the data starts: it would send bytes again, or leave some out.',
    cause: 'Look for a completion path that sets one of the two only, or that advances with FreeMdl TRUE.',
    example: 'An aborted send reports 500 bytes, and its data start is where it was.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        if (request.kind !== 'send' || !isTargets(request)) return;
        const wrong = misaccounted(request);
        if (wrong !== null) broken(request.edge.lower, `completes send ${request.ordinal} of ${request.object.name}, which ${wrong}`, request.nbl, request.object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-011',
    actors: ['target'],
    severity: 'warning',
    page: COMPLETE,
    holds: 'Sends of one connection are completed in the order in which they were passed down.',
    why: 'A host frees its buffers, and tells its applications, from the front: a completion that overtakes another makes it look as if the earlier bytes had been acknowledged.',
    cause: 'Look for a second queue, or for completions that are linked at the wrong end of the list of a DPC.',
    example: 'Of sends 1 and 2, send 2 is completed while 1 is still pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request, { edge }) => {
        if (request.kind !== 'send' || !isTargets(request)) return;
        const oldest = oldestHeld(request.object.pending.send);
        if (oldest === request || oldest === null) return;
        broken(edge.lower, `completes send ${request.ordinal} of ${request.object.name} while send ${oldest.ordinal} is pending`, request.nbl, request.object.handle);
      },
    }),
  },
  {
    id: 'CHIM-SND-012',
    actors: ['NDIS'],
    severity: 'error',
    page: 'nc-ndischimney-tcp_offload_send_complete_handler.md',
    holds: 'ProtocolTcpOffloadSendComplete is called with sends of the driver that are still pending, and only when the driver below has completed them.',
    why: 'A driver frees what is completed to it; what comes twice is freed twice.',
    cause: 'NDIS refuses completions of what is not pending (CHIM-NBL-001), so this is about NDIS itself, or about somebody who writes SourceHandle.',
    example: 'The handler is called a second time with a NET_BUFFER_LIST that it got back before.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      strayUp: ({ nbl, requests }, { edge, kind }) => {
        if (kind === 'send' && requests.length === 0) broken('NDIS', `completes a send to ${edge.upper} that was not pending`, nbl);
      },
    }),
  },
  {
    id: 'CHIM-SND-013',
    actors: ['target'],
    severity: 'error',
    page: 'send-data-that-contains-data-to-be-retransmitted.md',
    holds: 'After an initiate the wire carries the bytes from SndNxt to SndMax first, then the rest of the chain, then later sends.',
    why: 'What the host had sent and the peer has not acknowledged is oldest: while it waits, nothing behind it counts.',
    cause: 'Look how the positions in the chain are found from SndUna, SndNxt and SndMax.',
    example: 'A connection with 600 bytes to retransmit begins with the bytes after SndMax.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire: the first transmission of each range.',
  },
  {
    id: 'CHIM-SND-014',
    actors: ['target'],
    severity: 'error',
    page: 'sending-data-from-an-offload-target.md',
    holds: 'IPv4 identifications of a target are in 0x8000 to 0xFFFF, its IPv6 fragment identifications in 0x80000000 to 0xFFFFFFFF.',
    why: 'The host uses the lower halves: fragments of two datagrams with one identification are put together into one.',
    cause: 'Look where the counter of identifications begins, and where it wraps.',
    example: 'The identification goes from 0xFFFF to 0x0000.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire, with their IP headers.',
  },
  {
    id: 'CHIM-SND-015',
    actors: ['target'],
    severity: 'warning',
    page: 'sending-data-from-an-offload-target.md',
    holds: 'IPv4 datagrams of a target have the DF bit, and no datagram is sent in fragments.',
    why: 'Without DF no router tells that the path MTU has shrunk, and fragments are lost together.',
    cause: 'Look at the header template, and at what happens to segments in flight when the path MTU becomes smaller.',
    example: 'After an update to a smaller path MTU a retransmission goes out in two fragments.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames on the wire, with their IP headers.',
  },
  {
    id: 'CHIM-SND-016',
    actors: ['host'],
    severity: 'warning',
    page: COMPLETE,
    holds: 'Data that comes back with UPLOAD_IN_PROGRESS, REQUEST_UPLOAD or UPLOAD_REQUESTED is sent by the host itself, from behind the transferred bytes; data that comes back with REQUEST_ABORTED is not sent again.',
    why: 'The connection is on its way back, or at its end: what goes down again comes back again, for ever.',
    cause: 'Look for a host that treats every failed send alike and tries again at once.',
    example: 'A send that came back with NDIS_STATUS_REQUEST_ABORTED is passed down for the same connection as it is.',
    observed: ['down'],
    decidedBy: 'verifier',
    missing: 'What the host sends by its own stack: only the way down the chimney is seen.',
    watch: ({ broken }) => {
      const returned = new WeakMap<NetBufferList, Returned>();
      let count = 0;
      return {
        requestDown: ({ nbl, object, kind, ordinal }, { edge }) => {
          if (count === 0 || kind !== 'send' || edge.upperRole !== 'host') return;
          const before = returned.get(nbl);
          if (before === undefined) return;
          returned.delete(nbl);
          const isSame = before.object === object && before.dataStarts === dataStartsOf(nbl) && before.length === netBufferListDataLength(nbl) && before.sum === sumOfMemory(nbl, true);
          if (isSame) broken(edge.upper, `passes down, as send ${ordinal} of ${object.name}, what came back with ${formatNdisStatus(before.status)}`, nbl, object.handle);
        },
        requestUp: ({ nbl, object, kind }, { edge }) => {
          if (kind !== 'send' || edge.upperRole !== 'host' || nbl.status === NDIS_STATUS_SUCCESS) return;
          const length = netBufferListDataLength(nbl);
          if (length === 0) return;
          returned.set(nbl, { object, status: nbl.status, dataStarts: dataStartsOf(nbl), length, sum: sumOfMemory(nbl, true) });
          count++;
        },
      };
    },
  },
];
