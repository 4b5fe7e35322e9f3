import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import type { NDIS_STATUS, NdisMiniport, NdisMiniportInitParameters, NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Keeps the instance that came up last. */
class RemembersOneInstance extends PassThroughDriver {
  protected instance: PassThroughAdapter | null = null;

  override miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    this.instance = initParameters.imDeviceInstanceContext as PassThroughAdapter;
    return super.miniportInitializeEx(ndisMiniportHandle, initParameters);
  }
}

class OneTableForSends extends RemembersOneInstance {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    super.protocolTcpOffloadSendComplete(this.instance ?? adapter, netBufferList);
  }
}

class OneTableForDisconnects extends RemembersOneInstance {
  override protocolTcpOffloadDisconnectComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    super.protocolTcpOffloadDisconnectComplete(this.instance ?? adapter, netBufferList);
  }
}

export const relayIdentity: readonly Mutant[] = [
  {
    group: 'SND-IM-IDENTITY',
    party: 'an intermediate driver',
    does: 'completes the sends of all its instances with the handler table of the last one',
    createFaults: () => ({ createIntermediate: (ndis, options) => new OneTableForSends(ndis, options) }),
  },
  {
    group: 'DSC-IM-IDENTITY',
    party: 'an intermediate driver',
    does: 'completes the disconnects of all its instances with the handler table of the last one',
    createFaults: () => ({ createIntermediate: (ndis, options) => new OneTableForDisconnects(ndis, options) }),
  },
];
