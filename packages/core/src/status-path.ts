import {
  DDI_CROSSING,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NdisTcpConnectionOffload,
  type NdisStatusIndication,
} from '@ndis-chimney/types';

import { GATE } from './gate.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { describeValue } from './source-tags.ts';

/** `NdisMIndicateStatusEx`: to every binding of the adapter. The indication is valid during the calls. */
export function indicateStatus(adapter: MiniportAdapter, indication: NdisStatusIndication): void {
  const crossing = DDI_CROSSING.indicateStatusEx;
  const { ndis, registration } = adapter;
  if (typeof indication !== 'object' || indication === null) {
    throw new TypeError(`${crossing.call} (called by ${registration.name}): statusIndication is ${describeValue(indication)}, not an NDIS_STATUS_INDICATION`);
  }
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

/**
 * Two indications carry new capabilities; NDIS answers later queries from them (`ns-ntddndis-_ndis_tcp_connection_offload.md`).
 * The structure is valid during the indication, so NDIS keeps a copy.
 */
function refreshCapabilities(adapter: MiniportAdapter, { statusCode, statusBuffer }: NdisStatusIndication): void {
  if (!isConnectionOffload(statusBuffer)) return;
  if (statusCode === NDIS_STATUS_OFFLOAD_RESUME) adapter.configuredOffload = new NdisTcpConnectionOffload().copyFrom(statusBuffer);
  else if (statusCode === NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES) adapter.hardwareOffload = new NdisTcpConnectionOffload().copyFrom(statusBuffer);
}

function isConnectionOffload(value: unknown): value is NdisTcpConnectionOffload {
  return typeof value === 'object' && value !== null && 'tcpConnectionOffloadCapacity' in value && 'header' in value;
}
