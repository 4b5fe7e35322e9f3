import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { blocksOf } from '@ndis-chimney/kit';
import type { ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Leaves in ImReserved[1] what it kept there while the tree was below. */
class LeavesImReserved extends PassThroughDriver {
  override protocolTerminateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    const kept = blocksOf(offloadBlockList).map(({ imReserved1 }) => imReserved1);
    const { tree, upperEdge } = this.blocks.up('terminate', offloadBlockList);
    blocksOf(tree).forEach((block, at) => {
      block.imReserved1 = kept[at];
    });
    upperEdge.miniport.terminateOffloadComplete(tree);
    this.waiting.retry();
  }
}

export const terminateRelayBlock: readonly Mutant[] = [
  {
    group: 'TRM-IM-BLOCK',
    party: 'an intermediate driver',
    does: 'does not restore ImReserved[1]',
    createFaults: () => ({ createIntermediate: (ndis, options) => new LeavesImReserved(ndis, options) }),
  },
];
