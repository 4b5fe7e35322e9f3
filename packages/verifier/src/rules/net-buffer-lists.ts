import type { NetBufferList } from '@ndis-chimney/types';

import { isTargets } from '../judge/reasons.ts';
import { reservedOf, writtenArea } from '../judge/reserved.ts';
import { touchedAfterCompletion } from '../judge/touched.ts';
import { sumOfMemory } from '../record/lent-memory.ts';
import { trackOf } from '../record/nbl-track.ts';
import { stillPending, type RequestRecord } from '../record/request-record.ts';
import type { Rule } from '../rule.ts';

const SEND = 'nc-ndischimney-w_tcp_offload_send_handler.md';
const PROPAGATE = 'propagating-the-completion-of-an-i-o-operation.md';
const HANDLER = 'nc-ndischimney-tcp_offload_send_complete_handler.md';

/** What is in a posted receive is there to be written. */
function hasContents({ kind }: RequestRecord): boolean {
  return kind !== 'receive';
}

export const netBufferListsRules: readonly Rule[] = [
  {
    id: 'CHIM-NBL-001',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: PROPAGATE,
    holds: 'Every pending NET_BUFFER_LIST is completed exactly once, by the completion function that goes with its request.',
    why: 'What is completed twice is freed twice; what is completed by the wrong function is looked up in the wrong place.',
    cause: 'NDIS refuses what is not pending: look for two paths that end a request, a flush and an event. For the wrong function look for requests that share a queue.',
    example: 'A send is passed to NdisTcpOffloadReceiveComplete.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: ({ kind: requested, completedBelow, nbl, ordinal, object }, { edge, kind }) => {
        // As a disconnect: CHIM-DSC-011. An intermediate driver passes on what it got.
        if (kind === requested || (kind === 'disconnect' && edge.lowerRole === 'target')) return;
        if (edge.lowerRole === 'intermediate' && completedBelow !== null && completedBelow.kind !== requested) return;
        broken(edge.lower, `completes ${requested} ${ordinal} of ${object.name} as a ${kind}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-NBL-002',
    actors: ['NDIS'],
    severity: 'error',
    page: HANDLER,
    holds: 'A completion comes to the driver that made the request, on the binding of the request, with the ProtocolBindingContext that it supplied when it opened it.',
    why: 'A driver with several bindings finds its request by the context.',
    cause: 'NDIS finds the binding by SourceHandle: look who writes it (CHIM-NBL-006).',
    example: 'What was sent over the first binding is completed over the second.',
    observed: ['up'],
    decidedBy: 'verifier',
    missing: 'The context itself, which no observer is shown.',
    watch: ({ broken }) => ({
      strayUp: ({ nbl, requests }, { edge, kind }) => {
        const [request] = requests;
        if (request !== undefined) broken('NDIS', `completes as a ${kind} to ${edge.name} what is pending below ${request.edge.name}`, nbl);
      },
    }),
  },
  {
    id: 'CHIM-NBL-003',
    actors: ['NDIS'],
    severity: 'error',
    page: HANDLER,
    holds: 'The driver above gets the NET_BUFFER_LISTs that the driver below completed: the same ones, linked in the same order, none left out.',
    why: 'A driver that passes a list on keeps nothing to compare it with: what is left out is lost.',
    cause: 'This is about NDIS itself, where lists that mix bindings are taken apart.',
    example: 'A completion is said to have two NET_BUFFER_LISTs, and the list has one.',
    observed: ['up'],
    decidedBy: 'verifier',
    missing: 'The list as the driver below passed it: an observer is shown what comes up, and how many it should be.',
    watch: ({ broken }) => ({
      completionUp: ({ edge, list, count }) => {
        let found = 0;
        for (let nbl: NetBufferList | null = list; nbl !== null && found <= count; nbl = nbl.next) found++;
        if (found !== count) broken('NDIS', `completes ${count} NET_BUFFER_LISTs to ${edge.name} with a list of ${found > count ? 'more' : String(found)}`, list);
      },
    }),
  },
  {
    id: 'CHIM-NBL-004',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: SEND,
    holds: 'A driver does not touch a NET_BUFFER_LIST, its NET_BUFFERs, MDLs and data while a driver below has it.',
    why: 'What is sent again after a loss is not what was sent before: the peer gets a stream that nobody wrote.',
    cause: 'NDIS refuses a list that is passed on while it is out. For memory that changes look for a buffer that is used again when the call has returned, not when it was completed.',
    example: 'An application writes the next message into its buffer while the last one is not acknowledged.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      // What was changed inside the call, while the drivers below had it, is not the driver's above.
      callDownReturned: (call) => {
        for (const request of stillPending(call)) {
          if (!request.isOrigin || request.isTakenBack) continue;
          request.checksum = sumOfMemory(request.nbl, hasContents(request));
          request.hasChecksum = true;
        }
      },
      requestUp: (request, { edge }) => {
        const { nbl, object, kind, ordinal } = request;
        // On the lowest edge, before anybody above has it again.
        const requests = trackOf(nbl)?.requests;
        const origin = requests?.[0];
        if (origin?.hasChecksum !== true || requests?.at(-1) !== request) return;
        // Data starts may have moved, but not the end of the data, unless the driver below keeps no account: CHIM-SND-010.
        if (sumOfMemory(nbl, hasContents(origin)) === origin.checksum || (edge.lowerRole === 'target' && nbl.firstNetBuffer?.mdlChain !== request.firstMdl)) return;
        broken(origin.edge.upper, `has changed the memory of ${kind} ${ordinal} of ${object.name} while ${edge.lower} had it`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-NBL-005',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-ndis_tcp_offload_send_complete.md',
    holds: 'A driver does not touch a NET_BUFFER_LIST after it has passed it to a completion function.',
    why: 'It is somebody else\'s by then, and perhaps on its way again.',
    cause: 'Look for a loop that completes and then goes on to Next, or clears its own fields last.',
    example: 'miniportReserved0 is cleared when the completion call has returned.',
    observed: ['memory'],
    decidedBy: 'verifier',
    watch: (watch) => touchedAfterCompletion(watch),
  },
  {
    id: 'CHIM-NBL-006',
    actors: ['target'],
    severity: 'warning',
    page: SEND,
    holds: 'A target queues by means of MiniportReserved only; other reserved areas of a NET_BUFFER_LIST are left alone.',
    why: 'ProtocolReserved is where the driver above finds its request again, SourceHandle where NDIS finds the driver.',
    cause: 'Look what the queue of requests is linked by.',
    example: 'Pending sends are linked by ProtocolReserved.',
    observed: ['memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const before = new WeakMap<RequestRecord, { readonly ordinal: number; readonly reserved: readonly unknown[] }>();
      return {
        requestDown: (request, { edge }) => {
          if (edge.lowerRole === 'target') before.set(request, { ordinal: request.ordinal, reserved: reservedOf(request.nbl) });
        },
        // Later on they may be written by whom they are reserved for.
        callDownReturned: (call) => {
          const { edge, kind, object } = call;
          if (edge.lowerRole !== 'target') return;
          for (const request of stillPending(call)) {
            const then = before.get(request);
            if (then?.ordinal !== request.ordinal || !isTargets(request)) continue;
            const area = writtenArea(request, then.reserved);
            if (area === null) continue;
            broken(edge.lower, `writes ${area} when it takes ${kind} ${request.ordinal} of ${object.name}`, request.nbl);
            return;
          }
        },
      };
    },
  },
  {
    id: 'CHIM-NBL-007',
    actors: ['target'],
    severity: 'advice',
    page: 'ndis-ndistimeddatasend.md',
    holds: 'While sends are pending and the peer answers, some send is completed within a configured time.',
    why: 'Nothing is wrong, and nothing goes on: most often a completion was forgotten.',
    cause: 'Look where the oldest send is, in the report of what is pending. A peer that has closed its window is no fault of the target.',
    example: 'A send is pending for 30 seconds, and no other of the connection has been completed meanwhile.',
    observed: ['time'],
    decidedBy: 'verifier',
    watch: ({ broken, edges, limits, followsRequests }) => {
      if (!followsRequests) return {};
      // Once per send: records are used again, ordinals are not.
      const told = new WeakMap<object, number>();
      return {
        tick: (nowMs) => {
          for (const edge of edges) {
            if (edge.lowerRole !== 'target') continue;
            for (const object of edge.objects.values()) {
              const { oldest } = object.pending.send;
              if (oldest === null || oldest.isTakenBack || nowMs - oldest.postedAtMs <= limits.dataMs || nowMs - object.lastSendUpMs <= limits.hangMs) continue;
              if (told.get(object) === oldest.ordinal) continue;
              told.set(object, oldest.ordinal);
              broken(edge.lower, `has had send ${oldest.ordinal} of ${object.name} for ${nowMs - oldest.postedAtMs} ms, and has completed none meanwhile`, oldest.nbl, object.handle);
            }
          }
        },
      };
    },
  },
  {
    id: 'CHIM-NBL-008',
    actors: ['host', 'intermediate', 'target'],
    severity: 'error',
    page: 'ns-nbl-net_buffer_list.md',
    holds: 'A list of NET_BUFFER_LISTs does not loop, and is as long as its caller says.',
    why: 'Whoever walks it never comes to its end.',
    cause: 'Look for a member that was linked into a second list and not taken out of the first.',
    example: 'The Next of the last member of a send names the first.',
    observed: ['down', 'up'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-NBL-009',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nf-nblapi-ndisfreenetbufferlistcontext.md',
    holds: 'A driver pops its own context off a NET_BUFFER_LIST, once, before it passes it on to its owner.',
    why: 'The next driver takes the context for its own.',
    cause: 'Look for completion paths that do not go where contexts are popped: failures, and lists that are split.',
    example: 'An intermediate driver completes a send to the driver above with its context still on it.',
    observed: ['up', 'resources'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-NBL-010',
    actors: ['host', 'intermediate', 'target'],
    severity: 'error',
    page: 'nf-nblapi-ndisfreenetbufferlist.md',
    holds: 'A NET_BUFFER_LIST, a NET_BUFFER or a scatter-gather list is freed once, to where it is from, when it is not out, and not used afterwards.',
    why: 'The pool gives it to somebody else.',
    cause: 'Look for two paths that free it: the completion and the take-down.',
    example: 'A host frees the NET_BUFFER_LIST of a send twice.',
    observed: ['resources'],
    decidedBy: 'ndis',
  },
];
