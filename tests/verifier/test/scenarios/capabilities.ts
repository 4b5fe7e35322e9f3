import { ProbeTarget, present, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisOffloadParameters,
  NdisProviderChimneyOffloadTcpCharacteristics,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP_OFFLOAD_PARAMETERS,
  TcpOffloadStats,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisOidRequest,
} from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

/** Turns the chimney off. */
function disable({ host, target }: ProbeStack): void {
  const parameters = new NdisOffloadParameters();
  parameters.tcpConnectionIPv4 = NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED;
  parameters.tcpConnectionIPv6 = NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED;
  target.calls.once('miniportOidRequest', () => NDIS_STATUS_SUCCESS);
  host.request(NDIS_REQUEST_TYPE.NdisRequestSetInformation, OID_TCP_OFFLOAD_PARAMETERS, parameters);
}

/** Asks the target, which says that so many connections are established. */
function queryStatistics({ host, target }: ProbeStack, established: number): void {
  target.calls.once('miniportOidRequest', (_context: unknown, { informationBuffer }: NdisOidRequest): NDIS_STATUS => {
    (informationBuffer as TcpOffloadStats).currentlyEstablished = established;
    return NDIS_STATUS_SUCCESS;
  });
  host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_TCP4_OFFLOAD_STATS, new TcpOffloadStats());
}

/** Binds the host to another adapter. */
function bindToSecond({ ndis, host }: ProbeStack): { readonly binding: NdisBinding; readonly target: ProbeTarget } {
  const target = new ProbeTarget(ndis, { name: 'second target' });
  target.start('nic2');
  host.bindTo('nic2');
  return { binding: present(host.bindings[1]?.binding), target };
}

export const capabilitiesScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-CAP-001',
    catches: 'a target that registers its handlers too late',
    actor: 'probe target',
    broken: ({ target }) => {
      try {
        target.driverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(target));
      } catch {
        // Refused.
      }
    },
    clean: ({ ndis }) => {
      const target = new ProbeTarget(ndis, { name: 'second target' });
      target.start('nic2');
      ndis.removeAdapter(target.miniport);
    },
  },
  {
    rule: 'CHIM-CAP-002',
    catches: 'a host that registers its handlers too late',
    actor: 'probe host',
    broken: ({ host }) => {
      try {
        host.protocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(host));
      } catch {
        // Refused.
      }
    },
    clean: (stack) => {
      const { target } = bindToSecond(stack);
      stack.ndis.removeAdapter(target.miniport);
    },
  },
  {
    rule: 'CHIM-CAP-004',
    catches: 'a host that offloads before it has enabled the chimney',
    actor: 'probe host',
    broken: (stack) => {
      const { binding, target } = bindToSecond(stack);
      stack.host.offload({}, binding);
      target.completeTree('initiate');
    },
    clean: (stack) => {
      const { binding, target } = bindToSecond(stack);
      stack.enable({}, binding, target);
      const { connections, paths, neighbors } = stack.host.offload({}, binding);
      target.completeTree('initiate');
      for (const handle of [...connections, ...paths, ...neighbors]) {
        const block = present(stack.host.handles.get(handle));
        block.dependentBlockList = null;
        binding.terminateOffload(block);
        target.completeTree('terminate');
      }
      stack.ndis.removeAdapter(target.miniport);
    },
  },
  {
    rule: 'CHIM-CAP-004',
    catches: 'a host that disables the chimney while it uses it',
    actor: 'probe host',
    broken: (stack) => {
      disable(stack);
    },
    clean: (stack) => {
      stack.terminateAll();
      disable(stack);
    },
  },
  {
    rule: 'CHIM-CAP-005',
    catches: 'a target that counts connections it has given back',
    actor: 'probe target',
    broken: (stack) => {
      stack.terminateAll();
      queryStatistics(stack, 1);
    },
    clean: (stack) => {
      queryStatistics(stack, 1);
      stack.terminateAll();
      queryStatistics(stack, 0);
    },
  },
];
