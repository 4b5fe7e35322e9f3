import { NDIS_STATUS_SUCCESS, type TcpOffloadState } from '@ndis-chimney/types';

import { deliveries, describeWaiting } from '../judge/stream-order.ts';
import { sumOfData } from '../record/lent-memory.ts';
import { trackOf } from '../record/nbl-track.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';

const INDICATE = 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md';
const ALGORITHM = 'delivery-algorithm.md';
const HAND_OVER = 'handling-buffered-receive-data-during-and-after-an-offload-operation.md';

export const receiveIndicationRules: readonly Rule[] = [
  {
    id: 'CHIM-RXI-001',
    actors: ['target'],
    severity: 'error',
    page: ALGORITHM,
    holds: 'Data is indicated only when no posted receive can take it.',
    why: 'The host has posted memory for exactly this data: it comes where nobody looks for it, or before data that fills the requests.',
    cause: 'Look whether requests that were posted during the last delivery are looked at before the next indication.',
    example: 'A receive of 1000 bytes is posted; 300 bytes come, and are indicated.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      indicate: ({ object, edge, nbl, byteCount }) => {
        // What is being posted this moment the target may not have seen.
        if (object === null || edge.lowerRole !== 'target' || object.callDepth.receive > 0) return;
        for (const request of object.pending.receive) {
          if (request.isTakenBack || request.byteCount === 0) continue;
          broken(edge.lower, `indicates ${byteCount} bytes of ${object.name} while receive ${request.ordinal} is posted, with room for ${request.byteCount}`, nbl, object.handle);
          return;
        }
      },
    }),
  },
  {
    id: 'CHIM-RXI-002',
    actors: ['target'],
    severity: 'error',
    page: INDICATE,
    holds: 'An indication carries one stand-alone NET_BUFFER_LIST with one NET_BUFFER, and NDIS_STATUS_SUCCESS, never RESOURCES.',
    why: 'The host answers for one run of bytes: there is no way to say which of several it took.',
    cause: 'Look for Next that is left over from the queue the NET_BUFFER_LIST was in. More data is more MDLs.',
    example: 'Two received segments are indicated as a list of two.',
    observed: ['up'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-RXI-003',
    actors: ['target'],
    severity: 'error',
    page: INDICATE,
    holds: 'Bytes that were refused are not indicated again before a receive has been posted.',
    why: 'The host has said that it does not want them now; asking again and again takes the processor from the one that will.',
    cause: 'Look whether the next segment, or a timer, begins a delivery although data is buffered.',
    example: 'The host refuses 300 bytes; when 100 more come the target indicates the 400.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: (watch) =>
      deliveries(watch, ({ object, waiting, what, isTooEarly, isNext }) => {
        if (!isTooEarly || !isNext || waiting.because === 'handed over') return;
        watch.broken(object.edge.lower, `${what} of ${object.name}, the ${describeWaiting(waiting)}, before a receive was posted`, object.handle);
      }),
  },
  {
    id: 'CHIM-RXI-004',
    actors: ['target'],
    severity: 'error',
    page: INDICATE,
    holds: 'When n bytes of an indication were accepted, exactly the bytes from n on are kept, and delivered once.',
    why: 'The application gets bytes twice, or never.',
    cause: 'Look whether BytesConsumed is added to the start of what is kept, also when it was indicated in pieces.',
    example: 'Of "abcde" two bytes are accepted, and the next receive begins with "abc".',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: (watch) =>
      deliveries(watch, ({ object, waiting, what, isNext }) => {
        if (isNext || waiting.because !== 'accepted in part') return;
        watch.broken(object.edge.lower, `${what} of ${object.name} that are not the ${describeWaiting(waiting)}`, object.handle);
      }),
  },
  {
    id: 'CHIM-RXI-005',
    actors: ['host'],
    severity: 'error',
    page: INDICATE,
    holds: 'The answer to an indication and BytesConsumed agree: SUCCESS with all bytes, OFFLOAD_DATA_NOT_ACCEPTED with none, OFFLOAD_DATA_PARTIALLY_ACCEPTED with some.',
    why: 'Both sides think the other has the bytes between, or both think they have them.',
    cause: 'Look for an answer that is given on the way out, whatever was copied.',
    example: 'A host accepts everything and leaves BytesConsumed 0.',
    observed: ['up'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-RXI-006',
    actors: ['target'],
    severity: 'error',
    page: INDICATE,
    holds: 'A NET_BUFFER_LIST that was accepted, and the data in it, is not touched until it has been returned. It is lent to be read: nobody else writes to it either.',
    why: 'The application reads newer bytes in the place of older ones.',
    cause: 'Look for a receive buffer that goes back to its ring when the indication returns, whatever the answer was.',
    example: 'The target writes the next segment into a buffer that the host has kept.',
    observed: ['memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      indicated: (indication, status) => {
        const { edge, nbl } = indication;
        if (edge.lowerRole !== 'target' || status !== NDIS_STATUS_SUCCESS || trackOf(nbl)?.indications.includes(indication) !== true) return;
        indication.checksum = sumOfData(indication);
        indication.hasChecksum = true;
      },
      returned: (edge, nbl, indication) => {
        if (indication?.hasChecksum !== true || edge.lowerRole !== 'target' || sumOfData(indication) === indication.checksum) return;
        broken(edge.lower, `has changed ${indication.byteCount} bytes of ${indication.object?.name ?? 'BufferedData'} that ${edge.upper} had kept`, nbl);
      },
    }),
  },
  {
    id: 'CHIM-RXI-007',
    actors: ['target'],
    severity: 'error',
    page: HAND_OVER,
    holds: 'Buffered data comes up before newer data of the connection.',
    why: 'The application gets the stream out of order.',
    cause: 'Look whether a segment that comes while data is buffered is appended to it, or takes the short way.',
    example: 'The host refuses "abc"; then "xyz" comes and is indicated.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: (watch) =>
      deliveries(watch, ({ object, waiting, what, isNext }) => {
        if (isNext || waiting.because === 'accepted in part') return;
        watch.broken(object.edge.lower, `${what} of ${object.name} ahead of ${describeWaiting(waiting)}`, object.handle);
      }),
  },
  {
    id: 'CHIM-RXI-008',
    actors: ['target'],
    severity: 'error',
    page: HAND_OVER,
    holds: 'BufferedData that came with an initiate is not indicated before the first receive is posted.',
    why: 'The host buffered it because its application did not want it: it would be refused, and refused again.',
    cause: 'Look whether data that is handed over is put where refused data is, or where received data is.',
    example: 'A connection comes with 1000 bytes of BufferedData, and the target indicates them at once.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: (watch) =>
      deliveries(watch, ({ object, waiting, what, isTooEarly, isNext }) => {
        if (!isTooEarly || !isNext || waiting.because !== 'handed over') return;
        watch.broken(object.edge.lower, `${what} of ${object.name}, the ${describeWaiting(waiting)}, before a receive was posted`, object.handle);
      }),
  },
  {
    id: 'CHIM-RXI-009',
    actors: ['target'],
    severity: 'error',
    page: 'receive-side-scaling-on-an-offloaded-tcp-connection.md',
    holds: 'Data of one connection reaches the host in the order in which it was received, also when the RSS indirection table moves the connection to another processor.',
    why: 'The application gets the stream out of order.',
    cause: 'Look whether packets that wait for the old processor are waited for before the new one goes on.',
    example: 'Packet 0 waits for processor 1, the table changes, and packet 1 is delivered by processor 3 first.',
    observed: ['up', 'wire'],
    decidedBy: 'nobody',
    missing: 'The order in which frames came from the wire, and on which processor each was processed.',
  },
  {
    id: 'CHIM-RXI-010',
    actors: ['target'],
    severity: 'advice',
    page: 'using-the-specified-receive-indication-size.md',
    holds: 'With RcvIndicationSize above 0 indications carry about that many bytes; with 0 as many as there are.',
    why: 'The host knows what its application reads first, and posts memory for the rest: what is indicated beyond that is copied once more.',
    cause: 'Look whether RcvIndicationSize is read anew after an update.',
    example: 'RcvIndicationSize is 100, and 4000 bytes are indicated.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const wanted = new WeakMap<ObjectRecord, number>();
      return {
        treeUp: ({ operation, blocks, edge }) => {
          if ((operation !== 'initiate' && operation !== 'update') || edge.lowerRole !== 'target') return;
          for (const { object, state, block } of blocks) {
            const { cached } = (state ?? {}) as Partial<TcpOffloadState>;
            if (object?.layer === 'tcp' && cached != null && block.status === NDIS_STATUS_SUCCESS) wanted.set(object, cached.rcvIndicationSize >>> 0);
          }
        },
        indicate: ({ object, edge, nbl, byteCount }) => {
          const size = object === null ? 0 : (wanted.get(object) ?? 0);
          if (size === 0 || byteCount <= 2 * size) return;
          broken(edge.lower, `indicates ${byteCount} bytes of ${object?.name ?? 'a connection'}, whose RcvIndicationSize is ${size}`, nbl);
        },
      };
    },
  },
];
