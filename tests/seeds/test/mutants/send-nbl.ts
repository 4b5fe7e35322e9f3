import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { link, membersOf } from '@ndis-chimney/kit';
import type { NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Takes a completed list apart. */
class CompletesOneByOne extends PassThroughDriver {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    for (const nbl of membersOf(netBufferList)) {
      nbl.next = null;
      super.protocolTcpOffloadSendComplete(adapter, nbl);
    }
  }
}

export const sendNbl: readonly Mutant[] = [
  {
    group: 'SND-NBL',
    party: 'NDIS',
    does: 'delivers a list of completed sends in reverse',
    createFaults: () => ({
      clientTcp: (next) => ({
        protocolTcpOffloadSendComplete(context, list) {
          next.protocolTcpOffloadSendComplete(context, link(membersOf(list).reverse()));
        },
      }),
    }),
  },
  {
    group: 'SND-NBL',
    party: 'an intermediate driver',
    does: 'passes a list of completed sends on member by member',
    createFaults: () => ({ createIntermediate: (ndis, options) => new CompletesOneByOne(ndis, options) }),
  },
];
