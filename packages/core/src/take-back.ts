import { DDI_CROSSING, NDIS_STATUS_FAILURE, type DdiCrossing, type NetBufferList, type NetBufferListSource } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { stripContexts } from './pools/context-pool.ts';
import type { SpecialTag } from './source-tags.ts';

const COMPLETION_OF: ReadonlyMap<DdiCrossing, DdiCrossing> = new Map([
  [DDI_CROSSING.offloadTcpSend, DDI_CROSSING.tcpOffloadSendComplete],
  [DDI_CROSSING.offloadTcpReceive, DDI_CROSSING.tcpOffloadReceiveComplete],
  [DDI_CROSSING.offloadTcpForward, DDI_CROSSING.tcpOffloadForwardComplete],
  [DDI_CROSSING.offloadTcpDisconnect, DDI_CROSSING.tcpOffloadDisconnectComplete],
  [DDI_CROSSING.sendNetBufferLists, DDI_CROSSING.sendNetBufferListsComplete],
]);

/** The tag of NBLs that NDIS has taken back from a driver that threw: from then on nobody else can complete them. */
class TakenBack implements SpecialTag {
  readonly tagText: string;

  constructor(driverName: string) {
    this.tagText = `taken back from ${driverName}, which threw`;
  }
}

/**
 * The driver below threw while it was being handed a list. It is told, and what it did not hand on is taken back and
 * completed with NDIS_STATUS_FAILURE, so that the driver above, which did nothing wrong, does not wait for ever.
 */
export function takeBackList(binding: Binding, list: NetBufferList, crossing: DdiCrossing, error: unknown): void {
  const { ndis, lower } = binding;
  ndis.reportEscaped(lower.registration.name, crossing.entry, error, [list]);
  const completion = COMPLETION_OF.get(crossing) as DdiCrossing;
  const tag = new TakenBack(lower.registration.name) as unknown as NetBufferListSource;
  let nbl: NetBufferList | null = list;
  while (nbl != null) {
    const next: NetBufferList | null = nbl.next;
    // Tagged by another binding it is further down already, and will be completed from there. A list that the driver
    // bent into a loop ends where it was cut.
    if (nbl.sourceHandle === binding) {
      stripContexts(nbl, lower.driver);
      nbl.sourceHandle = tag;
      nbl.status = NDIS_STATUS_FAILURE;
      nbl.tcpOffloadBytesTransferred = 0;
      nbl.next = null;
      ndis.completeLater(binding, nbl, completion);
    }
    nbl = next;
  }
}
