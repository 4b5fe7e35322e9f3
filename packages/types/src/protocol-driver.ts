import type { NdisBindContext, NdisBindParameters, NdisProtocolHandle } from './ndis-library.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NdisOidRequest } from './oid-request.ts';
import type { NdisStatusIndication } from './status-indication.ts';
import type { NDIS_STATUS } from './status.ts';

/** NET_PNP_EVENT_CODE, as far as bindings get to see it here. */
export const NET_PNP_EVENT_CODE = { NetEventBindsComplete: 3, NetEventPause: 14, NetEventRestart: 15 } as const;
export type NET_PNP_EVENT_CODE = (typeof NET_PNP_EVENT_CODE)[keyof typeof NET_PNP_EVENT_CODE];

/** NET_PNP_EVENT_NOTIFICATION: something happened to the binding's adapter. */
export interface NetPnPEventNotification {
  /** `NetPnPEvent.NetEvent`: what happened. */
  readonly netEvent: NET_PNP_EVENT_CODE;
}

/**
 * NDIS_PROTOCOL_DRIVER_CHARACTERISTICS, a protocol driver: the host, or the lower edge of an intermediate driver. One object serves all bindings of the
 * driver; `BindingContext` is what it keeps per binding and gives to NDIS in `openAdapterEx`.
 *
 * Source: `ns-ndis-_ndis_protocol_driver_characteristics.md`.
 */
export interface ProtocolDriver<BindingContext = unknown> {
  /** Names the driver in violations, traces and tables. */
  readonly name: string;
  /** `ProtocolSetOptions`: register optional handlers, the two chimney client structures among them. */
  protocolSetOptions?(ndisProtocolHandle: NdisProtocolHandle): NDIS_STATUS;
  /**
   * `ProtocolBindAdapterEx`: open the adapter below (`openAdapterEx`, only from here). The binding starts paused.
   * NDIS_STATUS_PENDING promises `bindContext.completeBindAdapterEx`.
   */
  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS;
  /** `ProtocolOpenAdapterCompleteEx`: an open that was answered with NDIS_STATUS_PENDING is over. */
  protocolOpenAdapterCompleteEx(protocolBindingContext: BindingContext, status: NDIS_STATUS): void;
  /**
   * `ProtocolUnbindAdapterEx`: terminate offloads, wait for what is outstanding, close the binding. Cannot fail:
   * NDIS_STATUS_SUCCESS, or NDIS_STATUS_PENDING with a later `completeUnbindAdapterEx`.
   */
  protocolUnbindAdapterEx(protocolBindingContext: BindingContext): NDIS_STATUS;
  /** `ProtocolCloseAdapterCompleteEx`: a close that was answered with NDIS_STATUS_PENDING is over. */
  protocolCloseAdapterCompleteEx(protocolBindingContext: BindingContext): void;
  /**
   * `ProtocolNetPnPEvent`: pause and restart of the binding. On NetEventPause stop sending and wait for what is
   * outstanding: NDIS_STATUS_PENDING promises `completeNetPnPEvent`.
   */
  protocolNetPnPEvent(protocolBindingContext: BindingContext, netPnPEvent: NetPnPEventNotification): NDIS_STATUS;
  /** `ProtocolStatusEx`: the adapter below indicated a status. The indication is valid during the call. */
  protocolStatusEx(protocolBindingContext: BindingContext, statusIndication: NdisStatusIndication): void;
  /** `ProtocolSendNetBufferListsComplete`: the ordinary send path. */
  protocolSendNetBufferListsComplete(
    protocolBindingContext: BindingContext,
    netBufferList: NetBufferList,
    sendCompleteFlags: number,
  ): void;
  /**
   * `ProtocolReceiveNetBufferLists`: the ordinary receive path. Without NDIS_RECEIVE_FLAGS_RESOURCES the driver keeps
   * the NBLs and gives them back by `returnNetBufferLists`; with it they are gone when the call returns.
   */
  protocolReceiveNetBufferLists(
    protocolBindingContext: BindingContext,
    netBufferList: NetBufferList,
    portNumber: number,
    numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void;
  /** `ProtocolOidRequestComplete`: a request that was answered with NDIS_STATUS_PENDING is over. */
  protocolOidRequestComplete(protocolBindingContext: BindingContext, oidRequest: NdisOidRequest, status: NDIS_STATUS): void;
}
