import type { TcpOffloadState, TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { changingBlocks, layerOf } from './tree-taps.ts';

const delegatedOf = (block: { readonly state: unknown }): TcpOffloadStateDelegated | null => (block.state as TcpOffloadState | null)?.delegated ?? null;

/** Leaves members of the delegated state as they were, in answer to this. */
const leaving = (operation: 'query' | 'terminate', leave: (delegated: TcpOffloadStateDelegated) => void): Broken['taps'] => () =>
  changingBlocks(operation, (block) => {
    const delegated = layerOf(block) === 'tcp' ? delegatedOf(block) : null;
    if (delegated !== null) leave(delegated);
  });

export const brokenStateStructures: readonly Broken[] = [
  {
    does: 'leaves DupAckCount as it was in a structure it fills',
    fails: 'target-query-used-structures',
    says: /delegated state of a terminate, in a structure that was used before/,
    taps: leaving('terminate', (delegated) => {
      delegated.dupAckCount = 0x55;
    }),
  },
  {
    does: 'answers every second query with what was there',
    fails: 'target-query-used-structures',
    says: /state in structures that were used before/,
    taps: () => {
      let queries = 0;
      return leaving('query', (delegated) => {
        if (++queries > 1) delegated.dWnd = 0x55;
      })({} as never);
    },
  },
];
