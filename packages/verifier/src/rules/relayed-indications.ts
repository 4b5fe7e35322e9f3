import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, formatNdisStatus, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { IndicationRecord } from '../record/indication-record.ts';
import { trackOf } from '../record/nbl-track.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';

/** An event that is being indicated to an intermediate driver. */
interface OpenEvent {
  readonly object: ObjectRecord;
  readonly eventType: number;
  readonly information: number;
  isRelayed: boolean;
}

/** An indication to an intermediate driver, and what it was answered with further up. */
interface OpenIndication {
  readonly record: IndicationRecord;
  above: { readonly status: NDIS_STATUS; readonly bytesConsumed: number } | null;
}

/** Received data that was returned to an intermediate driver. */
interface Returned {
  readonly edge: EdgeRecord;
  readonly atMs: number;
}

function findKept({ broken }: Watch, returned: Map<NetBufferList, Returned>, isLate: (atMs: number) => boolean): void {
  for (const [nbl, { edge, atMs }] of returned) {
    if (!isLate(atMs)) continue;
    returned.delete(nbl);
    broken(edge.lower, `got received data back at ${atMs} ms and has not returned it`, nbl);
  }
}

/** How drivers in the middle pass events and received data up, and what was received back down. */
export const relayedIndicationsRules: readonly Rule[] = [
  {
    id: 'CHIM-IM-014',
    actors: ['intermediate'],
    severity: 'error',
    page: 'propagating-an-indication.md',
    holds: 'An event is passed up with the same type and information, on the upper handle of the same connection.',
    why: 'The host reacts to something that has not happened, or to nothing at all.',
    cause: 'Look at the event handler: the upper handle is in the entry that the handle below names.',
    example: 'TcpIndicateAbort is passed up as TcpIndicateDisconnect.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const open: OpenEvent[] = [];
      return {
        event: (object, eventType, information) => {
          const { edge } = object;
          const below = open.at(-1);
          if (edge.lowerRole === 'intermediate' && below?.object.edge.upper === edge.lower) {
            const known = below.object.above;
            const isAnother = known !== null && known !== object && known.edge === edge;
            if (!below.isRelayed && isAnother) broken(edge.lower, `passes an event of ${known.name} up as one of ${object.name}`, object.handle);
            else if (!below.isRelayed && (eventType !== below.eventType || information !== below.information)) {
              broken(edge.lower, `passes event ${below.eventType} of ${object.name}, information ${below.information}, up as event ${eventType}, information ${information}`, object.handle);
            }
            below.isRelayed = true;
          }
          if (edge.upperRole === 'intermediate') open.push({ object, eventType, information, isRelayed: false });
        },
        eventReturned: (object, eventType) => {
          const { edge } = object;
          if (edge.upperRole !== 'intermediate') return;
          const ended = open.pop();
          const above = object.above;
          if (ended?.object !== object || ended.isRelayed || above?.state !== 'offloaded') return;
          broken(edge.upper, `does not pass event ${eventType} of ${above.name} up`, above.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-015',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-tcp_offload_receive_indicate_handler.md',
    holds: 'Received data is passed up in the same NET_BUFFER_LIST with the same Status, and the answer, BytesConsumed included, goes back down unchanged.',
    why: 'The target gives the host what it has taken already, or never what it has not.',
    cause: 'Look what the handler returns: what the call further up returned, nothing else.',
    example: 'The host refuses data, and the intermediate driver answers NDIS_STATUS_SUCCESS.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const open: OpenIndication[] = [];
      return {
        indicate: (record) => {
          const { edge, nbl, object } = record;
          const below = open.at(-1);
          const isRelayed = edge.lowerRole === 'intermediate' && below?.record.edge.upper === edge.lower;
          if (isRelayed && below.record.nbl !== nbl) broken(edge.lower, `passes received data of ${object?.name ?? 'a connection'} up in another NET_BUFFER_LIST`, nbl);
          open.push({ record, above: null });
        },
        indicated: (record, status, bytesConsumed) => {
          while (open.length > 0 && open.at(-1)?.record !== record) open.pop();
          const ended = open.pop();
          const { edge, object, nbl } = record;
          const below = open.at(-1);
          // NDIS_STATUS_FAILURE is no answer: an observer has stopped the call.
          if (status !== NDIS_STATUS_FAILURE && edge.lowerRole === 'intermediate' && below?.record.edge.upper === edge.lower) below.above = { status, bytesConsumed };
          if (edge.upperRole !== 'intermediate' || ended === undefined) return;
          const { above } = ended;
          const what = `${formatNdisStatus(status)} and ${bytesConsumed} bytes`;
          if (above === null) {
            if (status === NDIS_STATUS_SUCCESS) broken(edge.upper, `accepts received data of ${object?.name ?? 'a connection'} that it has not passed up`, nbl);
          } else if (above.status !== status || above.bytesConsumed !== bytesConsumed) {
            broken(edge.upper, `answers an indication with ${what}: it was answered with ${formatNdisStatus(above.status)} and ${above.bytesConsumed} bytes`, nbl);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-IM-016',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nf-ndischimney-ndisoffloadtcpreceivereturn.md',
    holds: 'Received data that the driver above returns is returned on the binding below, in the same NET_BUFFER_LIST.',
    why: 'The target runs out of buffers.',
    cause: 'Look at MiniportTcpOffloadReceiveReturn for lists that are split. NDIS refuses the wrong binding (CHIM-RET-003).',
    example: 'Of a list of two, the first is returned, and the other one forgotten.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const returned = new Map<NetBufferList, Returned>();
      return {
        returned: (edge, nbl) => {
          if (edge.upperRole === 'intermediate') returned.delete(nbl);
          // What it indicated itself is its own.
          const isFromBelow = edge.lowerRole === 'intermediate' && trackOf(nbl)?.indications.some((indication) => indication.edge.upper === edge.lower) === true;
          if (isFromBelow) returned.set(nbl, { edge, atMs: watch.clock.now() });
        },
        tick: (nowMs) => {
          findKept(watch, returned, (atMs) => nowMs - atMs > watch.limits.dataMs);
        },
        end: () => {
          findKept(watch, returned, () => true);
        },
      };
    },
  },
];
