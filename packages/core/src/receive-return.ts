import { DDI_CROSSING, NDIS_STATUS_SUCCESS, formatNdisStatus, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';

import { continueClose } from './binding-life-cycle.ts';
import type { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import { retag, untagReturn } from './source-tags.ts';

const CROSSING = DDI_CROSSING.offloadTcpReceiveReturn;

/** `NdisOffloadTcpReceiveReturn`: indicated NBLs that were kept go back down, at once. */
export function returnIndicated(binding: Binding, list: NetBufferList): void {
  if ((binding.gate & GATE.blocked) !== 0) throw binding.refuseChimney(CROSSING.call);
  const count = untagReturn(binding, list, CROSSING.call);
  if (binding.observer !== null) {
    try {
      binding.observer.enter(CROSSING, binding, list, count, 0);
    } catch (error) {
      retag(list, count, binding.lower);
      throw error;
    }
  }
  handBack(binding, list, count);
}

/** As {@link returnIndicated} for one NBL, in place of the driver above, unless it has returned it by now. */
export function returnAnyway(binding: Binding, netBufferList: NetBufferList): void {
  if (netBufferList.sourceHandle !== binding.lower) return;
  netBufferList.sourceHandle = null;
  if (binding.observer !== null) binding.observer.enterAnyway(CROSSING, binding, netBufferList, 1, 0);
  handBack(binding, netBufferList, 1);
}

function handBack(binding: Binding, list: NetBufferList, count: number): void {
  const { ndis, lower } = binding;
  binding.indicatedNbls -= count;
  let status: NDIS_STATUS = NDIS_STATUS_SUCCESS;
  try {
    status = binding.providerTcp.miniportTcpOffloadReceiveReturn(binding.adapterContext, list);
  } catch (error) {
    ndis.reportEscaped(lower.registration.name, CROSSING.entry, error, [list]);
  }
  if (status !== NDIS_STATUS_SUCCESS) {
    ndis.accuse('CHIM-RET-001', lower.registration.name, `${CROSSING.entry} returned ${formatNdisStatus(status)}, not NDIS_STATUS_SUCCESS`, [list]);
  }
  if (binding.observer !== null) binding.observer.leave(CROSSING, binding, list, status, 0);
  if (binding.whenClosed !== null) continueClose(binding);
}
