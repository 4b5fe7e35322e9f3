import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  formatNdisStatus,
  type NDIS_STATUS,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { followedByFin, hasPeerClosed } from '../judge/overdue-fin.ts';
import { explainedEndings, isTargets } from '../judge/reasons.ts';
import { overdueReceives } from '../judge/overdue-receives.ts';
import { misaccounted } from '../judge/transferred.ts';
import { roomOf } from '../record/lent-memory.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestRecord } from '../record/request-record.ts';
import type { TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';

const COMPLETE = 'nc-ndischimney-ndis_tcp_offload_receive_complete.md';
const ENTRY = 'nc-ndischimney-w_tcp_offload_receive_handler.md';
const ALGORITHM = 'delivery-algorithm.md';

/** What a target may end a receive with. */
const ENDINGS: ReadonlySet<NDIS_STATUS> = new Set<NDIS_STATUS>([NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_INVALID_STATE]);

/** True when a target may refuse receives of a connection because its peer had closed before it was handed over. */
function cameClosed({ handedOver }: ObjectRecord): boolean {
  return handedOver === null || hasPeerClosed(handedOver.connectionState);
}

/** True for a receive that its target refuses as if the peer had closed, which nobody was told. */
export function isRefusedOpen(request: RequestRecord): boolean {
  const { object, nbl, kind, isAfterDisconnect } = request;
  return kind === 'receive' && isTargets(request) && nbl.status === NDIS_STATUS_INVALID_STATE && !isAfterDisconnect && !cameClosed(object);
}

/** How a request that is not full is spoken of; null when it is full, or has no more memory than it has data. */
function partOf({ nbl, byteCount }: RequestRecord): string | null {
  const bytes = nbl.tcpOffloadBytesTransferred;
  const netBuffer = nbl.firstNetBuffer;
  if (bytes >= byteCount || netBuffer === null || roomOf(netBuffer) <= 0) return null;
  return `${bytes} of ${byteCount} bytes`;
}

export const receiveRules: readonly Rule[] = [
  {
    id: 'CHIM-RCV-001',
    actors: ['NDIS', 'intermediate', 'target'],
    severity: 'error',
    page: 'nf-ndischimney-ndisoffloadtcpreceive.md',
    holds: 'NdisOffloadTcpReceive and MiniportTcpOffloadReceive return NDIS_STATUS_PENDING and nothing else.',
    why: 'A caller that took another status for the end of the request would free memory that data is still written to.',
    cause: 'Look at what the entry returns when it has data at hand, or refuses: both are said by a completion.',
    example: 'miniportTcpOffloadReceive returns NDIS_STATUS_SUCCESS because it could fill the request at once.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-RCV-002',
    actors: ['host'],
    severity: 'error',
    page: ENTRY,
    holds: 'Each receive NET_BUFFER_LIST has exactly one NET_BUFFER, and receive calls for one connection do not overlap.',
    why: 'A target fills the first NET_BUFFER only; and a call inside a call gets its requests out of order.',
    cause: 'More memory is more MDLs, not more NET_BUFFERs. For overlaps look at callbacks that can run inside the call.',
    example: 'A receive of two buffers is posted as one NET_BUFFER_LIST with two NET_BUFFERs.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      callDown: ({ edge, kind, object, list }) => {
        if (kind !== 'receive' || edge.upperRole !== 'host' || object.callDepth.receive === 0) return;
        broken(edge.upper, `posts a receive on ${object.name} while an earlier receive call for it has not returned`, list, object.handle);
      },
      requestDown: ({ nbl, isOrigin, netBufferCount, object, ordinal }, { edge, kind }) => {
        if (kind !== 'receive' || !isOrigin || netBufferCount === 1) return;
        broken(edge.upper, `posts receive ${ordinal} of ${object.name} with ${netBufferCount} NET_BUFFERs`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-RCV-003',
    actors: ['target'],
    severity: 'error',
    page: ENTRY,
    holds: 'Data fills the requests of a connection in the order in which they were posted, and completes them in that order.',
    why: 'The host reads the stream in the order of its requests.',
    cause: 'Look for a request that is taken from the wrong end of the queue, or for one that waits to be filled while later ones go on. A request that is refused may end before those that wait.',
    example: 'Of two posted requests the second is completed with data while the first is pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request, { edge }) => {
        const { nbl, object, kind, ordinal } = request;
        if (kind !== 'receive' || !isTargets(request)) return;
        if (nbl.status !== NDIS_STATUS_SUCCESS && nbl.tcpOffloadBytesTransferred === 0) return;
        let oldest = object.pending.receive.oldest;
        while (oldest?.isTakenBack === true) oldest = oldest.newer;
        if (oldest === request || oldest === null) return;
        broken(edge.lower, `completes receive ${ordinal} of ${object.name} with ${nbl.tcpOffloadBytesTransferred} bytes while receive ${oldest.ordinal} is pending`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-RCV-004',
    actors: ['target'],
    severity: 'error',
    page: ALGORITHM,
    holds: 'Calls of NdisTcpOffloadReceiveComplete and NdisTcpOffloadReceiveHandler for one connection neither overlap nor nest.',
    why: 'The host is in the middle of earlier data: what comes inside is taken for what comes next.',
    cause: 'Look whether requests that are posted inside such a call are only queued, and looked at when it has returned.',
    example: 'From the completion callback the host posts a receive, and the target completes it before the callback has returned.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request, { edge, kind }) => {
        if (kind !== 'receive' || !isTargets(request) || request.object.deliveryDepth === 0) return;
        broken(edge.lower, `completes receive ${request.ordinal} of ${request.object.name} inside another delivery for it`, request.nbl, request.object.handle);
      },
      indicate: ({ object, edge, nbl }) => {
        if (object === null || edge.lowerRole !== 'target' || object.deliveryDepth === 0) return;
        broken(edge.lower, `indicates data of ${object.name} inside another delivery for it`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-RCV-005',
    actors: ['target'],
    severity: 'error',
    page: ALGORITHM,
    holds: 'A delivery that has begun is carried to its end: when nothing is under way, buffered data and posted requests are not both there.',
    why: 'The host waits for data that the target has, and nothing will ever move it.',
    cause: 'Look what happens to a request that is posted after data was refused, or during the call that refused it.',
    example: 'The host refuses 300 bytes and posts a receive of 1000; 30 seconds later it is still empty.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) =>
      overdueReceives(watch, (request) => {
        const { undelivered } = request.object;
        // A non-push request waits until it is full.
        if (undelivered === null || request.byteCount === 0 || (!request.isPush && request.byteCount > undelivered.byteCount)) return null;
        return `${undelivered.byteCount} bytes wait to be delivered`;
      }),
  },
  {
    id: 'CHIM-RCV-006',
    actors: ['target'],
    severity: 'error',
    page: ALGORITHM,
    holds: 'A request is completed at once when it is full; a push request that is full in part on PSH, on expiry of the push timer, and at a FIN, an upload or an abort only.',
    why: 'An application that gets 0 bytes takes that for the end of the stream; one that gets its bytes late waits for nothing.',
    cause: 'Look what the expiry of the push timer does when nothing has been placed.',
    example: 'A receive is completed with NDIS_STATUS_SUCCESS and 0 bytes, and data follows.',
    observed: ['up', 'time', 'wire'],
    decidedBy: 'verifier',
    missing: 'PSH on the wire, and when a request became full. What is judged is that a request with nothing in it ends for a FIN only.',
    watch: (watch) =>
      followedByFin(watch, ({ nbl, byteCount, preFilled }) => {
        const isEmpty = nbl.status === NDIS_STATUS_SUCCESS && nbl.tcpOffloadBytesTransferred === 0 && byteCount > 0 && preFilled === 0;
        return isEmpty ? 'was completed with NDIS_STATUS_SUCCESS and nothing in it' : null;
      }),
  },
  {
    id: 'CHIM-RCV-007',
    actors: ['target'],
    severity: 'error',
    page: ALGORITHM,
    holds: 'A non-push request that is full in part is not completed because of PSH or a timer: only a FIN, an upload or an abort ends it.',
    why: 'The host asked for so many bytes because it can do nothing with fewer.',
    cause: 'Look whether TcpReceiveNoPush is read when PSH is seen, and when the push timer is started.',
    example: 'A non-push request of 1000 bytes is completed with 400 when a segment with PSH came.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: (watch) =>
      followedByFin(watch, (request) => {
        const { nbl, isPush } = request;
        if (isPush || nbl.status !== NDIS_STATUS_SUCCESS || nbl.tcpOffloadBytesTransferred === 0) return null;
        const part = partOf(request);
        return part === null ? null : `, a non-push request, was completed with ${part}`;
      }),
  },
  {
    id: 'CHIM-RCV-008',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'Data is delivered with NDIS_STATUS_SUCCESS only when RcvNxt and RcvWnd have taken it into account.',
    why: 'A connection that goes back with an older RcvNxt receives data again that its application has had.',
    cause: 'Look whether a query reports a copy of RcvNxt that is written later than the completions are made.',
    example: 'After 500 bytes were delivered, a query reports the RcvNxt of the initiate.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken, followsRequests }) => {
      // What had come up when the query went down: it may be answered for any later moment.
      const asked = new WeakMap<TreeRecord, Map<ObjectRecord, number>>();
      if (!followsRequests) return {};
      return {
        treeDown: (tree) => {
          if (tree.operation !== 'query' || tree.edge.lowerRole !== 'target') return;
          const delivered = new Map<ObjectRecord, number>();
          for (const { object } of tree.blocks) if (object?.layer === 'tcp') delivered.set(object, object.bytesReceived);
          asked.set(tree, delivered);
        },
        treeUp: (tree) => {
          const delivered = asked.get(tree);
          if (delivered === undefined) return;
          for (const { object, block } of tree.blocks) {
            const { delegated } = (block.state ?? {}) as Partial<TcpOffloadState>;
            if (object?.handedOver == null || delegated == null || block.status !== NDIS_STATUS_SUCCESS) continue;
            const { handedOver, edge, name, handle } = object;
            const expected = (delivered.get(object) ?? 0) - handedOver.bufferedBytes;
            const passed = (delegated.rcvNxt - handedOver.rcvNxt) | 0;
            if (passed >= expected) continue;
            broken(edge.lower, `reports an RcvNxt of ${name} that is ${passed} bytes past the one it was offloaded with, after ${expected} newer bytes were delivered`, handle, block);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-RCV-009',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A completed receive has Status and TcpOffloadBytesTransferred set, and its data start moved forward by the bytes that were placed.',
    why: 'The host reads as many bytes as the count says, in front of the data start.',
    cause: 'Look for a completion path that sets one of the two only.',
    example: 'A receive of 100 bytes is completed with TcpOffloadBytesTransferred 100 and its data start where it was.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { kind, edge, object, ordinal, nbl, byteCount } = request;
        // Bytes in a request without room are CHIM-RCV-012.
        if (kind !== 'receive' || !isTargets(request) || byteCount === 0) return;
        const wrong = misaccounted(request);
        if (wrong !== null) broken(edge.lower, `completes receive ${ordinal} of ${object.name}, which ${wrong}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-RCV-010',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'A receive that is posted after TcpIndicateDisconnect is completed with NDIS_STATUS_INVALID_STATE, and no other is.',
    why: 'It is how the host learns that it reads past the end; anything else makes it wait, or stop too early.',
    cause: 'Look when the target begins to refuse: with the event, not with the FIN, and not later.',
    example: 'A receive that was posted after the event is completed with NDIS_STATUS_SUCCESS and 0 bytes.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { kind, edge, object, ordinal, nbl, isAfterDisconnect } = request;
        if (kind !== 'receive' || !isTargets(request)) return;
        if (isAfterDisconnect && nbl.status === NDIS_STATUS_SUCCESS) {
          broken(edge.lower, `completes receive ${ordinal} of ${object.name} with NDIS_STATUS_SUCCESS, though it was posted after TcpIndicateDisconnect`, nbl, object.handle);
        } else if (isRefusedOpen(request) && !(object.disconnected === 'graceful' && !object.isDisconnectIndicated)) {
          broken(edge.lower, `completes receive ${ordinal} of ${object.name} with NDIS_STATUS_INVALID_STATE, though it was not posted after TcpIndicateDisconnect`, nbl, object.handle);
        }
      },
    }),
  },
  {
    id: 'CHIM-RCV-011',
    actors: ['target'],
    severity: 'error',
    page: COMPLETE,
    holds: 'Receives that an upload ends carry NDIS_STATUS_UPLOAD_IN_PROGRESS, those that a reset or an error ends NDIS_STATUS_REQUEST_ABORTED, with the count of the valid bytes.',
    why: 'The host goes on reading by itself after the one, and gives up after the other.',
    cause: 'Look which status the flush of the receive queue is called with, and whether the event that explains it is indicated.',
    example: 'A posted receive is completed with NDIS_STATUS_FAILURE when the connection is reset.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      if (!watch.followsRequests) return {};
      const explained = explainedEndings(watch, 'receive');
      return {
        ...explained,
        requestUp: (request, completion) => {
          explained.requestUp?.(request, completion);
          const { kind, edge, object, ordinal, nbl } = request;
          if (kind !== 'receive' || !isTargets(request) || ENDINGS.has(nbl.status)) return;
          watch.broken(edge.lower, `completes receive ${ordinal} of ${object.name} with ${formatNdisStatus(nbl.status)}`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-RCV-012',
    actors: ['target'],
    severity: 'error',
    page: 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md',
    holds: 'A receive of zero bytes is completed with 0 bytes and takes no data; when data is buffered, it is completed at once and lets the target indicate again.',
    why: 'It is how a host that wants to be indicated, and not to post, says that it is ready again.',
    cause: 'Look whether a request without room counts as full, or waits for the first byte.',
    example: 'The host refuses data and posts a receive of zero bytes: it is never completed.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => ({
      ...overdueReceives(watch, ({ byteCount, object }) => (byteCount === 0 && object.undelivered !== null ? `${object.undelivered.byteCount} bytes wait to be indicated` : null)),
      requestUp: (request) => {
        const { kind, edge, object, ordinal, nbl, byteCount } = request;
        if (kind !== 'receive' || !isTargets(request) || byteCount !== 0 || nbl.tcpOffloadBytesTransferred === 0) return;
        watch.broken(edge.lower, `completes receive ${ordinal} of ${object.name}, which has no room, with ${nbl.tcpOffloadBytesTransferred} bytes`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-RCV-013',
    actors: ['target'],
    severity: 'warning',
    page: ENTRY,
    holds: 'A push request that is posted with data in it already starts the push timer at once.',
    why: 'The data in it is held back until more comes, and perhaps nothing will.',
    cause: 'Look whether TcpReceiveBytesTransferred is read when a request becomes the first of the queue.',
    example: 'A push request with TcpReceiveBytesTransferred 100 is pending after 30 seconds in which no data came.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => overdueReceives(watch, ({ isPush, preFilled, byteCount }) => (isPush && preFilled > 0 && byteCount > 0 ? `it held ${preFilled} bytes already` : null)),
  },
];
