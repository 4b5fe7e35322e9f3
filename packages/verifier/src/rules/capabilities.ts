import {
  NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_OFFLOAD_PARAMETERS,
  OFFLOAD_STATE_TYPE,
  formatOid,
  type NDIS_STATUS,
  type NdisOffloadParameters,
  type NdisOidRequest,
  type TcpOffloadStats,
} from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';

const STATS = 'ns-ndischimney-_tcp_offload_stats.md';
const WIRE = 'What was sent and received: the verifier does not see the wire.';

const { Ip6OffloadConstState, Ip6OffloadState } = OFFLOAD_STATE_TYPE;

/** Connections of an edge, by the IP version of their paths. `types` has the block types that paths came down with. */
function connectionsOf({ objects }: EdgeRecord, types: WeakMap<ObjectRecord['handle'], number>, isIPv6: boolean): number {
  let count = 0;
  for (const { layer, parent } of objects.values()) {
    if (layer !== 'tcp') continue;
    const type = parent === null ? undefined : types.get(parent.handle);
    // One that is not known counts as both.
    if (type === undefined || isIPv6 === (type >= Ip6OffloadConstState && type <= Ip6OffloadState)) count++;
  }
  return count;
}

/** More established connections than there are below an adapter. */
function judgeStatistics({ broken, edges }: Watch, types: WeakMap<ObjectRecord['handle'], number>, edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS): void {
  const { oid, requestType, informationBuffer } = request;
  const isStatistics = oid === OID_TCP4_OFFLOAD_STATS || oid === OID_TCP6_OFFLOAD_STATS;
  if (!isStatistics || requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation || status !== NDIS_STATUS_SUCCESS || edge.lowerRole !== 'target') return;
  const established = (informationBuffer as Partial<TcpOffloadStats> | null)?.currentlyEstablished ?? 0;
  let most = 0;
  for (const other of edges) if (other.binding.adapterName === edge.binding.adapterName) most += connectionsOf(other, types, oid === OID_TCP6_OFFLOAD_STATS);
  if (established > most) broken(edge.lower, `reports ${established} established connections of ${edge.binding.adapterName} in ${formatOid(oid)}: ${most} are offloaded`, request);
}

