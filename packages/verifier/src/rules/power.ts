import { NDIS_DEVICE_POWER_STATE, NDIS_REQUEST_TYPE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, OID_PNP_SET_POWER, type NDIS_STATUS, type NdisOidRequest } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectState } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';

const PAGE = 'power-management-for-offload-targets.md';

/** True for a request that puts the adapter to sleep. */
function isSleep({ oid, requestType, informationBuffer }: NdisOidRequest): boolean {
  return oid === OID_PNP_SET_POWER && requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation && typeof informationBuffer === 'number' && informationBuffer > NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;
}

/** Connections of an edge in a state. */
function countOf({ objects }: EdgeRecord, ...states: readonly ObjectState[]): number {
  let count = 0;
  for (const { layer, state } of objects.values()) if (layer === 'tcp' && states.includes(state)) count++;
  return count;
}

export const powerRules: readonly Rule[] = [
  {
    id: 'CHIM-PWR-001',
    actors: ['host'],
    severity: 'error',
    page: PAGE,
    holds: 'Every connection is being terminated before a set-power request to a state below D0 is made.',
    why: 'The target loses what it has on chip: connections that are still there are gone, without a word to their peers.',
    cause: 'Look at the order: terminate first, then set the power; the completions may come later.',
    example: 'A host sets D3 with an offloaded connection, and terminates it when the request has returned.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      oidDown: (edge, request) => {
        const left = edge.upperRole === 'host' && isSleep(request) ? countOf(edge, 'offloading', 'offloaded') : 0;
        if (left > 0) broken(edge.upper, `sends the adapter ${edge.binding.adapterName} to sleep with ${left} connections that are not being terminated`, request);
      },
    }),
  },
  {
    id: 'CHIM-PWR-002',
    actors: ['target'],
    severity: 'error',
    page: PAGE,
    holds: 'A set-power request to a low-power state is not reported as done before all terminates have been completed; answered NDIS_STATUS_PENDING meanwhile, it is completed once, with NDIS_STATUS_SUCCESS, afterwards.',
    why: 'The bus takes the power away when the request is done: what the terminates still had to read is lost.',
    cause: 'NDIS refuses a second completion. For one that is too early look whether the request waits for the last terminate.',
    example: 'A terminate is under way, and MiniportOidRequest returns NDIS_STATUS_SUCCESS for D3.',
    observed: ['status', 'up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const judge = (edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS): void => {
        const left = edge.lowerRole === 'target' && status === NDIS_STATUS_SUCCESS && isSleep(request) ? countOf(edge, 'terminating') : 0;
        if (left > 0) broken(edge.lower, `reports that ${edge.binding.adapterName} sleeps while ${left} connections are being terminated`, request);
      };
      return {
        oidDownReturned: (edge, request, status) => {
          if (status !== NDIS_STATUS_PENDING) judge(edge, request, status);
        },
        oidUp: judge,
      };
    },
  },
  {
    id: 'CHIM-PWR-003',
    actors: ['host'],
    severity: 'warning',
    page: PAGE,
    holds: 'Nothing is offloaded while the adapter is below D0, or on its way there.',
    why: 'It cannot be taken, or it is lost when the power goes.',
    cause: 'Look whether new connections ask for the power state, and whether it is noted when the request goes down, not when it is done.',
    example: 'A set-power request is pending, and an initiate goes down.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    watch: ({ broken, oids }) => ({
      treeDown: ({ operation, edge, root }) => {
        if (operation !== 'initiate' || edge.upperRole !== 'host') return;
        const isAsleep = edge.powerState > NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;
        let isFallingAsleep = false;
        for (const [request, { edge: asked }] of oids()) isFallingAsleep ||= asked === edge && isSleep(request);
        if (isAsleep || isFallingAsleep) broken(edge.upper, `offloads to ${edge.binding.adapterName}, which ${isAsleep ? 'sleeps' : 'is about to sleep'}`, root);
      },
    }),
  },
];
