import type { BytesConsumed } from './bytes-consumed.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { ProtocolOffloadBlockList } from './offload-block-list.ts';
import type { OffloadHandle } from './offload-handle.ts';
import type { NDIS_STATUS } from './status.ts';

/**
 * The completions of the state-manipulation calls, as the driver above implements them. Each is called once per
 * downcall, with the root that went down; the tree is the driver's own again, every block's `status` written.
 *
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_generic_characteristics.md`.
 */
export interface ClientChimneyOffloadGenericHandlers<BindingContext> {
  /** `ProtocolInitiateOffloadComplete` (INITIATE_OFFLOAD_COMPLETE_HANDLER). */
  protocolInitiateOffloadComplete(protocolBindingContext: BindingContext, offloadBlockList: ProtocolOffloadBlockList): void;
  /** `ProtocolTerminateOffloadComplete` (TERMINATE_OFFLOAD_COMPLETE_HANDLER). */
  protocolTerminateOffloadComplete(protocolBindingContext: BindingContext, offloadBlockList: ProtocolOffloadBlockList): void;
  /** `ProtocolUpdateOffloadComplete` (UPDATE_OFFLOAD_COMPLETE_HANDLER). */
  protocolUpdateOffloadComplete(protocolBindingContext: BindingContext, offloadBlockList: ProtocolOffloadBlockList): void;
  /** `ProtocolInvalidateOffloadComplete` (INVALIDATE_OFFLOAD_COMPLETE_HANDLER). */
  protocolInvalidateOffloadComplete(protocolBindingContext: BindingContext, offloadBlockList: ProtocolOffloadBlockList): void;
  /** `ProtocolQueryOffloadComplete` (QUERY_OFFLOAD_COMPLETE_HANDLER). */
  protocolQueryOffloadComplete(protocolBindingContext: BindingContext, offloadBlockList: ProtocolOffloadBlockList): void;
  /**
   * `ProtocolIndicateOffloadEvent` (INDICATE_OFFLOAD_EVENT_HANDLER): answer a neighbor reachability query, in the block,
   * before returning. A driver that has none to give leaves the handler out (NULL in C).
   */
  protocolIndicateOffloadEvent?(
    protocolBindingContext: BindingContext,
    offloadBlockList: ProtocolOffloadBlockList,
    indicationCode: number,
  ): void;
}

/**
 * The completions and indications of the data path, as the driver above implements them. A completion list may mix
 * NET_BUFFER_LISTs of several calls of its kind; every NBL in it is the driver's own again.
 *
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_tcp_characteristics.md`.
 */
export interface ClientChimneyOffloadTcpHandlers<BindingContext, HandleOwner> {
  /** `ProtocolTcpOffloadSendComplete` (TCP_OFFLOAD_SEND_COMPLETE_HANDLER). Success: sent and acknowledged. */
  protocolTcpOffloadSendComplete(protocolBindingContext: BindingContext, netBufferList: NetBufferList): void;
  /** `ProtocolTcpOffloadReceiveComplete` (TCP_OFFLOAD_RECV_COMPLETE_HANDLER). */
  protocolTcpOffloadReceiveComplete(protocolBindingContext: BindingContext, netBufferList: NetBufferList): void;
  /**
   * `ProtocolTcpOffloadDisconnectComplete` (TCP_OFFLOAD_DISCONNECT_COMPLETE_HANDLER): the one NBL of the disconnect.
   * The page does not exclude NULL; a handler tolerates it. Contexts of the driver are freed before it returns.
   */
  protocolTcpOffloadDisconnectComplete(protocolBindingContext: BindingContext, netBufferList: NetBufferList | null): void;
  /** `ProtocolTcpOffloadForwardComplete` (TCP_OFFLOAD_FORWARD_COMPLETE_HANDLER). */
  protocolTcpOffloadForwardComplete(protocolBindingContext: BindingContext, netBufferList: NetBufferList): void;
  /**
   * `ProtocolTcpOffloadEvent` (TCP_OFFLOAD_EVENT_HANDLER). `eventType` is a `TCP_OFFLOAD_EVENT_TYPE`;
   * `offloadContext` the driver's own handle, handed back.
   */
  protocolTcpOffloadEvent(
    offloadContext: OffloadHandle<HandleOwner>,
    eventType: number,
    eventSpecificInformation: number,
  ): void;
  /**
   * `ProtocolTcpOffloadReceiveIndicate` (TCP_OFFLOAD_RECEIVE_INDICATE_HANDLER): received data nobody posted a buffer
   * for. Return NDIS_STATUS_SUCCESS to keep the NBL (and give it back by `offloadTcpReceiveReturn`),
   * NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED or …_PARTIALLY_ACCEPTED to leave it with the indicating driver; write the
   * bytes taken to `bytesConsumed`.
   */
  protocolTcpOffloadReceiveIndicate(
    offloadContext: OffloadHandle<HandleOwner>,
    netBufferList: NetBufferList,
    status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS;
}
