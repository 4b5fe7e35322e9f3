import { DDI_CROSSING, NDIS_STATUS_SUCCESS, type DdiCrossing, type NetBufferList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { retag, splitByBinding } from './source-tags.ts';

/** Completes a list to the driver above; every NBL of it was passed down on `binding`, and its tag is cleared. */
export function deliver(binding: Binding, list: NetBufferList, count: number, crossing: DdiCrossing): void {
  const { observer } = binding;
  if (observer !== null) {
    try {
      observer.enter(crossing, binding, list, count, 0);
    } catch (error) {
      retag(list, count, binding);
      binding.outstandingNbls += count;
      throw error;
    }
  }
  try {
    callUp(binding, list, crossing);
  } catch (error) {
    binding.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [list]);
  }
  if (observer !== null) observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, 0);
}

/** A completion list that mixes bindings becomes one call per binding; one that throws does not stop the others. */
export function deliverMixed(list: NetBufferList, crossing: DdiCrossing): void {
  let firstError: unknown = null;
  for (const group of splitByBinding(list)) {
    try {
      deliver(group.binding, group.head, group.count, crossing);
    } catch (error) {
      firstError ??= error;
    }
  }
  if (firstError !== null) throw firstError as Error;
}

function callUp(binding: Binding, list: NetBufferList, crossing: DdiCrossing): void {
  const { clientTcp, protocolBindingContext } = binding;
  switch (crossing) {
    case DDI_CROSSING.tcpOffloadSendComplete:
      clientTcp.protocolTcpOffloadSendComplete(protocolBindingContext, list);
      break;
    case DDI_CROSSING.tcpOffloadReceiveComplete:
      clientTcp.protocolTcpOffloadReceiveComplete(protocolBindingContext, list);
      break;
    case DDI_CROSSING.tcpOffloadForwardComplete:
      clientTcp.protocolTcpOffloadForwardComplete(protocolBindingContext, list);
      break;
    default:
      clientTcp.protocolTcpOffloadDisconnectComplete(protocolBindingContext, list);
  }
}
