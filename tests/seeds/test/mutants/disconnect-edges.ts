import type { OffloadEntry, PassThroughAdapter } from '@ndis-chimney/intermediate';
import type { NDIS_STATUS, NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import { MuxDriver } from '../world/mux-driver.ts';

/** Completes as if the first interface were the only one. */
class CompletesOnFirst extends MuxDriver {
  override protocolTcpOffloadDisconnectComplete(first: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList === null) return;
    this.sends.pop(netBufferList);
    first.handlers.tcpOffloadDisconnectComplete(netBufferList);
  }
}

/** Remembers who made a request in itself, not in the request. */
class CompletesOnLatest extends MuxDriver {
  private latest: PassThroughAdapter | null = null;

  override miniportTcpOffloadDisconnect(adapter: PassThroughAdapter, entry: OffloadEntry<PassThroughAdapter>, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    this.latest = adapter;
    return super.miniportTcpOffloadDisconnect(adapter, entry, netBufferList, flags);
  }

  override protocolTcpOffloadDisconnectComplete(first: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList === null) return;
    this.sends.pop(netBufferList);
    (this.latest ?? first).handlers.tcpOffloadDisconnectComplete(netBufferList);
  }
}

export const disconnectEdges: readonly Mutant[] = [
  {
    group: 'DSC-EDGES',
    party: 'an intermediate driver',
    does: 'gives every disconnect to its first interface',
    createFaults: () => ({ createMux: (ndis, options) => new CompletesOnFirst(ndis, options) }),
  },
  {
    group: 'DSC-EDGES',
    party: 'an intermediate driver',
    does: 'gives every disconnect to the interface that made the latest one',
    createFaults: () => ({ createMux: (ndis, options) => new CompletesOnLatest(ndis, options) }),
  },
];
