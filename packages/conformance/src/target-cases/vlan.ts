import {
  NDIS_STATUS_OFFLOAD_VLAN_ENTRIES,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  NDIS_STATUS_SUCCESS,
  formatNdisStatus,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { newTreeOf, takeTreeBack, type CaseTree } from './case-tree.ts';
import { isOffloaded, offer } from './initiate-outcome.ts';
import { stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** Offers a connection whose neighbor is on this VLAN. */
async function offerOn(world: TargetWorld, vlanId: number): Promise<CaseTree> {
  const tree = newTreeOf(world, [[1]]);
  present((tree.root.state as NeighborOffloadState).const).vlanId = vlanId;
  await offer(world, tree.root);
  return tree;
}

function checkTaken({ root, connections }: CaseTree, what: string): void {
  checkEqual([formatNdisStatus(root.status), ...connections.map(({ isOffloaded: isTaken }) => isTaken)], [formatNdisStatus(NDIS_STATUS_SUCCESS), true], what);
}

function checkRefused({ root }: CaseTree, statuses: readonly NDIS_STATUS[], what: string): void {
  checkEqual([isOffloaded(root), statuses.includes(root.status) ? 'as it should' : formatNdisStatus(root.status)], [false, 'as it should'], what);
}

async function queriedVlan(world: TargetWorld, neighbor: ProtocolOffloadBlockList): Promise<number> {
  const block = stateBlock(neighbor, 'const');
  await world.operate('query', block);
  return present((block.state as NeighborOffloadState).const).vlanId;
}

export const vlanCases: readonly TargetCase[] = [
  {
    id: 'target-vlan-least',
    title: 'Neighbors without a VLAN and neighbors on one VLAN can be offloaded side by side',
    rules: ['CHIM-VLAN-002', 'CHIM-VLAN-006'],
    requirement: 'C-NDIS-VLAN',
    run: async (world) => {
      const trees: CaseTree[] = [];
      for (const vlanId of [0, 4094, 0, 4094]) {
        const tree = await offerOn(world, vlanId);
        checkTaken(tree, `the status of a neighbor on VLAN ${vlanId}, and whether its connection was offloaded`);
        trees.push(tree);
      }
      for (const { root } of trees) checkEqual(await queriedVlan(world, root), present((root.state as NeighborOffloadState).const).vlanId, 'the VLAN of a neighbor');
    },
  },
  {
    id: 'target-vlan-entries',
    title: 'A neighbor on a VLAN that there is no entry for is refused with VLAN_ENTRIES, until an entry is free again',
    rules: ['CHIM-VLAN-001', 'CHIM-VLAN-002', 'CHIM-INI-008'],
    requirement: 'C-NDIS-VLAN',
    requires: ['vlan-capacity'],
    wishes: { vlanCapacity: 1 },
    run: async (world) => {
      const first = await offerOn(world, 7);
      checkTaken(first, 'a neighbor on the first VLAN');
      checkRefused(await offerOn(world, 8), [NDIS_STATUS_OFFLOAD_VLAN_ENTRIES], 'a neighbor on a second VLAN where one can be tracked');
      const same = await offerOn(world, 7);
      checkTaken(same, 'another neighbor on the VLAN that is tracked');
      checkTaken(await offerOn(world, 0), 'a neighbor without a VLAN while no entry is left');
      await takeTreeBack(world, first);
      checkRefused(await offerOn(world, 8), [NDIS_STATUS_OFFLOAD_VLAN_ENTRIES], 'a neighbor on a second VLAN while one of two on the first is left');
      await takeTreeBack(world, same);
      checkTaken(await offerOn(world, 8), 'a neighbor on a VLAN that there is an entry for again');
    },
  },
  {
    id: 'target-vlan-mismatch',
    title: 'On an interface configured for VLANs, a neighbor on another is refused with VLAN_MISMATCH, and no other is',
    rules: ['CHIM-VLAN-003', 'CHIM-VLAN-002'],
    requirement: 'C-NDIS-VLAN',
    requires: ['interface-vlans'],
    wishes: { interfaceVlanIds: [5, 7] },
    run: async (world) => {
      for (const vlanId of [0, 7, 5]) checkTaken(await offerOn(world, vlanId), `a neighbor on VLAN ${vlanId} of an interface on 5 and 7`);
      checkRefused(await offerOn(world, 9), [NDIS_STATUS_OFFLOAD_VLAN_MISMATCH], 'a neighbor on VLAN 9 of an interface on 5 and 7');
    },
  },
  {
    id: 'target-vlan-mismatch-one',
    title: 'On an interface configured for one VLAN, a neighbor on another is refused with VLAN_MISMATCH',
    rules: ['CHIM-VLAN-003', 'CHIM-VLAN-002'],
    requirement: 'C-NDIS-VLAN',
    requires: ['interface-vlans'],
    wishes: { interfaceVlanIds: [5] },
    run: async (world) => {
      for (const vlanId of [5, 0]) checkTaken(await offerOn(world, vlanId), `a neighbor on VLAN ${vlanId} of an interface on 5`);
      checkRefused(await offerOn(world, 9), [NDIS_STATUS_OFFLOAD_VLAN_MISMATCH], 'a neighbor on VLAN 9 of an interface on 5');
    },
  },
  {
    id: 'target-vlan-interface-zero',
    title: 'On an interface configured for VLAN 0, a neighbor on any VLAN is offloaded',
    rules: ['CHIM-VLAN-002'],
    requirement: 'C-NDIS-VLAN',
    requires: ['interface-vlans'],
    wishes: { interfaceVlanIds: [0] },
    run: async (world) => {
      for (const vlanId of [9, 0]) checkTaken(await offerOn(world, vlanId), `a neighbor on VLAN ${vlanId} of an interface on VLAN 0`);
    },
  },
  {
    id: 'target-vlan-entries-of-interface',
    title: 'A VLAN of the interface that there is no entry for is refused with VLAN_ENTRIES, not for a mismatch',
    rules: ['CHIM-VLAN-001', 'CHIM-VLAN-003'],
    requirement: 'C-NDIS-VLAN',
    requires: ['interface-vlans', 'vlan-capacity'],
    wishes: { interfaceVlanIds: [5, 7], vlanCapacity: 1 },
    run: async (world) => {
      checkTaken(await offerOn(world, 5), 'a neighbor on VLAN 5 of an interface on 5 and 7');
      checkRefused(await offerOn(world, 7), [NDIS_STATUS_OFFLOAD_VLAN_ENTRIES], 'a neighbor on VLAN 7 where one VLAN can be tracked');
    },
  },
];
