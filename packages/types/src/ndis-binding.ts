import type { NdisLibrary } from './ndis-library.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NetPnPEventNotification } from './protocol-driver.ts';
import type { ProtocolOffloadBlockList } from './offload-block-list.ts';
import type { OffloadHandle } from './offload-handle.ts';
import type { NdisOidRequest } from './oid-request.ts';
import type { NetBufferListContextPool } from './pools.ts';
import type { NDIS_STATUS } from './status.ts';

/**
 * NdisBindingHandle: one binding of an upper driver to the adapter below it, and everything the upper driver may call
 * on it. NDIS makes it in `openAdapterEx`; it is dead from `closeAdapterEx` on, except for returning what was indicated.
 *
 * Every call throws a `ChimneyViolation` when it breaks a rule NDIS always checks, and a `TypeError` when an argument is
 * not of the kind it should be; either way nothing has happened then.
 */
export interface NdisBinding {
  readonly ndis: NdisLibrary;
  /** What the upper driver passed to `openAdapterEx`; the first argument of all its completion callbacks. */
  readonly protocolBindingContext: unknown;
  /** Name of the adapter below. */
  readonly adapterName: string;
  /** Name of the driver above. Not in NDIS: for those who watch the edge. */
  readonly upperName: string;
  /** Name of the driver below. */
  readonly lowerName: string;
  /** True when the driver above is the lower edge of an intermediate driver; otherwise it is a host. */
  readonly isUpperIntermediate: boolean;
  /** True when the driver below is the upper edge of an intermediate driver; otherwise it is an offload target. */
  readonly isLowerIntermediate: boolean;
  /** NBLs that were passed down here and have not come back. Not in NDIS, where every driver counts for itself. */
  readonly outstandingNetBufferLists: number;
  /** NBLs that were indicated here, kept, and not yet returned. Not in NDIS, likewise. */
  readonly indicatedNetBufferLists: number;

  /**
   * `NdisInitiateOffload`: offer the new objects of a tree to the driver below. Asynchronous; ends in
   * `protocolInitiateOffloadComplete` with the same root. The tree is the lower driver's until then.
   * Source: `nf-ndischimney-ndisinitiateoffload.md`.
   */
  initiateOffload(offloadBlockList: ProtocolOffloadBlockList): void;
  /**
   * `NdisTerminateOffload`: take objects back (upload). No send, receive, forward or disconnect follows for them.
   * Source: `nf-ndischimney-ndisterminateoffload.md`.
   */
  terminateOffload(offloadBlockList: ProtocolOffloadBlockList): void;
  /** `NdisUpdateOffload`: change cached state, or the neighbor of paths. Source: `nf-ndischimney-ndisupdateoffload.md`. */
  updateOffload(offloadBlockList: ProtocolOffloadBlockList): void;
  /** `NdisInvalidateOffload`: stop traffic on objects. Source: `nf-ndischimney-ndisinvalidateoffload.md`. */
  invalidateOffload(offloadBlockList: ProtocolOffloadBlockList): void;
  /** `NdisQueryOffloadState`: read state of objects. Source: `nf-ndischimney-ndisqueryoffloadstate.md`. */
  queryOffloadState(offloadBlockList: ProtocolOffloadBlockList): void;

  /**
   * `NdisOffloadTcpSend`: transmit a list of NET_BUFFER_LISTs on an offloaded connection. The lists, their MDLs and the
   * bytes belong to the driver below until `protocolTcpOffloadSendComplete`.
   * @returns NDIS_STATUS_PENDING, always. Source: `nf-ndischimney-ndisoffloadtcpsend.md`.
   */
  offloadTcpSend(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS;
  /**
   * `NdisOffloadTcpSend` as an intermediate driver calls it: in one pass over the list each NBL gets a context from
   * `contexts`, with its `SourceHandle` and `upperEdge` in it, and goes down. The same as `contexts.pushOnList` and
   * `offloadTcpSend`, and cheaper than both.
   * When `contexts` is at its limit nothing goes down and its shortage handler gets the request.
   * @returns NDIS_STATUS_PENDING, always. @throws TypeError when contexts run out and there is no shortage handler.
   */
  relayTcpSend(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, contexts: NetBufferListContextPool, upperEdge: unknown): NDIS_STATUS;
  /** `NdisOffloadTcpReceive` as an intermediate driver calls it; see {@link NdisBinding.relayTcpSend}. */
  relayTcpReceive(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, contexts: NetBufferListContextPool, upperEdge: unknown): NDIS_STATUS;
  /**
   * `NdisOffloadTcpReceive`: post receive buffers, one NET_BUFFER per list member.
   * @returns NDIS_STATUS_PENDING, always. Source: `nf-ndischimney-ndisoffloadtcpreceive.md`.
   */
  offloadTcpReceive(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS;
  /**
   * `NdisOffloadTcpDisconnect`: close the send half. One NBL with one NET_BUFFER; `flags` is `TCP_DISCONNECT_…`.
   * @returns NDIS_STATUS_PENDING, always. Source: `nf-ndischimney-ndisoffloadtcpdisconnect.md`.
   */
  offloadTcpDisconnect(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, flags: number): NDIS_STATUS;
  /**
   * `NdisOffloadTcpForward`: hand down segments the host received for the connection.
   * @returns NDIS_STATUS_PENDING, always. Source: `nf-ndischimney-ndisoffloadtcpforward.md`.
   */
  offloadTcpForward(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS;
  /**
   * `NdisOffloadTcpReceiveReturn`: give back NBLs that were indicated and kept, or handed up at a terminate. A list may
   * mix indications and connections of this binding. Synchronous. Source: `nf-ndischimney-ndisoffloadtcpreceivereturn.md`.
   */
  offloadTcpReceiveReturn(netBufferList: NetBufferList): void;

  /** `NdisSendNetBufferLists`: the ordinary send path. Ends in `protocolSendNetBufferListsComplete`. */
  sendNetBufferLists(netBufferList: NetBufferList, portNumber: number, sendFlags: number): void;
  /** `NdisReturnNetBufferLists`: give back what `protocolReceiveNetBufferLists` let the driver keep. */
  returnNetBufferLists(netBufferList: NetBufferList, returnFlags: number): void;
  /**
   * `NdisOidRequest`. @returns NDIS_STATUS_PENDING when `protocolOidRequestComplete` will follow, else the final status;
   * the answer is in the request either way.
   */
  oidRequest(oidRequest: NdisOidRequest): NDIS_STATUS;

  /**
   * `NdisCloseAdapterEx`. The driver has terminated its offloads and waited for its own requests before: closing with
   * some of them outstanding is a violation and closes nothing. What the driver was given and still has is waited for:
   * indicated NBLs that have yet to be returned.
   * @returns NDIS_STATUS_SUCCESS, or NDIS_STATUS_PENDING when `protocolCloseAdapterCompleteEx` will follow.
   */
  closeAdapterEx(): NDIS_STATUS;
  /** `NdisCompleteUnbindAdapterEx`: ends an unbind that `protocolUnbindAdapterEx` answered with NDIS_STATUS_PENDING. */
  completeUnbindAdapterEx(): void;
  /** `NdisCompleteNetPnPEvent`: ends an event that `protocolNetPnPEvent` answered with NDIS_STATUS_PENDING. */
  completeNetPnPEvent(netPnPEvent: NetPnPEventNotification, status: NDIS_STATUS): void;
}
