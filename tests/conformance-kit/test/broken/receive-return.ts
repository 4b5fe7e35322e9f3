import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { reusesMemory } from './receive-indication.ts';

export const brokenReceiveReturn: readonly Broken[] = [
  {
    does: 'refuses to take indicated NBLs back',
    fails: 'target-return-mixed',
    says: /CHIM-RET-001/,
    taps: () => ({
      miniportTcpOffloadReceiveReturn: (next, ...args) => {
        next(...args);
        return NDIS_STATUS_FAILURE;
      },
    }),
  },
  {
    does: 'takes the first NBL of a list back and forgets the others',
    fails: 'target-return-mixed',
    says: /did not come|are left/,
    taps: () => ({
      miniportTcpOffloadReceiveReturn: (next, adapter, list) => {
        list.next = null;
        return next(adapter, list);
      },
    }),
  },
  {
    does: 'uses the memory of BufferedData again before it has it back',
    fails: 'target-return-buffered-data',
    says: /BufferedData that the host has kept for a while/,
    taps: reusesMemory,
  },
  {
    does: 'is paused while something that it indicated is out',
    fails: 'target-return-before-halt',
    says: /the adapter was paused while an indicated NBL was out/,
    taps: () => ({
      miniportPause: (next, ...args) => {
        next(...args);
        return NDIS_STATUS_SUCCESS;
      },
      pauseComplete: () => undefined,
    }),
  },
];
