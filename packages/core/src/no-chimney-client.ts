import {
  DDI_CROSSING,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type DdiCrossing,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { callUp } from './completion.ts';

/**
 * Stands in for the chimney handlers of a driver that registered none. It never offloaded anything, so whatever comes up
 * here was mistaken by the driver below: ordinary sends that it completes by a chimney function end as what they are.
 */
export class NoChimneyClient implements ClientChimneyOffloadGenericHandlers<unknown>, ClientChimneyOffloadTcpHandlers<unknown, unknown> {
  private readonly binding: Binding;

  constructor(binding: Binding) {
    this.binding = binding;
  }

  protocolTcpOffloadSendComplete(_protocolBindingContext: unknown, netBufferList: NetBufferList): void {
    this.completeOrdinary(netBufferList, DDI_CROSSING.tcpOffloadSendComplete);
  }

  protocolTcpOffloadReceiveComplete(_protocolBindingContext: unknown, netBufferList: NetBufferList): void {
    this.completeOrdinary(netBufferList, DDI_CROSSING.tcpOffloadReceiveComplete);
  }

  protocolTcpOffloadDisconnectComplete(_protocolBindingContext: unknown, netBufferList: NetBufferList): void {
    this.completeOrdinary(netBufferList, DDI_CROSSING.tcpOffloadDisconnectComplete);
  }

  protocolTcpOffloadForwardComplete(_protocolBindingContext: unknown, netBufferList: NetBufferList): void {
    this.completeOrdinary(netBufferList, DDI_CROSSING.tcpOffloadForwardComplete);
  }

  private completeOrdinary(netBufferList: NetBufferList, crossing: DdiCrossing): void {
    const { binding } = this;
    const { ndis, lower, upper } = binding;
    ndis.accuse('CHIM-NBL-001', lower.registration.name, `${crossing.call}: ${upper.name} registered no ${crossing.entry}, and passed the list down by NdisSendNetBufferLists`, [netBufferList]);
    callUp(binding, netBufferList, DDI_CROSSING.sendNetBufferListsComplete, 0);
  }

  // Nothing below is ever reached: there is no object to indicate anything about, and no operation to complete.

  protocolTcpOffloadReceiveIndicate(): NDIS_STATUS {
    return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
  }

  protocolTcpOffloadEvent(): void {
    // See above.
  }

  protocolInitiateOffloadComplete(): void {
    // See above.
  }

  protocolTerminateOffloadComplete(): void {
    // See above.
  }

  protocolUpdateOffloadComplete(): void {
    // See above.
  }

  protocolInvalidateOffloadComplete(): void {
    // See above.
  }

  protocolQueryOffloadComplete(): void {
    // See above.
  }
}
