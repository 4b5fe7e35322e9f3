import type { ContextOwner, NdisLibrary, NetBufferList, NetBufferListContextPool, NetBufferListContextPoolParameters } from '@ndis-chimney/types';

/**
 * NET_BUFFER_LIST context tracking: every NBL an intermediate driver passes on carries a context with the `SourceHandle`
 * it came with and the upper interface it came from. Taking the context off puts the `SourceHandle` back.
 *
 * The same serves both directions: requests on their way down, and indicated NBLs on their way up.
 *
 * Source: `ns-nbl-net_buffer_list_context.md`; `nc-ndischimney-tcp_offload_disconnect_complete_handler.md`.
 */
export class NetBufferListTracker<UpperEdge = unknown> {
  /** The contexts themselves, for the relay calls of NDIS that push and pop them. */
  readonly contexts: NetBufferListContextPool;

  /**
   * @param owner the driver, as contexts name it.
   * @param parameters how many NBLs at one time, and what becomes of a relayed request beyond that.
   */
  constructor(ndis: NdisLibrary, owner: ContextOwner, parameters: NetBufferListContextPoolParameters = {}) {
    this.contexts = ndis.allocateNetBufferListContextPool(owner, parameters);
  }

  /** NBLs tracked. */
  get outstanding(): number {
    return this.contexts.outstanding;
  }

  /**
   * Pushes a context on every NBL of a list.
   * @returns false, with nothing pushed, when there is not memory for all of them.
   */
  push(list: NetBufferList, upperEdge: UpperEdge): boolean {
    return this.contexts.pushOnList(list, upperEdge);
  }

  /** As {@link push}, for NBLs that cannot be refused: they get their contexts whatever the limit is. */
  pushAlways(list: NetBufferList, upperEdge: UpperEdge): void {
    this.contexts.pushOnList(list, upperEdge, true);
  }

  /** Pops the context of every NBL of a list and restores its `SourceHandle`. */
  pop(list: NetBufferList): void {
    this.contexts.popFromList(list);
  }

  /** The upper interface an NBL came from; null when the driver has no context on it. */
  upperEdgeOf(netBufferList: NetBufferList): UpperEdge | null {
    return (this.contexts.topOf(netBufferList)?.upperEdge ?? null) as UpperEdge | null;
  }

  /** The upper interface that all NBLs of a list came from; null when they came from several. */
  onlyUpperEdgeOf(list: NetBufferList): UpperEdge | null {
    const edge = this.upperEdgeOf(list);
    for (let nbl = list.next; nbl !== null; nbl = nbl.next) {
      if (this.upperEdgeOf(nbl) !== edge) return null;
    }
    return edge;
  }

  /**
   * Splits a completion list that may mix upper interfaces: calls `deliver` once per run of NBLs of one interface, in
   * order, with the contexts popped. Each run is a list of its own, of the very same NBLs. When `deliver` throws the
   * others get theirs all the same, and then its error goes on to the caller.
   *
   * Source: `nc-ndischimney-tcp_offload_disconnect_complete_handler.md`, the rule for several upper interfaces.
   */
  popByUpperEdge(list: NetBufferList, deliver: (upperEdge: UpperEdge, run: NetBufferList) => void): void {
    const runs = new Map<UpperEdge | null, { head: NetBufferList; tail: NetBufferList }>();
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const next: NetBufferList | null = nbl.next;
      const edge = this.upperEdgeOf(nbl);
      nbl.next = null;
      const run = runs.get(edge);
      if (run === undefined) {
        runs.set(edge, { head: nbl, tail: nbl });
      } else {
        run.tail.next = nbl;
        run.tail = nbl;
      }
      nbl = next;
    }
    for (const { head } of runs.values()) this.pop(head);
    deliverEach(runs.entries());

    function deliverEach(rest: Iterator<[UpperEdge | null, { readonly head: NetBufferList }]>): void {
      const next = rest.next();
      if (next.done === true) return;
      const [edge, { head }] = next.value;
      try {
        deliver(edge as UpperEdge, head);
      } finally {
        deliverEach(rest);
      }
    }
  }
}
