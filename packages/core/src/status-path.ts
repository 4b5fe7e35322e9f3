import type {
  NdisTcpConnectionOffload} from '@ndis-chimney/types';
import {
  DDI_CROSSING,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  type NdisStatusIndication,
} from '@ndis-chimney/types';

import { GATE } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';

/** `NdisMIndicateStatusEx`: to every binding of the adapter. The indication is valid during the calls. */
export function indicateStatus(adapter: MiniportAdapter, indication: NdisStatusIndication): void {
  const crossing = DDI_CROSSING.indicateStatusEx;
  const { ndis, registration } = adapter;
  if (adapter.state === 'halted') {
    throw ndis.violation('CHIM-LIF-006', registration.name, `${crossing.call}: adapter ${adapter.name} is halted`, [indication]);
  }
  if (indication.sourceHandle !== adapter) {
    throw ndis.violation('CHIM-LIF-006', registration.name, `${crossing.call}: SourceHandle of the indication is not adapter ${adapter.name}`, [indication]);
  }
  refreshCapabilities(adapter, indication);
  // A binding that is opened or closed by one of the handlers does not change who hears of it.
  for (const binding of [...adapter.bindings]) {
    if ((binding.gate & (GATE.closed | GATE.opening)) !== 0) continue;
    if (binding.observer !== null) binding.observer.enter(crossing, binding, indication, 1, indication.statusCode);
    try {
      binding.upper.driver.protocolStatusEx(binding.protocolBindingContext as never, indication);
    } catch (error) {
      ndis.reportEscaped(binding.upper.name, crossing.entry, error, [indication]);
    }
    if (binding.observer !== null) binding.observer.leave(crossing, binding, indication, NDIS_STATUS_SUCCESS, indication.statusCode);
  }
}

/** Two indications carry new capabilities; NDIS answers later queries from them (`ns-ntddndis-_ndis_tcp_connection_offload.md`). */
function refreshCapabilities(adapter: MiniportAdapter, indication: NdisStatusIndication): void {
  const offload = indication.statusBuffer;
  const attributes = adapter.offloadAttributes;
  if (attributes === null || !(isConnectionOffload(offload))) return;
  if (indication.statusCode === NDIS_STATUS_OFFLOAD_RESUME) attributes.defaultTcpConnectionOffloadConfiguration = offload;
  else if (indication.statusCode === NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES) attributes.tcpConnectionOffloadHardwareCapabilities = offload;
}

function isConnectionOffload(value: unknown): value is NdisTcpConnectionOffload {
  return typeof value === 'object' && value !== null && 'tcpConnectionOffloadCapacity' in value;
}
