import { DDI_CROSSING, NDIS_RECEIVE_FLAGS_RESOURCES, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, isNetBufferList, type NetBufferList } from '@ndis-chimney/types';

import { continueClose } from './binding-life-cycle.ts';
import { GATE, type Binding } from './binding.ts';
import { tagObserved } from './data-down.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { mayGoUp, notAList, retag, splitByBinding, tagDownInFull, untagReturn, untagUp } from './source-tags.ts';

/** `NdisSendNetBufferLists`: the ordinary way down, with the tags of the chimney's. */
export function sendOrdinary(binding: Binding, list: NetBufferList, portNumber: number, sendFlags: number): void {
  const crossing = DDI_CROSSING.sendNetBufferLists;
  const { ndis, lower } = binding;
  if ((binding.gate & ~(GATE.blocked | GATE.observed)) !== 0) throw binding.refuseGate(crossing.call);
  if (binding.observer === null) tagDownInFull(binding, list, crossing.call);
  else tagObserved(binding, crossing, list, sendFlags);
  try {
    lower.registration.driver.miniportSendNetBufferLists(binding.adapterContext, list, portNumber, sendFlags);
  } catch (error) {
    ndis.reportEscaped(lower.registration.name, crossing.entry, error, [list]);
    failDropped(binding, list);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, sendFlags);
}

/** What a throwing driver did not hand on is completed at once; the ordinary path knows no upload. */
function failDropped(binding: Binding, list: NetBufferList): void {
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    const next: NetBufferList | null = nbl.next;
    if (nbl.sourceHandle === binding) {
      nbl.next = null;
      nbl.status = NDIS_STATUS_FAILURE;
      while (nbl.context?.owner === binding.lower.driver) nbl.context = nbl.context.next;
      completeOrdinarySend(binding.lower, nbl, 0);
    }
    nbl = next;
  }
}

/** `NdisMSendNetBufferListsComplete`. */
export function completeOrdinarySend(adapter: MiniportAdapter, list: NetBufferList, flags: number): void {
  const binding = untagUp(adapter, list, DDI_CROSSING.sendNetBufferListsComplete.call);
  if (binding !== null) {
    deliverOrdinary(binding, list, binding.crossed, flags);
    return;
  }
  for (const group of splitByBinding(list)) deliverOrdinary(group.binding, group.head, group.count, flags);
}

function deliverOrdinary(binding: Binding, list: NetBufferList, count: number, flags: number): void {
  const crossing = DDI_CROSSING.sendNetBufferListsComplete;
  if (binding.observer !== null) {
    try {
      binding.observer.enter(crossing, binding, list, count, flags);
    } catch (error) {
      retag(list, count, binding);
      binding.outstandingNbls += count;
      throw error;
    }
  }
  try {
    binding.upper.driver.protocolSendNetBufferListsComplete(binding.protocolBindingContext as never, list, flags);
  } catch (error) {
    binding.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [list]);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, flags);
}

/**
 * `NdisMIndicateReceiveNetBufferLists`. With several bindings all but the last get to see the list for the time of the
 * call; the last may keep it.
 */
export function indicateOrdinary(adapter: MiniportAdapter, list: NetBufferList, portNumber: number, numberOfNetBufferLists: number, receiveFlags: number): void {
  const crossing = DDI_CROSSING.indicateReceiveNetBufferLists;
  const { ndis, registration } = adapter;
  if (!isNetBufferList(list)) throw notAList(registration.name, crossing.call, list);
  const before = list.sourceHandle;
  const count = tagIndicated(adapter, list);
  if (count !== numberOfNetBufferLists) {
    retag(list, count, before);
    throw ndis.violation('CHIM-NBL-008', registration.name, `${crossing.call}: NumberOfNetBufferLists is ${numberOfNetBufferLists}, the list has ${count}`, [list]);
  }
  if (ndis.observers !== null) ndis.observers.nonOffload(adapter, list, count);
  const receivers = adapter.bindings.filter((binding) => (binding.gate & ~(GATE.blocked | GATE.observed)) === 0);
  const mayKeep = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) === 0;
  receivers.forEach((binding, index) => {
    const keeps = mayKeep && index === receivers.length - 1;
    const flags = keeps ? receiveFlags : receiveFlags | NDIS_RECEIVE_FLAGS_RESOURCES;
    if (keeps) binding.indicatedNbls += count;
    if (binding.observer !== null) {
      try {
        binding.observer.enter(crossing, binding, list, count, flags);
      } catch (error) {
        // Nobody has kept anything: the list is the caller's as it was.
        if (keeps) binding.indicatedNbls -= count;
        retag(list, count, before);
        throw error;
      }
    }
    try {
      binding.upper.driver.protocolReceiveNetBufferLists(binding.protocolBindingContext as never, list, portNumber, count, flags);
    } catch (error) {
      ndis.reportEscaped(binding.upper.name, crossing.entry, error, [list]);
    }
    if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, flags);
  });
  if (mayKeep && receivers.length > 0) return;
  // Nobody keeps the NBLs: with the resources flag they are the caller's on return, without they are returned.
  retag(list, count, before);
  if (mayKeep) registration.driver.miniportReturnNetBufferLists(adapter.adapterContext as never, list, 0);
}

function tagIndicated(adapter: MiniportAdapter, list: NetBufferList): number {
  const { ndis, registration } = adapter;
  const before = list.sourceHandle;
  const { call } = DDI_CROSSING.indicateReceiveNetBufferLists;
  if (!mayGoUp(adapter, before)) throw ndis.violation('CHIM-NBL-004', registration.name, `${call}: the NET_BUFFER_LIST is out already`, [list]);
  let count = 0;
  let nbl: NetBufferList | null = list;
  while (nbl != null) {
    if (nbl.sourceHandle !== before) {
      retag(list, count, before);
      throw ndis.violation('CHIM-NBL-008', registration.name, `${call}: member ${count} of the list is out already, or the list loops`, [nbl, list]);
    }
    nbl.sourceHandle = adapter;
    count++;
    nbl = nbl.next;
  }
  return count;
}

/** `NdisReturnNetBufferLists`. */
export function returnReceived(binding: Binding, list: NetBufferList, returnFlags: number): void {
  const crossing = DDI_CROSSING.returnNetBufferLists;
  const { ndis, lower } = binding;
  const count = untagReturn(binding, list, crossing.call);
  if (binding.observer !== null) {
    try {
      binding.observer.enter(crossing, binding, list, count, returnFlags);
    } catch (error) {
      retag(list, count, lower);
      throw error;
    }
  }
  binding.indicatedNbls -= count;
  try {
    lower.registration.driver.miniportReturnNetBufferLists(binding.adapterContext, list, returnFlags);
  } catch (error) {
    ndis.reportEscaped(lower.registration.name, crossing.entry, error, [list]);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, returnFlags);
  if (binding.whenClosed !== null) continueClose(binding);
}
