import {
  NetBufferListContext,
  isNetBufferList,
  type ContextOwner,
  type ContextShortageHandler,
  type NetBufferList,
  type NetBufferListContextPool,
  type NetBufferListContextPoolParameters,
} from '@ndis-chimney/types';

import { LoopWatch } from '../loop-watch.ts';
import type { Ndis } from '../ndis.ts';
import { describeSource, notAList } from '../source-tags.ts';

/** How a driver uses contexts; shared by its pools and its adapters. It says how closely completions must be looked at. */
export class ContextUsage {
  /** Pools of the driver. Without any, an NBL that it completes cannot carry a context left behind. */
  pools = 0;
  /**
   * True once contexts were pushed other than by a relay call, which pushes one per NBL: from then on a relayed NBL may
   * carry a second one.
   */
  mayCarryTwo = false;
}

/** See {@link NetBufferListContextPool}. */
export class NdisContextPool<ContextData = unknown> implements NetBufferListContextPool<ContextData> {
  readonly owner: ContextOwner;
  readonly shortageHandler: ContextShortageHandler | null;
  /** First of the free contexts, linked through `next`. The relay paths of the same package use it directly. */
  free: NetBufferListContext | null = null;
  readonly usage: ContextUsage;
  readonly ndis: Ndis;
  private readonly limit: number;
  /** Contexts made, free and not; more than the limit only while some are out that could not be refused. */
  private made = 0;

  constructor(ndis: Ndis, owner: ContextOwner, parameters: NetBufferListContextPoolParameters) {
    this.ndis = ndis;
    this.owner = owner;
    this.usage = ndis.contextUsageOf(owner);
    this.usage.pools++;
    this.limit = parameters.limit ?? Infinity;
    this.shortageHandler = parameters.shortageHandler ?? null;
  }

  /** Counted when asked for, so that pushing and popping need not count. */
  get outstanding(): number {
    let free = 0;
    for (let context = this.free; context !== null; context = context.next) free++;
    return this.made - free;
  }

  allocateNetBufferListContext(netBufferList: NetBufferList): NetBufferListContext<ContextData> | null {
    this.requireList(netBufferList, 'NdisAllocateNetBufferListContext');
    const context = this.free ?? this.make();
    if (context === null) return null;
    this.free = context.next;
    context.sourceHandle = null;
    context.upperEdge = null;
    context.next = netBufferList.context;
    netBufferList.context = context;
    this.usage.mayCarryTwo = true;
    if (this.ndis.observers !== null) this.ndis.observers.allocated('NET_BUFFER_LIST_CONTEXT', context, this.owner.name);
    return context as NetBufferListContext<ContextData>;
  }

  /** A new context, for when none is free; null at the limit. */
  private make(mayExceedLimit = false): NetBufferListContext | null {
    if (this.made >= this.limit && !mayExceedLimit) return null;
    this.made++;
    const context = new NetBufferListContext();
    context.pool = this;
    return context;
  }

  pushOnList(netBufferList: NetBufferList, upperEdge: unknown, mayExceedLimit = false): boolean {
    this.requireList(netBufferList, 'pushOnList');
    this.usage.mayCarryTwo = true;
    return this.pushAll(netBufferList, upperEdge, mayExceedLimit) > 0;
  }

  /** Pushes as a relay does. @returns how many, or 0, with nothing pushed, when there is not memory for all. */
  pushAll(netBufferList: NetBufferList, upperEdge: unknown, mayExceedLimit = false): number {
    let free = this.free;
    let count = 0;
    const loop = new LoopWatch();
    let nbl: NetBufferList | null = netBufferList;
    while (nbl != null) {
      const isLoop = loop.closesAt(nbl);
      const isList = isNetBufferList(nbl);
      const context: NetBufferListContext | null = isLoop || !isList ? null : (free ?? this.make(mayExceedLimit));
      if (context === null) {
        this.free = free;
        this.takeBack(netBufferList, count);
        if (!isList) throw notAList(this.owner.name, 'a context for every NET_BUFFER_LIST of a list', nbl, count);
        if (isLoop) throw this.looping(netBufferList);
        return 0;
      }
      free = context.next;
      context.next = nbl.context;
      context.sourceHandle = nbl.sourceHandle;
      context.upperEdge = upperEdge;
      nbl.context = context;
      count++;
      nbl = nbl.next;
    }
    this.free = free;
    if (this.ndis.observers?.seesAllocations === true) this.notifyAllocated(netBufferList);
    return count;
  }

  private takeBack(list: NetBufferList, count: number): void {
    let nbl: NetBufferList | null = list;
    for (let i = 0; i < count && nbl !== null; i++) {
      this.popOne(nbl);
      nbl = nbl.next;
    }
  }

