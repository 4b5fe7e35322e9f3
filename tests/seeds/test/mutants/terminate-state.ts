import { blocksOf } from '@ndis-chimney/kit';

import type { Mutant } from '../mutant.ts';

export const terminateState: readonly Mutant[] = [
  {
    group: 'TRM-STATE',
    party: 'NDIS',
    does: 'reports every block as it reports the root',
    createFaults: () => ({
      clientGeneric: (next) => ({
        protocolTerminateOffloadComplete(context, tree) {
          for (const block of blocksOf(tree)) block.status = tree.status;
          next.protocolTerminateOffloadComplete(context, tree);
        },
      }),
    }),
  },
];