export const capabilitiesRules: readonly Rule[] = [
  {
    id: 'CHIM-CAP-001',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'registering-chimney-offload-functions.md',
    holds: 'Generic and TCP provider handlers are registered by two calls of NdisSetOptionalHandlers from MiniportSetOptions, complete, with OffloadType NdisTcpChimneyOffload; who has registered none makes and gets no chimney calls.',
    why: 'NDIS looks at what is registered once, when an adapter starts; a missing entry would be called all the same.',
    cause: 'Look where the handlers are registered: MiniportInitializeEx is too late.',
    example: 'A driver registers its handlers when its first adapter is initialized.',
    observed: ['status'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-CAP-002',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'registering-an-intermediate-driver-s-protocolxxx-chimney-functions.md',
    holds: 'Generic and TCP client handlers are registered by two calls of NdisSetOptionalHandlers from ProtocolSetOptions, complete, the completion of forwards included.',
    why: 'NDIS looks at what is registered when a binding is opened; without it nothing can be passed up.',
    cause: 'Look where the handlers are registered: ProtocolBindAdapterEx is too late.',
    example: 'A host registers its handlers when it finds an adapter that can offload.',
    observed: ['status'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-CAP-003',
    actors: ['target'],
    severity: 'warning',
    page: 'nf-ndischimney-ndismgetoffloadhandlers.md',
    holds: 'NdisMGetOffloadHandlers is called once per kind of chimney, from MiniportInitializeEx, and the table is used only after its Type, Revision and Size were accepted.',
    why: 'A table of another revision has other functions in other places.',
    cause: 'Look at the initialization of the adapter.',
    example: 'The handlers are asked for again before each indication.',
    observed: ['status'],
    decidedBy: 'nobody',
    missing: 'What a driver asks NDIS for crosses no edge, and no observer is shown it; whether a table was looked at leaves no trace.',
  },
  {
    id: 'CHIM-CAP-004',
    actors: ['host'],
    severity: 'error',
    page: 'querying-and-setting-an-offload-target-s-tcp-chimney-offload-capabilit.md',
    holds: 'Nothing is offloaded before the chimney was enabled by OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, and it is disabled only after everything that used it was terminated.',
    why: 'Until then the target does not know the encapsulation nor the unit of its timers; afterwards it may refuse to work on what it still has.',
    cause: 'Look whether the binding waits for the completion of the set request.',
    example: 'A host offloads a connection as soon as it has read the capabilities.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    watch: ({ broken, parametersOf }) => ({
      treeDown: ({ operation, edge, root }) => {
        if (operation === 'initiate' && edge.upperRole === 'host' && parametersOf(edge) === null) broken(edge.upper, `offloads to ${edge.binding.adapterName} before its chimney was enabled`, root);
      },
      oidDown: (edge, request) => {
        const { oid, requestType, informationBuffer } = request;
        if (oid !== OID_TCP_OFFLOAD_PARAMETERS || requestType !== NDIS_REQUEST_TYPE.NdisRequestSetInformation || edge.upperRole !== 'host') return;
        const { tcpConnectionIPv4, tcpConnectionIPv6 } = (informationBuffer ?? {}) as Partial<NdisOffloadParameters>;
        const disabled = NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED;
        if (tcpConnectionIPv4 !== disabled || tcpConnectionIPv6 !== disabled) return;
        let left = 0;
        for (const { state } of edge.objects.values()) if (state === 'offloading' || state === 'offloaded') left++;
        if (left > 0) broken(edge.upper, `disables the chimney of ${edge.binding.adapterName} with ${left} objects offloaded to it`, request);
      },
    }),
  },
  {
    id: 'CHIM-CAP-005',
    actors: ['target'],
    severity: 'error',
    page: STATS,
    holds: 'Statistics count what is offloaded and nothing else, for each interface and each IP version, as documented; CurrentlyEstablished is the connections in ESTABLISHED and CLOSE_WAIT; setting the OID resets them.',
    why: 'The host adds them to its own: what is counted twice, or not at all, is wrong for good.',
    cause: 'Look where the counters are touched: CurrentlyEstablished has to fall with every terminate and every FIN.',
    example: 'A connection was terminated, and CurrentlyEstablished is still 1.',
    observed: ['status', 'wire'],
    decidedBy: 'verifier',
    missing: `All counters but CurrentlyEstablished, and of that, whether it is too small. ${WIRE}`,
    watch: (watch) => {
      const types = new WeakMap<ObjectRecord['handle'], number>();
      const judge = (edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS): void => {
        judgeStatistics(watch, types, edge, request, status);
      };
      return {
        treeDown: ({ operation, edge, blocks }) => {
          if (operation !== 'initiate' || edge.lowerRole !== 'target') return;
          for (const { layer, handle, type } of blocks) if (layer === 'path' && handle !== null) types.set(handle, type);
        },
        oidDownReturned: judge,
        oidUp: judge,
      };
    },
  },
  {
    id: 'CHIM-CAP-006',
    actors: ['target'],
    severity: 'error',
    page: STATS,
    holds: 'A packet with a bad header that goes up the ordinary path is not counted as an error; it is dropped and counted only if the chimney is enabled and a neighbor (IP) or a path (TCP) is offloaded.',
    why: 'Otherwise the same packet is counted by target and host.',
    cause: 'Look at what is asked before a bad packet is dropped.',
    example: 'Nothing is offloaded, and the target drops a segment with a bad checksum.',
    observed: ['ordinary', 'status', 'wire'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-CAP-007',
    actors: ['target'],
    severity: 'error',
    page: 'required-and-suggested-tcp-ip-protocol-support.md',
    holds: 'A target that does not support SACK ignores the option and processes the rest of the segment.',
    why: 'SACK was negotiated by the host: the peer goes on using it.',
    cause: 'Look at the parser of options: unknown ones are skipped by their length.',
    example: 'A segment with a SACK option is dropped.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
];
