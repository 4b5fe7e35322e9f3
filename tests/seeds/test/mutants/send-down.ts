import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { link, membersOf } from '@ndis-chimney/kit';
import { NDIS_STATUS_PENDING, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Takes a list apart. */
class SendsOneByOne extends PassThroughDriver {
  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: OffloadEntry<PassThroughAdapter>, netBufferList: NetBufferList): NDIS_STATUS {
    for (const nbl of membersOf(netBufferList)) {
      nbl.next = null;
      super.miniportTcpOffloadSend(adapter, entry, nbl);
    }
    return NDIS_STATUS_PENDING;
  }
}

export const sendDown: readonly Mutant[] = [
  {
    group: 'SND-DOWN',
    party: 'an intermediate driver',
    does: 'passes a list of sends down member by member',
    createFaults: () => ({ createIntermediate: (ndis, options) => new SendsOneByOne(ndis, options) }),
  },
  {
    group: 'SND-DOWN',
    party: 'NDIS',
    does: 'hands a list of sends down in reverse',
    createFaults: () => ({
      providerTcp: (next) => ({
        miniportTcpOffloadSend(adapterContext, offloadContext, list) {
          return next.miniportTcpOffloadSend(adapterContext, offloadContext, link(membersOf(list).reverse()));
        },
      }),
    }),
  },
];