  private notifyAllocated(list: NetBufferList): void {
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      if (nbl.context !== null) this.ndis.observers?.allocated('NET_BUFFER_LIST_CONTEXT', nbl.context, this.owner.name);
    }
  }

  popFromList(netBufferList: NetBufferList): void {
    this.requireList(netBufferList, 'popFromList');
    this.popAll(netBufferList);
    this.shed();
  }

  /** What was made beyond the limit is not kept. */
  private shed(): void {
    for (; this.made > this.limit && this.free !== null; this.made--) this.free = this.free.next;
  }

  /** Pops as a relay does. @throws ChimneyViolation, with nothing popped. */
  popAll(netBufferList: NetBufferList): void {
    const loop = new LoopWatch();
    for (let nbl: NetBufferList | null = netBufferList; nbl != null; nbl = nbl.next) {
      if (loop.closesAt(nbl)) throw this.looping(netBufferList);
      this.requireOwn(nbl);
    }
    if (this.ndis.observers?.seesAllocations === true) this.notifyFreed(netBufferList);
    let free = this.free;
    for (let nbl: NetBufferList | null = netBufferList; nbl != null; nbl = nbl.next) {
      const context = nbl.context as NetBufferListContext;
      nbl.context = context.next;
      nbl.sourceHandle = context.sourceHandle;
      context.next = free;
      context.contextData = null;
      free = context;
    }
    this.free = free;
  }

  /** @throws ChimneyViolation unless the top context is the driver's, and the NBL with the driver. */
  private requireOwn(nbl: NetBufferList): void {
    const { context, sourceHandle } = nbl;
    if (context?.owner !== this.owner) throw this.misuse(nbl);
    if (sourceHandle !== null && sourceHandle !== context.sourceHandle) {
      throw this.ndis.violation('CHIM-NBL-004', this.owner.name, `a context is popped off a NET_BUFFER_LIST that is still out, ${describeSource(sourceHandle)}`, [nbl]);
    }
  }

  /** Tells observers of the `count` contexts that a relayed completion has just popped: they are the first free ones. */
  notifyPopped(count: number): void {
    const { observers } = this.ndis;
    if (observers?.seesAllocations !== true) return;
    let context = this.free;
    for (let i = 0; i < count && context !== null; i++) {
      observers.freed('NET_BUFFER_LIST_CONTEXT', context, this.owner.name);
      context = context.next;
    }
  }

  private notifyFreed(list: NetBufferList): void {
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      if (nbl.context !== null) this.ndis.observers?.freed('NET_BUFFER_LIST_CONTEXT', nbl.context, this.owner.name);
    }
  }

  topOf(netBufferList: NetBufferList): NetBufferListContext<ContextData> | null {
    const context = netBufferList.context;
    return context?.owner === this.owner ? (context as NetBufferListContext<ContextData>) : null;
  }

  freeNetBufferListContext(netBufferList: NetBufferList): void {
    this.requireList(netBufferList, 'NdisFreeNetBufferListContext');
    if (netBufferList.context?.owner !== this.owner) throw this.misuse(netBufferList);
    this.freeTop(netBufferList);
  }

  /** Takes the top context, one of this pool, off an NBL that its owner has left behind. */
  freeTop(netBufferList: NetBufferList): void {
    const { context } = netBufferList;
    this.popOne(netBufferList);
    this.shed();
    if (context !== null && this.ndis.observers !== null) this.ndis.observers.freed('NET_BUFFER_LIST_CONTEXT', context, this.owner.name);
  }

  private popOne(netBufferList: NetBufferList): void {
    const { context } = netBufferList;
    if (context === null) return;
    netBufferList.context = context.next;
    context.contextData = null;
    context.next = this.free;
    this.free = context;
  }

  private requireList(value: NetBufferList, call: string): void {
    if (!isNetBufferList(value)) throw notAList(this.owner.name, call, value);
  }

  private looping(list: NetBufferList): Error {
    return this.ndis.violation('CHIM-NBL-008', this.owner.name, 'a context for every NET_BUFFER_LIST of a list: the list loops', [list]);
  }

  private misuse(netBufferList: NetBufferList): Error {
    const context = netBufferList.context;
    const found = context === null ? 'none is on it: freed before, or never allocated' : `the top one is ${context.owner?.name ?? 'nobody'}'s`;
    return this.ndis.violation('CHIM-NBL-009', this.owner.name, `NdisFreeNetBufferListContext: the NET_BUFFER_LIST has no context of the driver on top; ${found}`, [netBufferList]);
  }
}

/** Takes the contexts a driver has left on an NBL off and gives them back to their pools. @returns whether there were any. */
export function stripContexts(netBufferList: NetBufferList, owner: ContextOwner): boolean {
  const { context } = netBufferList;
  while (netBufferList.context?.owner === owner) (netBufferList.context.pool as NdisContextPool).freeTop(netBufferList);
  return netBufferList.context !== context;
}
