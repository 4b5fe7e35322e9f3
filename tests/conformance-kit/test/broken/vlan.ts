import { NDIS_STATUS_FAILURE, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, type NDIS_STATUS, type NeighborOffloadState } from '@ndis-chimney/types';
import { blocksOf } from '@ndis-chimney/conformance/probes';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { changingBlocks, completing, layerOf } from './tree-taps.ts';

/** Refuses trees whose neighbor is on a VLAN that this is true of. */
function refusing(status: NDIS_STATUS, which: (vlanId: number) => boolean): Broken['taps'] {
  return () =>
    completing('initiate', (next, tree) => {
      const vlanId = (tree.state as NeighborOffloadState | null)?.const?.vlanId;
      if (vlanId !== undefined && which(vlanId)) {
        for (const block of blocksOf(tree)) {
          block.status = block === tree ? status : NDIS_STATUS_FAILURE;
          if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
        }
      }
      next(tree);
    });
}

/** Says something else of neighbors that are refused. */
function saying(from: NDIS_STATUS, to: NDIS_STATUS): Broken['taps'] {
  return () =>
    changingBlocks('initiate', (block) => {
      if (block.status === from) block.status = to;
    });
}

export const brokenVlan: readonly Broken[] = [
  { does: 'has no VLANs', fails: 'target-vlan-least', says: /neighbor on VLAN 4094/, taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, (vlanId) => vlanId !== 0) },
  { does: 'offloads neighbors with a VLAN alone', fails: 'target-vlan-least', says: /neighbor on VLAN 0/, taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, (vlanId) => vlanId === 0) },
  {
    does: 'forgets the upper bits of a VLAN',
    fails: 'target-vlan-least',
    says: /the VLAN of a neighbor/,
    taps: () =>
      changingBlocks('query', (block) => {
        const constant = layerOf(block) === 'neighbor' ? (block.state as NeighborOffloadState | null)?.const : null;
        if (constant != null) constant.vlanId &= 0xFF;
      }),
  },
  {
    does: 'refuses for want of a VLAN entry without saying so',
    fails: 'target-vlan-entries',
    says: /second VLAN where one can be tracked/,
    taps: saying(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_FAILURE),
    subject: sinkSubject,
  },
  {
    does: 'takes VLANs that it has no entry for',
    fails: 'target-vlan-entries',
    says: /second VLAN where one can be tracked/,
    taps: () => ({
      miniportInitiateOffload: (next, context, tree) => {
        const constant = (tree.state as NeighborOffloadState | null)?.const;
        if (constant != null) constant.vlanId = 0;
        next(context, tree);
      },
    }),
    subject: sinkSubject,
  },
  {
    does: 'refuses neighbors without a VLAN when no entry is left',
    fails: 'target-vlan-entries',
    says: /without a VLAN while no entry is left/,
    taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, (vlanId) => vlanId === 0),
    subject: sinkSubject,
  },
  {
    does: 'keeps the entry of a VLAN whose neighbors have gone back',
    fails: 'target-vlan-entries',
    says: /VLAN that there is an entry for again/,
    taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, (vlanId) => vlanId === 8),
    subject: sinkSubject,
  },
  {
    does: 'says that there is no entry for a VLAN that does not match',
    fails: 'target-vlan-mismatch',
    says: /neighbor on VLAN 9 of an interface on 5 and 7/,
    taps: saying(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES),
    subject: sinkSubject,
  },
  {
    does: 'refuses neighbors without a VLAN on an interface with some',
    fails: 'target-vlan-mismatch',
    says: /neighbor on VLAN 0 of an interface on 5 and 7/,
    taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, (vlanId) => vlanId === 0),
    subject: sinkSubject,
  },
  {
    does: 'offloads neighbors on the VLAN of the interface alone',
    fails: 'target-vlan-mismatch-one',
    says: /neighbor on VLAN 0 of an interface on 5/,
    taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, (vlanId) => vlanId === 0),
    subject: sinkSubject,
  },
  {
    does: 'takes VLAN 0 of an interface for a VLAN that has to match',
    fails: 'target-vlan-interface-zero',
    says: /neighbor on VLAN 9 of an interface on VLAN 0/,
    taps: refusing(NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, (vlanId) => vlanId !== 0),
    subject: sinkSubject,
  },
  {
    does: 'says that a VLAN of the interface does not match when it has no entry for it',
    fails: 'target-vlan-entries-of-interface',
    says: /neighbor on VLAN 7 where one VLAN can be tracked/,
    taps: saying(NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH),
    subject: sinkSubject,
  },
];
