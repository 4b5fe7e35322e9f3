import type { NetBufferList, NetBufferListContext, NetBufferListSource } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { NdisContextPool } from './pools/context-pool.ts';
import { mayGoDown } from './source-tags.ts';

/**
 * An intermediate driver pushes a context on every NBL and passes the list down, where NDIS tags every NBL; on the way
 * up it pops and passes on, where NDIS untags. Walking a list costs more than what is done to its members, so a relay
 * does both in one pass. What is checked and what is changed is the same as in the two passes; whatever is not as
 * usual is put back and left to them.
 */

/** `pushOnList` and `tagDown` in one. @returns false, with nothing changed, when the list must go the long way. */
export function tagAndPush(binding: Binding, list: NetBufferList, contexts: NdisContextPool, upperEdge: unknown): boolean {
  const from = list.sourceHandle;
  if (from !== binding.usualSource && !becomesUsual(binding, from)) return false;
  if (list.next !== null) return tagAndPushAll(binding, list, contexts, upperEdge);
  const context = contexts.free;
  if (context === null) return false;
  contexts.free = context.next;
  context.next = list.context;
  context.sourceHandle = from;
  context.upperEdge = upperEdge;
  list.context = context;
  list.sourceHandle = binding;
  binding.outstandingNbls++;
  return true;
}

/**
 * Above a driver with several virtual miniports lists come from several bindings by turns: another one that is permitted
 * takes the short way too. @returns false when it is not.
 */
function becomesUsual(binding: Binding, from: NetBufferListSource | null): boolean {
  if (from !== null && !mayGoDown(binding, from)) return false;
  binding.usualSource = from;
  return true;
}

function tagAndPushAll(binding: Binding, list: NetBufferList, contexts: NdisContextPool, upperEdge: unknown): boolean {
  const from = list.sourceHandle;
  let free = contexts.free;
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    const context: NetBufferListContext | null = free;
    // The test for undefined is for lists made by hand in JavaScript.
    if (nbl === undefined || nbl.sourceHandle !== from || context === null) {
      contexts.free = free;
      takeBack(list, count, from, contexts);
      return false;
    }
    free = context.next;
    context.next = nbl.context;
    context.sourceHandle = from;
    context.upperEdge = upperEdge;
    nbl.context = context;
    nbl.sourceHandle = binding;
    count++;
    nbl = nbl.next;
  } while (nbl !== null);
  contexts.free = free;
  binding.outstandingNbls += count;
  return true;
}

/** Puts the first `count` members of a list back to what they were before {@link tagAndPushAll}. */
function takeBack(list: NetBufferList, count: number, from: NetBufferListSource | null, contexts: NdisContextPool): void {
  let nbl: NetBufferList | null = list;
  for (let i = 0; i < count && nbl != null; i++) {
    const context: NetBufferListContext | null = nbl.context;
    if (context === null) return;
    nbl.context = context.next;
    nbl.sourceHandle = from;
    context.next = contexts.free;
    contexts.free = context;
    nbl = nbl.next;
  }
}

/**
 * `popFromList` and `untagUp` in one.
 * @returns the binding the list goes up on, or null, with nothing changed, when it must go the long way.
 */
export function popAndUntag(adapter: MiniportAdapter, list: NetBufferList, contexts: NdisContextPool): Binding | null {
  const { owner } = contexts;
  const binding = (list.context?.sourceHandle ?? null) as Binding | null;
  if (binding === null || binding.lower !== adapter || owner !== adapter.driver) return null;
  const mayCarryTwo = contexts.usage.mayCarryTwo;
  let free = contexts.free;
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    const context: NetBufferListContext | null = nbl.context;
    // A context that holds this binding is this driver's.
    if (context === null || context.sourceHandle !== binding || nbl.sourceHandle !== null) return giveUp(list, count, free, contexts);
    if (mayCarryTwo && context.next?.owner === owner) return giveUp(list, count, free, contexts);
    nbl.context = context.next;
    context.next = free;
    free = context;
    count++;
    nbl = nbl.next;
  } while (nbl != null);
  contexts.free = free;
  binding.outstandingNbls -= count;
  binding.crossed = count;
  return binding;
}

/** Pushes again what {@link popAndUntag} popped off the first `count` members; the last popped is the first free. */
function giveUp(list: NetBufferList, count: number, free: NetBufferListContext | null, contexts: NdisContextPool): null {
  contexts.free = free;
  const popped: NetBufferList[] = [];
  let nbl: NetBufferList | null = list;
  for (let i = 0; i < count && nbl !== null; i++) {
    popped.push(nbl);
    nbl = nbl.next;
  }
  for (const one of popped.reverse()) {
    const context = contexts.free;
    if (context === null) break;
    contexts.free = context.next;
    context.next = one.context;
    one.context = context;
  }
  return null;
}
