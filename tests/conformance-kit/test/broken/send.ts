import { link, membersOf } from '@ndis-chimney/conformance/probes';

import type { Broken } from './broken-target.ts';

export const brokenSend: readonly Broken[] = [
  {
    does: 'completes the sends of a list from the last to the first',
    fails: 'target-send-posting-order',
    says: /order of completion/,
    taps: () => ({
      tcpOffloadSendComplete: (next, list) => {
        next(link(membersOf(list).reverse()));
      },
    }),
  },
];
