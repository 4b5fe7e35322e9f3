import { newTree, present, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, type NDIS_STATUS, type NeighborOffloadState } from '@ndis-chimney/types';

import { at, offer, refuse } from './refuse.ts';
import type { Scenario } from './scenario.ts';

/** Offers a connection through a neighbor of a VLAN. @param status what the target refuses the neighbor with; null: it takes it. */
function offerVlan({ host, target }: ProbeStack, vlanId: number, status: NDIS_STATUS | null): void {
  offer(host, newTree(host.binding), ([neighbor]) => {
    present((present(neighbor).state as NeighborOffloadState).const).vlanId = vlanId;
  });
  const refusal = status;
  if (refusal === null) {
    target.completeTree('initiate');
    return;
  }
  const fail = (block: Parameters<typeof refuse>[0]): void => {
    refuse(block, NDIS_STATUS_FAILURE);
  };
  target.completeTree('initiate', {
    change: at({
      0: (block) => {
        refuse(block, refusal);
      },
      1: fail,
      2: fail,
    }),
  });
}

export const vlanScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-VLAN-002',
    catches: 'a target that finds no match for no VLAN',
    actor: 'probe target',
    broken: (stack) => {
      offerVlan(stack, 0, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH);
    },
    clean: (stack) => {
      offerVlan(stack, 0, null);
      offerVlan(stack, 6, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH);
    },
  },
  {
    rule: 'CHIM-VLAN-006',
    catches: 'a target that has no room for one VLAN',
    actor: 'probe target',
    broken: (stack) => {
      offerVlan(stack, 5, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES);
    },
    clean: (stack) => {
      offerVlan(stack, 5, null);
      offerVlan(stack, 6, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES);
    },
  },
];
