import type { Mdl } from './mdl.ts';
import type { NetBufferListContext } from './net-buffer-list-context.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NetBuffer } from './net-buffer.ts';
import type { OffloadHandle } from './offload-handle.ts';

/** NET_BUFFER_LIST_POOL_PARAMETERS: what a pool makes. */
export interface NetBufferListPoolParameters {
  /** NDIS_PROTOCOL_ID_…; 0 for miniports and intermediate drivers. */
  readonly protocolId?: number;
  /** Most NET_BUFFER_LISTs out at one time; beyond it allocation answers null. Unlimited by default. */
  readonly limit?: number;
}

/**
 * A pool of NET_BUFFER_LISTs with one NET_BUFFER each, and of further NET_BUFFERs for them. What is freed is used
 * again; what is outstanding is counted. Freeing twice, or into the wrong pool, is a violation.
 *
 * Source: `ns-nblapi-net_buffer_list_pool_parameters.md`.
 */
export interface NetBufferListPool {
  readonly owner: string;
  readonly protocolId: number;
  /** NET_BUFFER_LISTs allocated and not freed. */
  readonly outstanding: number;
  /** Further NET_BUFFERs allocated and not freed. */
  readonly outstandingNetBuffers: number;
  /**
   * `NdisAllocateNetBufferAndNetBufferList`: an NBL with one NET_BUFFER on `dataLength` bytes of the chain, beginning
   * `dataOffset` bytes into it. Every other member is as new. @returns null when the pool is at its limit.
   */
  allocateNetBufferAndNetBufferList(mdlChain: Mdl | null, dataOffset: number, dataLength: number): NetBufferList | null;
  /** `NdisAllocateNetBuffer`: one more NET_BUFFER, to be linked behind an NBL's first. */
  allocateNetBuffer(mdlChain: Mdl | null, dataOffset: number, dataLength: number): NetBuffer;
  /** `NdisFreeNetBuffer`. */
  freeNetBuffer(netBuffer: NetBuffer): void;
  /**
   * `NdisFreeNetBufferList`: this one NBL (not its successors) and its first NET_BUFFER. The contexts on it are freed
   * before, further NET_BUFFERs too; the MDLs are the caller's.
   */
  freeNetBufferList(netBufferList: NetBufferList): void;
  /** `NdisFreeNetBufferListPool`. @throws ChimneyViolation while something is outstanding. */
  freeNetBufferListPool(): void;
}

/** A driver, as the owner of contexts. */
export interface ContextOwner {
  readonly name: string;
}

/**
 * Deals with a data request that cannot go down because its driver has no memory for contexts: completes it, later and
 * from a DPC, with the statuses that ask for the upload of the connection.
 *
 * Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export interface ContextShortageHandler {
  /** @param ndisOffloadHandle the handle the request would have gone down with. @param upperEdge whence it came. */
  contextsExhausted(request: 'send' | 'receive', ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, upperEdge: unknown): void;
}

/** What a context pool is made with. */
export interface NetBufferListContextPoolParameters {
  /** Most contexts out at one time. Unlimited by default. */
  readonly limit?: number;
  /** Takes the requests that {@link NdisBinding.relayTcpSend} and its like find no context for. */
  readonly shortageHandler?: ContextShortageHandler;
}

/**
 * The contexts of one driver. They form a stack on each NBL: only the top one can be freed, and only by its owner.
 *
 * Source: `nf-nblapi-ndisallocatenetbufferlistcontext.md`.
 */
export interface NetBufferListContextPool<ContextData = unknown> {
  /** The driver whose contexts these are; every context carries it. */
  readonly owner: ContextOwner;
  readonly shortageHandler: ContextShortageHandler | null;
  /** Contexts allocated and not freed. Asking takes time in proportion to the pool's size. */
  readonly outstanding: number;
  /** `NdisAllocateNetBufferListContext`: push a context. @returns null when the pool is at its limit. */
  allocateNetBufferListContext(netBufferList: NetBufferList): NetBufferListContext<ContextData> | null;
  /**
   * Pushes a context on every NBL of a list, with the NBL's `SourceHandle` and `upperEdge` in it: what an intermediate
   * driver does before it passes a list on.
   * @param mayExceedLimit true for what cannot be refused, such as data that comes back with a terminate.
   * @returns false, with nothing pushed, when that would be more than the limit.
   */
  pushOnList(netBufferList: NetBufferList, upperEdge: unknown, mayExceedLimit?: boolean): boolean;
  /**
   * The opposite, before the driver passes a list back: pops the top context of every NBL and restores its
   * `SourceHandle`. @throws ChimneyViolation, with nothing popped, when one of them is not this pool's.
   */
  popFromList(netBufferList: NetBufferList): void;
  /** The driver's own context on top of the stack, or null when the top one is another driver's. */
  topOf(netBufferList: NetBufferList): NetBufferListContext<ContextData> | null;
  /** `NdisFreeNetBufferListContext`: pop the top context. @throws ChimneyViolation when it is not this pool's. */
  freeNetBufferListContext(netBufferList: NetBufferList): void;
}
