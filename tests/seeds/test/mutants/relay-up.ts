import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_SUCCESS, type NetBufferList, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

class KeepsFailedSends extends PassThroughDriver {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    if (netBufferList.status === NDIS_STATUS_SUCCESS) super.protocolTcpOffloadSendComplete(adapter, netBufferList);
  }
}

class KeepsFailedTerminates extends PassThroughDriver {
  override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    if (offloadBlockList.status === NDIS_STATUS_SUCCESS) super.protocolTerminateOffloadComplete(adapter, offloadBlockList);
  }
}

class KeepsFailedDisconnects extends PassThroughDriver {
  override protocolTcpOffloadDisconnectComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList?.status === NDIS_STATUS_SUCCESS) super.protocolTcpOffloadDisconnectComplete(adapter, netBufferList);
  }
}

export const relayUp: readonly Mutant[] = [
  {
    group: 'SND-IM-COMPLETES',
    party: 'an intermediate driver',
    does: 'passes on only the sends that succeeded',
    createFaults: () => ({ createIntermediate: (ndis, options) => new KeepsFailedSends(ndis, options) }),
  },
  {
    group: 'TRM-IM-COMPLETES',
    party: 'an intermediate driver',
    does: 'passes on only the terminates that succeeded',
    createFaults: () => ({ createIntermediate: (ndis, options) => new KeepsFailedTerminates(ndis, options) }),
  },
  {
    group: 'DSC-IM-COMPLETES',
    party: 'an intermediate driver',
    does: 'passes on only the disconnects that succeeded',
    createFaults: () => ({ createIntermediate: (ndis, options) => new KeepsFailedDisconnects(ndis, options) }),
  },
];
