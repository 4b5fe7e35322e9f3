import { DDI_CROSSING, NDIS_STATUS_FAILURE, type DdiCrossing, type NetBufferList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';

const COMPLETION_OF: ReadonlyMap<DdiCrossing, DdiCrossing> = new Map([
  [DDI_CROSSING.offloadTcpSend, DDI_CROSSING.tcpOffloadSendComplete],
  [DDI_CROSSING.offloadTcpReceive, DDI_CROSSING.tcpOffloadReceiveComplete],
  [DDI_CROSSING.offloadTcpForward, DDI_CROSSING.tcpOffloadForwardComplete],
  [DDI_CROSSING.offloadTcpDisconnect, DDI_CROSSING.tcpOffloadDisconnectComplete],
]);

/**
 * The driver below threw while it was being handed a list. It is told, and what it did not hand on is taken back and
 * completed with NDIS_STATUS_FAILURE, so that the driver above, which did nothing wrong, does not wait for ever.
 */
export function takeBackList(binding: Binding, list: NetBufferList, crossing: DdiCrossing, error: unknown): void {
  const { ndis, lower } = binding;
  ndis.reportEscaped(lower.registration.name, crossing.entry, error, [list]);
  const completion = COMPLETION_OF.get(crossing) as DdiCrossing;
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    const next: NetBufferList | null = nbl.next;
    // Tagged by another binding it is further down already, and will be completed from there. A list that the driver
    // bent into a loop ends where it was cut.
    if (nbl.sourceHandle === binding) {
      while (nbl.context?.owner === lower.driver) nbl.context = nbl.context.next;
      nbl.status = NDIS_STATUS_FAILURE;
      nbl.tcpOffloadBytesTransferred = 0;
      nbl.next = null;
      ndis.completeLater(lower, nbl, completion);
    }
    nbl = next;
  }
}
