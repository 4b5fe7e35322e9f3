import { DDI_CROSSING, NDIS_RECEIVE_FLAGS_RESOURCES, NDIS_STATUS_SUCCESS, isNetBufferList, type NetBufferList } from '@ndis-chimney/types';

import { continueClose } from './binding-life-cycle.ts';
import type { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import { deliver, deliverMixed } from './completion.ts';
import { tagObserved } from './data-down.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { stripContexts } from './pools/context-pool.ts';
import { mayGoUp, notAList, retag, tagDownInFull, untagReturn, untagUp } from './source-tags.ts';
import { takeBackList } from './take-back.ts';

/** `NdisSendNetBufferLists`: the ordinary way down, with the tags of the chimney's. */
export function sendOrdinary(binding: Binding, list: NetBufferList, portNumber: number, sendFlags: number): void {
  const crossing = DDI_CROSSING.sendNetBufferLists;
  const { lower } = binding;
  if ((binding.gate & ~(GATE.blocked | GATE.observed)) !== 0) throw binding.refuseGate(crossing.call);
  if (binding.observer === null) tagDownInFull(binding, list, crossing.call);
  else tagObserved(binding, crossing, list, sendFlags);
  try {
    lower.registration.driver.miniportSendNetBufferLists(binding.adapterContext, list, portNumber, sendFlags);
  } catch (error) {
    takeBackList(binding, list, crossing, error);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, sendFlags);
}

/** `NdisMSendNetBufferListsComplete`. */
export function completeOrdinarySend(adapter: MiniportAdapter, list: NetBufferList, flags: number): void {
  const crossing = DDI_CROSSING.sendNetBufferListsComplete;
  const binding = untagUp(adapter, list, crossing.call);
  if (binding === null) deliverMixed(list, crossing, flags);
  else deliver(binding, list, binding.crossed, crossing, flags);
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
    if (binding.observer !== null) {
      try {
        binding.observer.enter(crossing, binding, list, count, flags);
      } catch (error) {
        // Nobody has kept anything: the list is the caller's as it was.
        retag(list, count, before);
        throw error;
      }
    }
    if (keeps) binding.indicatedNbls += count;
    try {
      binding.upper.driver.protocolReceiveNetBufferLists(binding.protocolBindingContext as never, list, portNumber, count, flags);
    } catch (error) {
      ndis.reportEscaped(binding.upper.name, crossing.entry, error, [list]);
      if (keeps) giveBackDropped(binding, list, before);
    }
    if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, flags);
  });
  if (mayKeep && receivers.length > 0) return;
  // Nobody keeps the NBLs: with the resources flag they are the caller's on return, without they are returned.
  retag(list, count, before);
  if (mayKeep) giveBack(adapter, list, 0);
}

function tagIndicated(adapter: MiniportAdapter, list: NetBufferList): number {
  const { ndis, registration } = adapter;
  const before = list.sourceHandle;
  const { call } = DDI_CROSSING.indicateReceiveNetBufferLists;
  if (!mayGoUp(adapter, before)) throw ndis.violation('CHIM-NBL-004', registration.name, `${call}: the NET_BUFFER_LIST is out already`, [list]);
  let count = 0;
  let nbl: NetBufferList | null = list;
  while (nbl !== null) {
    if (nbl.sourceHandle !== before) {
      retag(list, count, before);
      throw ndis.violation('CHIM-NBL-008', registration.name, `${call}: member ${count} of the list is out already, or the list loops`, [nbl, list]);
    }
    nbl.sourceHandle = adapter;
    count++;
    nbl.next ??= null;
    nbl = nbl.next;
  }
  return count;
}

/** The driver above threw: what it had been given and has not passed on goes back below. */
function giveBackDropped(binding: Binding, list: NetBufferList, before: NetBufferList['sourceHandle']): void {
  const { lower, upper } = binding;
  let head: NetBufferList | null = null;
  let tail: NetBufferList | null = null;
  let nbl: NetBufferList | null = list;
  while (nbl != null) {
    const next: NetBufferList | null = nbl.next;
    if (nbl.sourceHandle === lower) {
      stripContexts(nbl, upper.driver);
      nbl.sourceHandle = before;
      nbl.next = null;
      binding.indicatedNbls--;
      if (tail === null) head = nbl;
      else tail.next = nbl;
      tail = nbl;
    }
    nbl = next;
  }
  if (head !== null) giveBack(lower, head, 0);
  if (binding.whenClosed !== null) continueClose(binding);
}

/** Gives indicated NBLs, untagged, back to the driver that indicated them. */
function giveBack(adapter: MiniportAdapter, list: NetBufferList, returnFlags: number): void {
  const { ndis, registration } = adapter;
  try {
    registration.driver.miniportReturnNetBufferLists(adapter.adapterContext as never, list, returnFlags);
  } catch (error) {
    ndis.reportEscaped(registration.name, DDI_CROSSING.returnNetBufferLists.entry, error, [list]);
  }
}

/** `NdisReturnNetBufferLists`. */
export function returnReceived(binding: Binding, list: NetBufferList, returnFlags: number): void {
  const crossing = DDI_CROSSING.returnNetBufferLists;
  const { lower } = binding;
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
  giveBack(lower, list, returnFlags);
  if (binding.observer !== null) binding.observer.leave(crossing, binding, list, NDIS_STATUS_SUCCESS, returnFlags);
  if (binding.whenClosed !== null) continueClose(binding);
}
