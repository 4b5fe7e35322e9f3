import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  copyFromNetBuffer,
  formatNdisStatus,
  type NDIS_STATUS,
  type NetBuffer,
} from '@ndis-chimney/types';

import { isTargets } from '../judge/reasons.ts';
import type { HandOver } from '../record/hand-over.ts';
import type { Rule } from '../rule.ts';

const ENTRY = 'nc-ndischimney-w_tcp_offload_forward_handler.md';

/** What a target may end a forward with. */
const ENDINGS: ReadonlySet<NDIS_STATUS> = new Set<NDIS_STATUS>([NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_FAILURE]);

/** Bytes of a TCP header without options. RFC 793 section 3.1. */
const HEADER_BYTES = 20;

/** What is wrong with a segment, as the end of a sentence; null when it is one of the connection. */
function wrongWith(netBuffer: NetBuffer, handedOver: HandOver | null): string | null {
  const { dataLength } = netBuffer;
  if (dataLength < HEADER_BYTES) return `has ${dataLength} bytes, less than a TCP header`;
  const header = new Uint8Array(HEADER_BYTES);
  copyFromNetBuffer(netBuffer, 0, header, 0, HEADER_BYTES);
  const view = new DataView(header.buffer);
  const headerLength = (view.getUint8(12) >> 4) * 4;
  if (headerLength < HEADER_BYTES || headerLength > dataLength) return `does not begin with a TCP header: its length would be ${headerLength} of ${dataLength} bytes`;
  const source = view.getUint16(0);
  const destination = view.getUint16(2);
  if (handedOver === null || handedOver.remotePort < 0 || (source === handedOver.remotePort && destination === handedOver.localPort)) return null;
  return `goes from port ${source} to port ${destination}, the connection from ${handedOver.remotePort} to ${handedOver.localPort}`;
}

export const forwardRules: readonly Rule[] = [
  {
    id: 'CHIM-FWD-001',
    actors: ['NDIS', 'intermediate', 'target'],
    severity: 'error',
    page: 'nf-ndischimney-ndisoffloadtcpforward.md',
    holds: 'NdisOffloadTcpForward and MiniportTcpOffloadForward return NDIS_STATUS_PENDING and nothing else.',
    why: 'A caller that took another status for the end of it would free a segment that is still being processed.',
    cause: 'Look at what the entry returns when it has processed the segment at once.',
    example: 'miniportTcpOffloadForward returns NDIS_STATUS_SUCCESS.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-FWD-002',
    actors: ['host'],
    severity: 'error',
    page: ENTRY,
    holds: 'Each forwarded NET_BUFFER_LIST has one NET_BUFFER with exactly one TCP segment, from the first byte of the TCP header on: no IP header in front, and of this connection.',
    why: 'The target reads ports and sequence numbers where others are, and drops the segment or corrupts the connection.',
    cause: 'Look how far the data start was moved: over the link header and the IP header with its options.',
    example: 'A packet is forwarded as it was received, IP header first.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestDown: ({ nbl, isOrigin, netBufferCount, object, ordinal }, { edge, kind }) => {
        if (kind !== 'forward' || !isOrigin) return;
        const netBuffer = nbl.firstNetBuffer;
        const wrong = netBuffer === null || netBufferCount !== 1 ? `has ${netBufferCount} NET_BUFFERs` : wrongWith(netBuffer, object.handedOver);
        if (wrong !== null) broken(edge.upper, `forwards as segment ${ordinal} of ${object.name} what ${wrong}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-FWD-003',
    actors: ['host'],
    severity: 'error',
    page: ENTRY,
    holds: 'Only segments that were received and not acknowledged are forwarded, none while the connection is being offloaded or terminated, and none that came by the ordinary path during its upload.',
    why: 'The target would process what the host has processed already.',
    cause: 'Look where segments wait during an offload, and who takes them when it has failed or ended.',
    example: 'A segment that came up during the upload is kept, and forwarded when the connection is offloaded again.',
    observed: ['down', 'ordinary', 'wire'],
    decidedBy: 'nobody',
    missing: 'What the host received on the ordinary path and acknowledged. Forwards for a connection that is being offloaded or terminated NDIS refuses as CHIM-ST-002 and CHIM-TRM-003.',
  },
  {
    id: 'CHIM-FWD-004',
    actors: ['target'],
    severity: 'warning',
    page: 'nc-ndischimney-ndis_tcp_offload_forward_complete.md',
    holds: 'Each forwarded NET_BUFFER_LIST is completed once, with NDIS_STATUS_SUCCESS, UPLOAD_IN_PROGRESS, REQUEST_ABORTED or FAILURE.',
    why: 'The host has no rule for any other status.',
    cause: 'Look for a status of the engine that is passed up as it is.',
    example: 'A segment that is out of the window is completed with NDIS_STATUS_INVALID_DATA.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request) => {
        const { kind, nbl, object, edge, ordinal } = request;
        if (kind !== 'forward' || !isTargets(request) || ENDINGS.has(nbl.status)) return;
        broken(edge.lower, `completes forward ${ordinal} of ${object.name} with ${formatNdisStatus(nbl.status)}`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-FWD-005',
    actors: ['target'],
    severity: 'error',
    page: 'handling-the-reception-of-ip-fragments.md',
    holds: 'A forwarded segment has the same effect as the same segment received from the wire.',
    why: 'Whether a connection survives would depend on the way its segments take.',
    cause: 'Look for checks and timers that hang on the receive path of the wire only.',
    example: 'A forwarded FIN closes the connection and is not acknowledged.',
    observed: ['up', 'wire'],
    decidedBy: 'nobody',
    missing: 'A second run to compare with, in which the segment comes from the wire.',
  },
];
