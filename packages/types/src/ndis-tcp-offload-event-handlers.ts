import type { BytesConsumed } from './bytes-consumed.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NdisObjectHeader } from './object-header.ts';
import type { NetBufferListContextPool } from './pools.ts';
import type { OffloadHandle } from './offload-handle.ts';
import type { NDIS_STATUS } from './status.ts';

/**
 * NDIS_TCP_OFFLOAD_EVENT_HANDLERS: the six entry points `getOffloadHandlers` gives to a miniport. In C each takes the
 * NdisMiniportHandle or an NdisOffloadHandle first; here the table belongs to one adapter, so that the completions know
 * who calls.
 *
 * Source: `ns-ndischimney-_ndis_tcp_offload_event_handlers.md`.
 */
export interface NdisTcpOffloadEventHandlers {
  readonly header: NdisObjectHeader;

  /**
   * `NdisTcpOffloadEventHandler` (NDIS_TCP_OFFLOAD_EVENT_INDICATE): a `TCP_OFFLOAD_EVENT_TYPE` of one connection, keyed
   * by the handle stored at initiate. Runs at DISPATCH_LEVEL.
   */
  tcpOffloadEventHandler(ndisOffloadHandle: OffloadHandle, eventType: number, eventSpecificInformation: number): void;
  /**
   * `NdisTcpOffloadReceiveHandler` (NDIS_TCP_OFFLOAD_RECEIVE_INDICATE): received data, one stand-alone NBL with one
   * NET_BUFFER, `status` NDIS_STATUS_SUCCESS. Returns the host's answer; on NDIS_STATUS_SUCCESS the NBL is the host's
   * until it comes back through `miniportTcpOffloadReceiveReturn`, otherwise it is the caller's again at once.
   */
  tcpOffloadReceiveHandler(
    ndisOffloadHandle: OffloadHandle,
    netBufferList: NetBufferList,
    status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS;
  /** `NdisTcpOffloadSendComplete` (NDIS_TCP_OFFLOAD_SEND_COMPLETE): a list that may mix send calls and connections of the adapter. */
  tcpOffloadSendComplete(netBufferList: NetBufferList): void;
  /**
   * `NdisTcpOffloadSendComplete` as an intermediate driver calls it: in one pass over the list each NBL's context, one
   * of `contexts`, is popped, its `SourceHandle` restored, and the list goes up. The same as `contexts.popFromList` and
   * `tcpOffloadSendComplete`, and cheaper than both.
   */
  relayTcpSendComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void;
  /** `NdisTcpOffloadReceiveComplete` as an intermediate driver calls it; see {@link NdisTcpOffloadEventHandlers.relayTcpSendComplete}. */
  relayTcpReceiveComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void;
  /** `NdisTcpOffloadReceiveComplete` (NDIS_TCP_OFFLOAD_RECEIVE_COMPLETE): as above for posted receives. */
  tcpOffloadReceiveComplete(netBufferList: NetBufferList): void;
  /** `NdisTcpOffloadDisconnectComplete` (NDIS_TCP_OFFLOAD_DISCONNECT_COMPLETE): exactly the one NBL of the disconnect. */
  tcpOffloadDisconnectComplete(netBufferList: NetBufferList): void;
  /** `NdisTcpOffloadForwardComplete` (NDIS_TCP_OFFLOAD_FORWARD_COMPLETE): a list that may mix forward calls. */
  tcpOffloadForwardComplete(netBufferList: NetBufferList): void;
}
