import {
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
  NDIS_OFFLOAD_NOT_SUPPORTED,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_OID,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffload,
  OID_PNP_SET_POWER,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  formatOid,
  type NdisMiniportAdapterOffloadAttributes,
  type NdisOidRequest,
  type NetBufferListPool,
} from '@ndis-chimney/types';

import type { FaultScope, Strike } from '../fault-scope.ts';
import type { Fault } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';
import { tap } from '../tap.ts';
import { tapForNow } from '../tap-drivers.ts';
import { BOTH, delayMs, oneOf, periodMs, wholeNumber } from './common.ts';
import { offloadedAt, spontaneous } from './offload.ts';

/** G1: the hardware is gone. */
const losesHardware: Fault = {
  id: 'G1',
  title: 'loses its hardware',
  symptom: 'Every connection has to be taken back (HardwareFailure), and nothing is offloaded any more.',
  caughtBy: '',
  edges: ['target'],
  operations: ['TcpOffloadSend', 'TcpOffloadReceive', 'Timer'],
  parameters: periodMs,
  inject: (scope) => {
    const gone = new Set<FaultyAdapter>();
    const taps = spontaneous(
      scope,
      'hardware lost',
      (adapter) => {
        gone.add(adapter);
        for (const connection of offloadedAt(scope, adapter)) adapter.indicateEvent(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
      },
      (adapter) => !gone.has(adapter),
    );
    return {
      ...taps,
      miniport: {
        ...taps.miniport,
        miniportInitiateOffload: (next, context, tree) => {
          const adapter = scope.adapter(context);
          if (!gone.has(adapter) || scope.ground.isHealed) next(context, tree);
          else scope.deferrals.later(0, () => { adapter.completeTree('InitiateOffload', tree, NDIS_STATUS_FAILURE); });
        },
      },
    };
  },
};

/** G3: the link goes and comes. */
const linkFlaps: Fault = {
  id: 'G3',
  title: 'reports that its link goes down and comes back',
  symptom: 'NDIS_STATUS_MEDIA_DISCONNECT and, some time later, NDIS_STATUS_MEDIA_CONNECT, with connections offloaded.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive', 'Timer'],
  parameters: { downMs: delayMs('How long the link is down, in milliseconds.', 100), ...periodMs },
  inject: (scope) =>
    spontaneous(scope, 'link down', (adapter) => {
      adapter.indicateStatus(NDIS_STATUS_MEDIA_DISCONNECT);
      scope.deferrals.later(scope.number('downMs'), () => {
        if (scope.ground.adapters.get(adapter.context) === adapter) adapter.indicateStatus(NDIS_STATUS_MEDIA_CONNECT);
      });
    }),
};

function strikeOid(scope: FaultScope, { name }: FaultyAdapter, request: NdisOidRequest, effect: string): Strike | null {
  return scope.strike({ operation: 'OidRequest', connection: null, adapter: name, oid: request.oid, subject: request }, `${formatOid(request.oid)}: ${effect}`);
}

/** G4: the power state changes at once. */
const changesPowerAtOnce: Fault = {
  id: 'G4',
  title: 'answers a power change at once, without powering down',
  symptom: 'The set succeeds though connections are still offloaded, and the driver never gets it.',
  caughtBy: '',
  edges: ['target'],
  operations: ['OidRequest'],
  parameters: {},
  inject: (scope) => ({
    miniport: {
      miniportOidRequest: (next, context, request) =>
        request.oid === OID_PNP_SET_POWER && strikeOid(scope, scope.adapter(context), request, 'succeeded at once') !== null ? NDIS_STATUS_SUCCESS : next(context, request),
    },
  }),
};

/** H1: no memory for indications. */
const poolsRunDry: Fault = {
  id: 'H1',
  title: 'gets no NET_BUFFER_LIST from its pools',
  symptom: 'Received data cannot be indicated: the connection stalls, or is to be uploaded.',
  caughtBy: '',
  edges: ['target'],
  operations: ['AllocateNetBufferList'],
  parameters: {},
  inject: (scope) => ({
    miniport: {
      // Pools made while an adapter comes up are the driver's.
      miniportInitializeEx: (next, miniport, parameters) => {
        const untap = tapForNow(miniport.ndis, {
          allocateNetBufferListPool: (allocate, ...args: never[]) => {
            const pool = allocate(...args) as NetBufferListPool;
            tap(pool, {
              allocateNetBufferAndNetBufferList: (make, ...described: never[]) =>
                scope.strike({ operation: 'AllocateNetBufferList', connection: null, adapter: miniport.name }, 'no NET_BUFFER_LIST') === null ? (make(...described) as unknown) : null,
            });
            return pool;
          },
        });
        try {
          return next(miniport, parameters);
        } finally {
          untap();
        }
      },
    },
  }),
};

