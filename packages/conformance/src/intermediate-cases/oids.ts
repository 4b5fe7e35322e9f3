import {
  IRQL,
  NDIS_DEVICE_POWER_STATE,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_OID,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NdisOidRequest,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadParameters,
  OID_GEN_CURRENT_PACKET_FILTER,
  OID_GEN_STATISTICS,
  OID_PNP_SET_POWER,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  type NdisStatusIndication,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const { NdisRequestQueryInformation, NdisRequestSetInformation } = NDIS_REQUEST_TYPE;

/** What the adapter that the host is bound to says it can offload now. */
function capacityAbove(world: IntermediateWorld, oid: number): number | null {
  const { request, status } = world.host.request(NdisRequestQueryInformation, oid);
  if (status !== NDIS_STATUS_SUCCESS) return null;
  return (request.informationBuffer as NdisTcpConnectionOffload).tcpConnectionOffloadCapacity;
}

export const oidCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-capability-query',
    title: 'The capability query at a virtual miniport tells what the adapter below can offload, as it came up and after OFFLOAD_RESUME',
    rules: ['CHIM-IM-017'],
    requirement: 'C-NDIS-CAP',
    requires: ['transparent'],
    run: async (world) => {
      const { target } = world;
      const oids = [OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES];
      checkEqual(oids.map((oid) => capacityAbove(world, oid)), [1000, 1000], 'connections that can be offloaded, as the host is told');
      const fewer = new NdisTcpConnectionOffload().copyFrom(target.capabilities);
      fewer.tcpConnectionOffloadCapacity = 17;
      await world.atDispatch(() => {
        target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
        target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, fewer);
      });
      checkEqual(capacityAbove(world, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG), 17, 'connections that can be offloaded after RESUME');
    },
  },
  {
    id: 'intermediate-set-request',
    title: 'A set request is passed down with what is set, and its result comes back: chimney parameters too',
    rules: ['CHIM-IM-017'],
    requirement: 'C-NDIS-CAP',
    run: async (world) => {
      const { host } = world;
      for (const oid of [OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, OID_GEN_CURRENT_PACKET_FILTER]) {
        for (const result of [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE]) {
          const seen: unknown[] = [];
          for (const target of world.targets) {
            target.calls.on('miniportOidRequest', (_adapter: unknown, request: NdisOidRequest) => {
              if (request.oid !== oid) return NDIS_STATUS_SUCCESS;
              seen.push([request.requestType, request.informationBuffer === parameters]);
              request.bytesRead = 24;
              return result;
            });
          }
          const parameters = new NdisTcpConnectionOffloadParameters();
          const { request, status } = host.request(NdisRequestSetInformation, oid, parameters);
          await world.settle();
          checkEqual(seen[0], [NdisRequestSetInformation, true], 'type and buffer of a set request at the target');
          checkEqual(seen.length, world.targets.length, 'targets that a set request reached');
          const final = status === NDIS_STATUS_PENDING ? host.entries('oidComplete').at(-1)?.status : status;
          checkEqual(final, result, 'the result of a set request');
          if (result === NDIS_STATUS_SUCCESS && world.isTransparent) checkEqual(request.bytesRead, 24, 'BytesRead of a set request');
        }
      }
    },
  },
  {
    id: 'intermediate-query-request',
    title: 'A query request comes back with the answer, the status and the lengths of the target',
    rules: ['CHIM-IM-017', 'CHIM-IM-013'],
    requirement: 'C-NDIS-CAP',
    requires: ['transparent'],
    run: (world) => {
      const { target } = world;
      for (const result of [NDIS_STATUS_SUCCESS, NDIS_STATUS_INVALID_OID]) {
        target.calls.on('miniportOidRequest', (_adapter: unknown, request: NdisOidRequest) => {
          request.informationBuffer = `answer ${request.oid}`;
          request.bytesWritten = 5;
          request.bytesNeeded = 6;
          return result;
        });
        const request = Object.assign(new NdisOidRequest(), { oid: OID_GEN_STATISTICS, portNumber: 7, timeout: 8, requestId: 'id', informationBufferLength: 9 });
        const status = world.binding.oidRequest(request);
        checkEqual([status, request.informationBuffer, request.bytesWritten, request.bytesNeeded], [result, `answer ${OID_GEN_STATISTICS}`, 5, 6], 'status, answer and lengths of a query');
      }
      const asked = target.calls.of('miniportOidRequest').map(([, request]) => {
        const { requestType, portNumber, timeout, requestId, informationBufferLength } = request as NdisOidRequest;
        return [requestType, portNumber, timeout, requestId, informationBufferLength];
      });
      checkEqual(asked, [0, 1].map(() => [NdisRequestQueryInformation, 7, 8, 'id', 9]), 'requests at the target: type, port, timeout, id, length of the buffer');
    },
  },
  {
    id: 'intermediate-pending-requests',
    title: 'Requests that the target answers later are completed once each, with their own answers, in whichever order these come',
    rules: ['CHIM-IM-017', 'CHIM-IM-013'],
    requirement: 'C-NDIS-CAP',
    run: async (world) => {
      const { host } = world;
      const held: [IntermediateWorld['target'], NdisOidRequest][] = [];
      for (const target of world.targets) {
        target.calls.on('miniportOidRequest', (_adapter: unknown, request: NdisOidRequest) => {
          held.push([target, request]);
          return NDIS_STATUS_PENDING;
        });
      }
      const asked = [OID_GEN_STATISTICS, OID_GEN_CURRENT_PACKET_FILTER].map((oid) => host.request(NdisRequestQueryInformation, oid));
      await world.settle();
      checkEqual(asked.map(({ status }) => status), [NDIS_STATUS_PENDING, NDIS_STATUS_PENDING], 'what requests were answered that wait below');
      checkEqual(held.map(([, { oid }]) => oid), [OID_GEN_STATISTICS, OID_GEN_CURRENT_PACKET_FILTER], 'requests at the target');
      checkEqual(host.entries('oidComplete').length, 0, 'completions of requests that wait below');
      for (const [target, request] of held.reverse()) {
        await world.atDispatch(() => {
          request.informationBuffer = `answer ${request.oid}`;
          target.miniport.oidRequestComplete(request, request.oid === OID_GEN_STATISTICS ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS);
        });
      }
      const completed = host.calls.of('protocolOidRequestComplete');
      check(completed[0]?.[1] === asked[1]?.request && completed[1]?.[1] === asked[0]?.request && completed.length === 2, 'requests were not completed once each, in the order of their answers');
      checkEqual(completed.map(([, , status]) => status), [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE], 'their statuses');
      if (world.isTransparent) checkEqual(asked.map(({ request }) => request.informationBuffer), [`answer ${OID_GEN_STATISTICS}`, `answer ${OID_GEN_CURRENT_PACKET_FILTER}`], 'their answers');
    },
  },
  {
    id: 'intermediate-power-down',
    title: 'GV-PWR-1: a set-power request that the target answers with PENDING while a terminate is under way is completed once, after it',
    rules: ['CHIM-PWR-002', 'CHIM-IM-017'],
    requirement: 'C-NDIS-PWR',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const held: [IntermediateWorld['target'], NdisOidRequest][] = [];
      for (const target of world.targets) {
        target.calls.on('miniportOidRequest', (_adapter: unknown, request: NdisOidRequest) => {
          held.push([target, request]);
          return NDIS_STATUS_PENDING;
        });
      }
      world.begin('terminate', host.connections(connection));
      const { request, status } = host.request(NdisRequestSetInformation, OID_PNP_SET_POWER, NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3);
      await world.settle();
      checkEqual(status, NDIS_STATUS_PENDING, 'what the set-power request was answered');
      checkEqual(host.entries('oidComplete').length, 0, 'completions of the request before the terminate');
      await world.completeTrees();
      for (const [target, below] of held) {
        checkEqual(below.informationBuffer, NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3, 'the power state at the target');
        await world.atDispatch(() => {
          target.miniport.oidRequestComplete(below, NDIS_STATUS_SUCCESS);
        });
      }
      const kinds = host.journal.slice(1).map(({ kind }) => kind);
      checkEqual(kinds, ['stateComplete', 'oidComplete'], 'what the host got');
      check(host.calls.of('protocolOidRequestComplete')[0]?.[1] === request, 'another request was completed');
      checkEqual(host.entries('oidComplete').map((entry) => entry.status), [NDIS_STATUS_SUCCESS], 'statuses of the set-power request');
    },
  },
  {
    id: 'intermediate-status-indications',
    title: 'Status indications go up once each, in order, with code and buffer, as those of the virtual miniport',
    rules: ['CHIM-IM-017', 'CHIM-IM-013'],
    requirement: 'C-NDIS-CAP',
    requires: ['transparent'],
    run: async (world) => {
      const { host, target } = world;
      const codes = [NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_OFFLOAD_RESUME, NDIS_STATUS_MEDIA_DISCONNECT, NDIS_STATUS_MEDIA_CONNECT];
      const above = world.ndis.findAdapter(world.binding.adapterName);
      const seen: unknown[] = [];
      host.calls.on('protocolStatusEx', (_context: unknown, { sourceHandle, statusCode, statusBuffer, statusBufferSize, portNumber, requestId, flags }: NdisStatusIndication) => {
        seen.push([sourceHandle === above, statusCode, statusBuffer, statusBufferSize, portNumber, requestId, flags, world.ndis.currentIrql]);
      });
      const sent: unknown[] = [];
      for (const [at, code] of codes.entries()) {
        await world.atDispatch(() => {
          target.miniport.indicateStatusEx(Object.assign(target.statusOf(code, `buffer ${at}`), { statusBufferSize: at, portNumber: at + 1, requestId: `id ${at}`, flags: at + 2 }));
        });
        sent.push([true, code, `buffer ${at}`, at, at + 1, `id ${at}`, at + 2, IRQL.DISPATCH_LEVEL]);
      }
      checkEqual(seen, sent, 'status indications: of the own adapter, code, buffer, its size, port, request, flags, IRQL');
    },
  },
];
