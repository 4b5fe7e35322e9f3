import { present, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_DEVICE_POWER_STATE, NDIS_REQUEST_TYPE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, OID_PNP_SET_POWER, type NDIS_STATUS, type NdisOidRequest } from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

const { NdisDeviceStateD0, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;

/** Makes the host set the power. */
function setPower({ host }: ProbeStack, state: number): void {
  host.request(NDIS_REQUEST_TYPE.NdisRequestSetInformation, OID_PNP_SET_POWER, state);
}

/** Makes the target answer OID requests. */
function answer({ target }: ProbeStack, status: NDIS_STATUS): void {
  target.calls.on('miniportOidRequest', () => status);
}

/** Begins to terminate every object, and completes what is not a connection. */
function beginTerminate({ host, connection }: ProbeStack): void {
  host.binding.terminateOffload(host.connections(connection));
}

export const powerScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-PWR-001',
    catches: 'a host that sends an adapter to sleep with a connection on it',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: (stack) => {
      answer(stack, NDIS_STATUS_SUCCESS);
      setPower(stack, NdisDeviceStateD3);
    },
    clean: (stack) => {
      answer(stack, NDIS_STATUS_SUCCESS);
      stack.terminateAll();
      setPower(stack, NdisDeviceStateD3);
    },
  },
  {
    rule: 'CHIM-PWR-002',
    catches: 'a target that sleeps while it terminates',
    actor: 'probe target',
    broken: (stack) => {
      answer(stack, NDIS_STATUS_SUCCESS);
      beginTerminate(stack);
      setPower(stack, NdisDeviceStateD3);
      stack.target.completeTree('terminate');
    },
    clean: (stack) => {
      const held: NdisOidRequest[] = [];
      stack.target.calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
        held.push(request);
        return NDIS_STATUS_PENDING;
      });
      beginTerminate(stack);
      setPower(stack, NdisDeviceStateD3);
      stack.target.completeTree('terminate');
      stack.target.miniport.oidRequestComplete(present(held[0]), NDIS_STATUS_SUCCESS);
    },
  },
  {
    rule: 'CHIM-PWR-003',
    catches: 'a host that offloads to an adapter that sleeps',
    actor: 'probe host',
    broken: (stack) => {
      answer(stack, NDIS_STATUS_SUCCESS);
      stack.terminateAll();
      setPower(stack, NdisDeviceStateD3);
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
    clean: (stack) => {
      answer(stack, NDIS_STATUS_SUCCESS);
      stack.terminateAll();
      setPower(stack, NdisDeviceStateD3);
      setPower(stack, NdisDeviceStateD0);
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-PWR-003',
    catches: 'a host that offloads to an adapter that falls asleep',
    actor: 'probe host',
    broken: (stack) => {
      answer(stack, NDIS_STATUS_PENDING);
      stack.terminateAll();
      setPower(stack, NdisDeviceStateD3);
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
    clean: (stack) => {
      stack.terminateAll();
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
  },
];