/** H2: no memory for what an intermediate driver keeps with an NBL. */
const contextsRunOut: Fault = {
  id: 'H2',
  title: 'gets no context for a NET_BUFFER_LIST',
  symptom: 'The request is not passed on: it ends with NDIS_STATUS_REQUEST_UPLOAD, and the host takes the connection back.',
  caughtBy: '',
  edges: ['intermediate'],
  operations: ['TcpOffloadSend', 'TcpOffloadReceive'],
  parameters: {},
  inject: (scope) => ({
    binding: (binding) => ({
      relayTcpSend: (next, handle, list, contexts, upperEdge) => {
        const { shortageHandler } = contexts;
        if (shortageHandler === null || scope.strike({ operation: 'TcpOffloadSend', connection: scope.book.ofHandle(handle), adapter: binding.adapterName, subject: list }, 'no context') === null) return next(handle, list, contexts, upperEdge);
        shortageHandler.contextsExhausted('send', handle, list, upperEdge);
        return NDIS_STATUS_PENDING;
      },
      relayTcpReceive: (next, handle, list, contexts, upperEdge) => {
        const { shortageHandler } = contexts;
        if (shortageHandler === null || scope.strike({ operation: 'TcpOffloadReceive', connection: scope.book.ofHandle(handle), adapter: binding.adapterName, subject: list }, 'no context') === null) return next(handle, list, contexts, upperEdge);
        shortageHandler.contextsExhausted('receive', handle, list, upperEdge);
        return NDIS_STATUS_PENDING;
      },
    }),
  }),
};

const OID_STATUS: Readonly<Record<string, number>> = { NDIS_STATUS_FAILURE, NDIS_STATUS_NOT_SUPPORTED, NDIS_STATUS_INVALID_OID, NDIS_STATUS_RESOURCES };

/** H3: an OID request fails. */
const failsOids: Fault = {
  id: 'H3',
  title: 'fails an OID request',
  symptom: 'Statistics are missing, or the chimney is never enabled.',
  caughtBy: '',
  edges: BOTH,
  operations: ['OidRequest'],
  parameters: { status: oneOf('What it fails with.', ...(Object.keys(OID_STATUS) as [string, ...string[]])) },
  inject: (scope) => ({
    miniport: {
      miniportOidRequest: (next, context, request) =>
        strikeOid(scope, scope.adapter(context), request, scope.text('status')) === null ? next(context, request) : (OID_STATUS[scope.text('status')] ?? NDIS_STATUS_FAILURE),
    },
  }),
};

/** H4: capabilities that are not so. */
const liesAboutCapabilities: Fault = {
  id: 'H4',
  title: 'claims capabilities that it does not have',
  symptom: 'The host offers more, or other, connections than the target can take, and learns it from one failed initiate after the other.',
  caughtBy: '',
  edges: ['target'],
  operations: ['SetMiniportAttributes'],
  parameters: {
    capacity: wholeNumber('The connection capacity that is claimed.', 1_000_000, 0, 0x7FFF_FFFF),
    sack: oneOf('What is claimed of SACK.', 'unchanged', 'supported', 'unsupported'),
  },
  inject: (scope) => ({
    adapter: ({ name }) => ({
      setMiniportAttributes: (next, attributes) => {
        const isOffload = attributes.header.type === NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES;
        if (isOffload && scope.strike({ operation: 'SetMiniportAttributes', connection: null, adapter: name, subject: attributes }, `capacity ${scope.number('capacity')}, SACK ${scope.text('sack')}`) !== null) {
          const offload = attributes as NdisMiniportAdapterOffloadAttributes;
          offload.defaultTcpConnectionOffloadConfiguration = lieAbout(scope, offload.defaultTcpConnectionOffloadConfiguration);
          offload.tcpConnectionOffloadHardwareCapabilities = lieAbout(scope, offload.tcpConnectionOffloadHardwareCapabilities);
        }
        return next(attributes);
      },
    }),
  }),
};

/** A copy with the lies in it: the structure itself is the driver's, who goes by it. */
function lieAbout(scope: FaultScope, truth: NdisTcpConnectionOffload | null): NdisTcpConnectionOffload | null {
  if (truth === null) return null;
  const claimed = new NdisTcpConnectionOffload().copyFrom(truth);
  claimed.tcpConnectionOffloadCapacity = scope.number('capacity');
  const sack = scope.text('sack');
  if (sack !== 'unchanged') claimed.supportSack = sack === 'supported' ? NDIS_OFFLOAD_SUPPORTED : NDIS_OFFLOAD_NOT_SUPPORTED;
  return claimed;
}

export const adapterFaults: readonly Fault[] = [losesHardware, linkFlaps, changesPowerAtOnce, poolsRunDry, contextsRunOut, failsOids, liesAboutCapabilities];
