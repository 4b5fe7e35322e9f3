import {
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NdisObjectHeader,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type NetBufferListContextPool,
  type NetBufferListSource,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { MiniportRegistration } from './registration.ts';

/**
 * The six entry points for all adapters of a driver: what `NdisMGetOffloadHandlers` gives in `miniportSetOptions`. Each
 * call finds the adapter from the connection or the first NBL, and goes on there; whatever is wrong is found there too.
 */
export class DriverOffloadHandlers implements NdisTcpOffloadEventHandlers {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
    NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
    NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  );
  private readonly registration: MiniportRegistration;

  constructor(registration: MiniportRegistration) {
    this.registration = registration;
  }

  tcpOffloadEventHandler(ndisOffloadHandle: OffloadHandle, eventType: number, eventSpecificInformation: number): void {
    this.adapterOf(bindingOf(ndisOffloadHandle)).tcpOffloadEventHandler(ndisOffloadHandle, eventType, eventSpecificInformation);
  }

  tcpOffloadReceiveHandler(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    return this.adapterOf(bindingOf(ndisOffloadHandle)).tcpOffloadReceiveHandler(ndisOffloadHandle, netBufferList, status, bytesConsumed);
  }

  tcpOffloadSendComplete(netBufferList: NetBufferList): void {
    this.adapterOf(sourceOf(netBufferList)).tcpOffloadSendComplete(netBufferList);
  }

  tcpOffloadReceiveComplete(netBufferList: NetBufferList): void {
    this.adapterOf(sourceOf(netBufferList)).tcpOffloadReceiveComplete(netBufferList);
  }

  tcpOffloadDisconnectComplete(netBufferList: NetBufferList): void {
    this.adapterOf(sourceOf(netBufferList)).tcpOffloadDisconnectComplete(netBufferList);
  }

  tcpOffloadForwardComplete(netBufferList: NetBufferList): void {
    this.adapterOf(sourceOf(netBufferList)).tcpOffloadForwardComplete(netBufferList);
  }

  relayTcpSendComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void {
    this.adapterOf(savedSourceOf(netBufferList)).relayTcpSendComplete(netBufferList, contexts);
  }

  relayTcpReceiveComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void {
    this.adapterOf(savedSourceOf(netBufferList)).relayTcpReceiveComplete(netBufferList, contexts);
  }

  /** The adapter of this driver below a binding; any of them when it is not one of this driver's, to refuse the call. */
  private adapterOf(source: object | null | undefined): MiniportAdapter {
    const { adapters, name } = this.registration;
    const lower = (source as Partial<Binding> | null | undefined)?.lower;
    const adapter = lower?.registration === this.registration ? lower : adapters[0];
    if (adapter === undefined) throw new TypeError(`driver ${name} called an offload handler, but has no adapter`);
    return adapter;
  }
}

// Callers may be JavaScript: an argument that is not what it should be is refused by the adapter, not here.

function bindingOf(handle: OffloadHandle | null | undefined): object | undefined {
  return handle?.binding;
}

function sourceOf(list: NetBufferList | null | undefined): NetBufferListSource | null | undefined {
  return list?.sourceHandle;
}

/** The source that an intermediate driver has saved in its context. */
function savedSourceOf(list: NetBufferList | null | undefined): NetBufferListSource | null | undefined {
  return list?.context?.sourceHandle;
}
