import type { NetBufferList } from './net-buffer-list.ts';
import type { MiniportOffloadBlockList } from './offload-block-list.ts';
import type { NDIS_STATUS } from './status.ts';

/**
 * The state-manipulation entry points of an offload target, or of the miniport edge of an intermediate driver. Every
 * one of them takes the tree over, returns, and completes it later, once, by the function of the same name on its
 * {@link NdisMiniport}. The tree belongs to the driver until that completion.
 *
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_generic_characteristics.md`.
 */
export interface ProviderChimneyOffloadGenericHandlers<AdapterContext> {
  /** `MiniportInitiateOffload` (W_INITIATE_OFFLOAD_HANDLER): take over the new objects of the tree. */
  miniportInitiateOffload(miniportAdapterContext: AdapterContext, offloadBlockList: MiniportOffloadBlockList): void;
  /** `MiniportTerminateOffload` (W_TERMINATE_OFFLOAD_HANDLER): give the named objects back, delegated state filled in. */
  miniportTerminateOffload(miniportAdapterContext: AdapterContext, offloadBlockList: MiniportOffloadBlockList): void;
  /** `MiniportUpdateOffload` (W_UPDATE_OFFLOAD_HANDLER): copy the cached state of the tree into the named objects. */
  miniportUpdateOffload(miniportAdapterContext: AdapterContext, offloadBlockList: MiniportOffloadBlockList): void;
  /** `MiniportInvalidateOffload` (W_INVALIDATE_OFFLOAD_HANDLER): stop sending on the named objects. */
  miniportInvalidateOffload(miniportAdapterContext: AdapterContext, offloadBlockList: MiniportOffloadBlockList): void;
  /** `MiniportQueryOffload` (W_QUERY_OFFLOAD_HANDLER): fill in the state structures behind the named objects. */
  miniportQueryOffload(miniportAdapterContext: AdapterContext, offloadBlockList: MiniportOffloadBlockList): void;
}

/**
 * The data entry points of an offload target, or of the miniport edge of an intermediate driver. The first four own the
 * NET_BUFFER_LISTs from the call to the completion and return NDIS_STATUS_PENDING, nothing else.
 *
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_tcp_characteristics.md`.
 */
export interface ProviderChimneyOffloadTcpHandlers<AdapterContext, OffloadContext> {
  /** `MiniportTcpOffloadSend` (W_TCP_OFFLOAD_SEND_HANDLER): transmit the list, in order, after what came before. */
  miniportTcpOffloadSend(
    miniportAdapterContext: AdapterContext,
    miniportOffloadContext: OffloadContext,
    netBufferList: NetBufferList,
  ): NDIS_STATUS;
  /** `MiniportTcpOffloadReceive` (W_TCP_OFFLOAD_RECEIVE_HANDLER): fill these buffers, in order. One NET_BUFFER each. */
  miniportTcpOffloadReceive(
    miniportAdapterContext: AdapterContext,
    miniportOffloadContext: OffloadContext,
    netBufferList: NetBufferList,
  ): NDIS_STATUS;
  /**
   * `MiniportTcpOffloadDisconnect` (W_TCP_OFFLOAD_DISCONNECT_HANDLER): close the send half. One NET_BUFFER_LIST with
   * one NET_BUFFER; `flags` is one of `TCP_DISCONNECT_…`.
   */
  miniportTcpOffloadDisconnect(
    miniportAdapterContext: AdapterContext,
    miniportOffloadContext: OffloadContext,
    netBufferList: NetBufferList,
    flags: number,
  ): NDIS_STATUS;
  /** `MiniportTcpOffloadForward` (W_TCP_OFFLOAD_FORWARD_HANDLER): segments the host received, one per NET_BUFFER. */
  miniportTcpOffloadForward(
    miniportAdapterContext: AdapterContext,
    miniportOffloadContext: OffloadContext,
    netBufferList: NetBufferList,
  ): NDIS_STATUS;
  /**
   * `MiniportTcpOffloadReceiveReturn` (W_TCP_OFFLOAD_RECEIVE_RETURN_HANDLER): NET_BUFFER_LISTs that were indicated, or
   * handed up at a terminate, come back. Synchronous; returns NDIS_STATUS_SUCCESS.
   */
  miniportTcpOffloadReceiveReturn(miniportAdapterContext: AdapterContext, netBufferList: NetBufferList): NDIS_STATUS;
}
