import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { blocksOf, siblings } from '@ndis-chimney/kit';
import type { ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Turns the order of the dependents of every block around. */
function turnAround(tree: ProtocolOffloadBlockList): void {
  for (const block of blocksOf(tree)) {
    const dependents: ProtocolOffloadBlockList[] = [];
    for (let dependent = block.dependentBlockList; dependent !== null; dependent = dependent.nextBlock) dependents.push(dependent);
    block.dependentBlockList = siblings(...dependents.reverse());
  }
}

class TurnsTreesAround extends PassThroughDriver {
  override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    turnAround(offloadBlockList);
    super.protocolTerminateOffloadComplete(adapter, offloadBlockList);
  }
}

export const terminateRoot: readonly Mutant[] = [
  {
    group: 'TRM-ROOT',
    party: 'an intermediate driver',
    does: 'gives the blocks of a terminated tree back in another order',
    createFaults: () => ({ createIntermediate: (ndis, options) => new TurnsTreesAround(ndis, options) }),
  },
  {
    group: 'TRM-ROOT',
    party: 'NDIS',
    does: 'delivers the blocks of a terminated tree in another order',
    createFaults: () => ({
      clientGeneric: (next) => ({
        protocolTerminateOffloadComplete(context, tree) {
          turnAround(tree);
          next.protocolTerminateOffloadComplete(context, tree);
        },
      }),
    }),
  },
];
