import { DDI_CROSSING, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type DdiCrossing, type NetBufferList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { retag, splitByBinding, type CompletionGroup } from './source-tags.ts';

/**
 * Completes a list to the driver above; every NBL of it was passed down on `binding`, and its tag is cleared. When an
 * observer stops it, the list is the caller's as it was.
 * @param detail flags of an ordinary send completion, otherwise 0.
 */
export function deliver(binding: Binding, list: NetBufferList, count: number, crossing: DdiCrossing, detail: number): void {
  const { observer } = binding;
  if (observer !== null) {
    try {
      observer.enter(crossing, binding, list, count, detail);
    } catch (error) {
      retag(list, count, binding);
      binding.outstandingNbls += count;
      throw error;
    }
  }
  callUp(binding, list, crossing, detail);
  if (observer !== null) observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, detail);
}

/** As {@link deliver}, for a completion that NDIS itself owes: nobody can stop it. */
export function deliverAnyway(binding: Binding, list: NetBufferList, count: number, crossing: DdiCrossing): void {
  const { observer } = binding;
  if (observer !== null) observer.enterAnyway(crossing, binding, list, count, 0);
  callUp(binding, list, crossing, 0);
  if (observer !== null) observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, 0);
}

/**
 * A completion list that mixes bindings becomes one call per binding. All of them are shown to observers before the
 * first is made, so that when one is stopped none has happened.
 */
export function deliverMixed(list: NetBufferList, crossing: DdiCrossing, detail: number): void {
  const order = sourcesOf(list);
  const groups = splitByBinding(list);
  const shown: CompletionGroup[] = [];
  for (const group of groups) {
    const { binding, head, count } = group;
    try {
      binding.observer?.enter(crossing, binding, head, count, detail);
      shown.push(group);
    } catch (error) {
      for (const one of shown.reverse()) one.binding.observer?.leave(crossing, one.binding, one.head, NDIS_STATUS_FAILURE, detail);
      rejoin(order);
      throw error;
    }
  }
  for (const { binding, head } of groups) {
    callUp(binding, head, crossing, detail);
    binding.observer?.leave(crossing, binding, head, NDIS_STATUS_SUCCESS, detail);
  }
}

interface TaggedMember {
  readonly nbl: NetBufferList;
  readonly binding: Binding;
}

function sourcesOf(list: NetBufferList): TaggedMember[] {
  const members: TaggedMember[] = [];
  for (let nbl: NetBufferList | null = list; nbl != null; nbl = nbl.next) members.push({ nbl, binding: nbl.sourceHandle as Binding });
  return members;
}

/** Makes a list that was split what it was. */
function rejoin(members: readonly TaggedMember[]): void {
  members.forEach(({ nbl, binding }, index) => {
    nbl.sourceHandle = binding;
    nbl.next = members[index + 1]?.nbl ?? null;
    binding.outstandingNbls++;
  });
}

/** Calls the driver above; what it throws is reported against it. */
export function callUp(binding: Binding, list: NetBufferList, crossing: DdiCrossing, detail: number): void {
  const { clientTcp, protocolBindingContext, upper } = binding;
  try {
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
      case DDI_CROSSING.tcpOffloadDisconnectComplete:
        clientTcp.protocolTcpOffloadDisconnectComplete(protocolBindingContext, list);
        break;
      default:
        upper.driver.protocolSendNetBufferListsComplete(protocolBindingContext as never, list, detail);
    }
  } catch (error) {
    binding.ndis.reportEscaped(upper.name, crossing.entry, error, [list]);
  }
}
