import type { DdiCrossing } from './ddi-crossing.ts';
import type { NdisBinding } from './ndis-binding.ts';
import type { NdisMiniport } from './ndis-miniport.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NetBuffer } from './net-buffer.ts';
import type { OffloadHandle } from './offload-handle.ts';
import type { NDIS_STATUS } from './status.ts';

/** What pools make. */
export type AllocationKind = 'NET_BUFFER_LIST' | 'NET_BUFFER' | 'NET_BUFFER_LIST_CONTEXT' | 'IM_CALL_ENTRY' | 'IM_OFFLOAD_ENTRY';

/**
 * Sees every crossing of an edge, synchronously, in order. Without observers the price is one null test a crossing.
 *
 * An observer must not change what it sees. `enter` may throw: then the crossing does not happen and the caller gets the
 * error (that is how a verifier stops a bad call), so it runs before the callee and after NDIS's own checks. What an
 * observer throws elsewhere is reported against it and changes nothing, and so does what it throws from `enter` of a
 * completion that NDIS makes in place of a driver.
 *
 * `subject` is what crosses: an NBL list, a block tree, an offload handle (events), a status indication, an OID
 * request. `handle` names the object that a data call or an indication is about, on this edge; null where there is none,
 * or where there are many: completions, trees. `count` is the NBLs or blocks in it; of an event,
 * its EventSpecificInformation. `detail` is the flags of a disconnect, an ordinary send, receive or
 * return, the type of an event, the code of an indication or a status, the OID of a request, 1 for a state
 * operation that NDIS completes with failure in place of a driver; 0 elsewhere. Objects are
 * live: read them during the call, copy what must outlive it.
 */
export interface NdisObserver {
  /** The call is about to reach the driver. */
  enter?(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number, handle: OffloadHandle | null): void;
  /**
   * The call has returned. `status` is what the callee returned (NDIS_STATUS_SUCCESS for void; NDIS_STATUS_FAILURE when a
   * later observer stopped the crossing), `detail` the BytesConsumed of an indication, else as in `enter`.
   */
  leave?(crossing: DdiCrossing, edge: NdisBinding, subject: object, status: NDIS_STATUS, detail: number, handle: OffloadHandle | null): void;
  /**
   * True for an observer that wants to hear of the entries of intermediate drivers and not of NET_BUFFER_LISTs, so that
   * pools need not tell. Default false.
   */
  readonly seesEntriesOnly?: boolean;
  /** A pool gave an object out; `owner` is the pool's driver. */
  allocated?(kind: AllocationKind, object: object, owner: string): void;
  /** An object came back to its pool. */
  freed?(kind: AllocationKind, object: object, owner: string): void;
  /** The data start of a NET_BUFFER moved: forward by `byteCount` when positive, back when negative. */
  dataStart?(netBuffer: NetBuffer, byteCount: number): void;
  /** A timer was started (`delayMs` from now), cancelled, or expired. */
  timer?(action: 'start' | 'cancel' | 'expire', name: string, delayMs: number): void;
  /** A frame on a wire. `frame` is valid during the call. */
  wire?(direction: 'transmit' | 'receive', adapter: string, frame: Uint8Array<ArrayBufferLike>): void;
  /** Packets went up the ordinary receive path of an adapter. */
  nonOffload?(adapter: NdisMiniport, netBufferList: NetBufferList, count: number): void;
}
