import type { Ndis } from '@ndis-chimney/core';
import { ProbeHost, type ProbeBinding } from '@ndis-chimney/kit';
import { TCP_DISCONNECT_GRACEFUL_CLOSE, type NetBufferList, type NetBufferListContextPool, type OffloadHandle } from '@ndis-chimney/types';

/** A probe host that keeps a context of its own with every disconnect, and frees it as the page asks. */
export class SeedHost extends ProbeHost {
  private readonly contexts: NetBufferListContextPool;

  constructor(ndis: Ndis) {
    super(ndis, { name: 'host' });
    this.contexts = ndis.allocateNetBufferListContextPool(this);
  }

  override disconnect(connection: OffloadHandle, flags: number = TCP_DISCONNECT_GRACEFUL_CLOSE): NetBufferList {
    const nbl = this.list(0);
    this.contexts.allocateNetBufferListContext(nbl);
    connection.binding.offloadTcpDisconnect(connection, nbl, flags);
    return nbl;
  }

  override protocolTcpOffloadDisconnectComplete(context: ProbeBinding, netBufferList: NetBufferList | null): void {
    super.protocolTcpOffloadDisconnectComplete(context, netBufferList);
    if (netBufferList !== null) this.release(netBufferList);
  }

  /** Frees the context of a disconnect. */
  protected release(netBufferList: NetBufferList): void {
    this.contexts.freeNetBufferListContext(netBufferList);
  }
}
