import { NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, type NeighborOffloadState } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { BlockPicture } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isTargets, statusOf } from '../judge/trees.ts';

/** VLAN of a new neighbor; null for everything else. */
function vlanOf({ role, layer, state }: BlockPicture): number | null {
  return role === 'new' && layer === 'neighbor' ? ((state as NeighborOffloadState | null)?.const?.vlanId ?? null) : null;
}

/** Runs a check for every new neighbor that a target has decided on. */
function watchNeighbors(check: (picture: BlockPicture, vlanId: number, lower: string) => void): ReturnType<NonNullable<Rule['watch']>> {
  return {
    treeUp: (tree) => {
      if (tree.operation !== 'initiate' || !isTargets(tree)) return;
      for (const picture of tree.blocks) {
        const vlanId = vlanOf(picture);
        if (vlanId !== null) check(picture, vlanId, tree.edge.lower);
      }
    },
  };
}

/** A neighbor of an adapter that has a VLAN of its own, other than this one. */
function otherTagged({ edges }: Watch, { object, block }: BlockPicture): ObjectRecord | null {
  const adapterName = object?.edge.binding.adapterName;
  for (const edge of edges) {
    if (edge.binding.adapterName !== adapterName) continue;
    for (const other of edge.objects.values()) {
      if (other.layer === 'neighbor' && other !== object && other.handle !== block.offloadHandle && other.supplied?.constant.get('vlanId') !== 0) return other;
    }
  }
  return null;
}

export const vlanRules: readonly Rule[] = [
  {
    id: 'CHIM-VLAN-001',
    actors: ['target'],
    severity: 'error',
    page: 'determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md',
    holds: 'A neighbor whose VLAN a target cannot track for lack of entries fails with OFFLOAD_VLAN_ENTRIES.',
    why: 'The host tries again when another neighbor has gone, and not before.',
    cause: 'Look at the order in which a target looks for room.',
    example: 'The table of VLANs is full, and a neighbor with another VLAN fails with FAILURE.',
    observed: ['up', 'memory'],
    decidedBy: 'nobody',
    missing: 'How many VLANs a target can track, and why it refused a neighbor, does not cross an edge.',
  },
  {
    id: 'CHIM-VLAN-002',
    actors: ['target'],
    severity: 'error',
    page: 'determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md',
    holds: 'A neighbor without a VLAN of its own never fails for its VLAN, and neither does one whose VLAN the interface has, or that is on an interface without one, while there is room.',
    why: 'It uses whatever the interface is configured with.',
    cause: 'Look for a VLAN of 0 that is looked up like another.',
    example: 'A neighbor with VlanId 0 fails with OFFLOAD_VLAN_MISMATCH.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    missing: 'With which VLANs an interface is configured does not cross an edge: of the three cases only that of VlanId 0 is looked at.',
    watch: ({ broken }) =>
      watchNeighbors((picture, vlanId, lower) => {
        const { block } = picture;
        const isForVlan = block.status === NDIS_STATUS_OFFLOAD_VLAN_ENTRIES || block.status === NDIS_STATUS_OFFLOAD_VLAN_MISMATCH;
        if (vlanId === 0 && isForVlan) broken(lower, `completes ${statusOf(picture)}, whose VlanId is 0`, block);
      }),
  },
  {
    id: 'CHIM-VLAN-003',
    actors: ['target'],
    severity: 'error',
    page: 'determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md',
    holds: 'A neighbor with a VLAN that is none of those of its interface, where it has some, fails with OFFLOAD_VLAN_MISMATCH.',
    why: 'The interface may not send frames of that VLAN.',
    cause: 'Look at how the VLANs of the interface reach the target.',
    example: 'On an interface of VLAN 5 a neighbor of VLAN 6 is offloaded.',
    observed: ['up', 'memory'],
    decidedBy: 'nobody',
    missing: 'With which VLANs an interface is configured does not cross an edge.',
  },
  {
    id: 'CHIM-VLAN-004',
    actors: ['target'],
    severity: 'error',
    page: 'sending-802-1q-marked-and-802-1p-marked-packets-on-an-offloaded-tcp-co.md',
    holds: 'Frames carry the tag that VlanId and UserPriority make, with CFI 0; without 802.1p the priority counts as 0.',
    why: 'Switches sort frames by it.',
    cause: 'Look at how the tag is put together.',
    example: 'A frame of a neighbor with VlanId 5 has no tag.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Tags are seen on the wire only.',
  },
  {
    id: 'CHIM-VLAN-005',
    actors: ['target'],
    severity: 'error',
    page: 'receiving-802-1q-marked-and-802-1p-marked-packets-on-an-offloaded-tcp-.md',
    holds: 'With a VlanId only frames with that tag are accepted; with VlanId 0 none is dropped for its tag.',
    why: 'A frame of another VLAN may be of another connection with the same addresses.',
    cause: 'Look at what the lookup of a connection is keyed by.',
    example: 'A frame of VLAN 6 is taken for a connection of VLAN 5.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Frames are seen on the wire only.',
  },
  {
    id: 'CHIM-VLAN-006',
    actors: ['target'],
    severity: 'error',
    page: '802-1q-and-802-1p-processing-on-an-offloaded-tcp-connection.md',
    holds: 'A target supports no tag and at least one VLAN per interface.',
    why: 'A host that uses one VLAN cannot know beforehand that it will not be offloaded.',
    cause: 'Look for a target with no entries for VLANs.',
    example: 'The only neighbor with a VLAN fails with OFFLOAD_VLAN_ENTRIES.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: (watch) =>
      watchNeighbors((picture, vlanId, lower) => {
        const { block } = picture;
        if (vlanId === 0 || block.status !== NDIS_STATUS_OFFLOAD_VLAN_ENTRIES || otherTagged(watch, picture) !== null) return;
        watch.broken(lower, `completes ${statusOf(picture)}, the only neighbor with a VLAN`, block);
      }),
  },
];
