import type { NdisMiniport } from './ndis-miniport.ts';
import type { NdisMiniportDriverHandle } from './ndis-library.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NdisOidRequest } from './oid-request.ts';
import type { NDIS_STATUS } from './status.ts';

/** NDIS_MINIPORT_INIT_PARAMETERS: what `miniportInitializeEx` is told. */
export interface NdisMiniportInitParameters {
  /** The name the adapter was added under. */
  readonly adapterName: string;
  /** For the virtual miniport of an intermediate driver: the `deviceContext` it passed to NDIS; null for an adapter. */
  readonly imDeviceInstanceContext: unknown;
}

/** Why an adapter halts. */
export const NDIS_HALT_ACTION = { NdisHaltDeviceDisabled: 0, NdisHaltDeviceInstanceDeInitialized: 1, NdisHaltDevicePoweredDown: 2, NdisHaltDeviceSurpriseRemoved: 3, NdisHaltDeviceFailed: 4, NdisHaltDeviceInitializationFailed: 5, NdisHaltDeviceStopped: 6 } as const;
export type NDIS_HALT_ACTION = (typeof NDIS_HALT_ACTION)[keyof typeof NDIS_HALT_ACTION];

/**
 * NDIS_MINIPORT_DRIVER_CHARACTERISTICS, a miniport driver: an offload target, or the upper edge of an intermediate driver. One object serves all adapters of
 * the driver; `AdapterContext` is what it keeps per adapter and gives to NDIS in the registration attributes.
 *
 * All handlers but the data path run at PASSIVE_LEVEL. An adapter that is paused gets no data-path call.
 *
 * Source: `ns-ndis-_ndis_miniport_driver_characteristics.md`.
 */
export interface MiniportDriver<AdapterContext = unknown> {
  /** Names the driver in violations, traces and tables. */
  readonly name: string;
  /**
   * `MiniportSetOptions`: register optional handlers, the two chimney provider structures among them. Anything but
   * NDIS_STATUS_SUCCESS fails the registration of the driver.
   */
  miniportSetOptions?(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS;
  /**
   * `MiniportInitializeEx`: bring an adapter up. Set attributes, get the offload handlers, allocate. After
   * NDIS_STATUS_SUCCESS the adapter is Paused.
   */
  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS;
  /** `MiniportRestart`: data may flow. NDIS_STATUS_PENDING promises `restartComplete`. */
  miniportRestart(miniportAdapterContext: AdapterContext): NDIS_STATUS;
  /**
   * `MiniportPause`: finish what is in flight, start nothing new. Cannot fail: NDIS_STATUS_SUCCESS, or
   * NDIS_STATUS_PENDING with a later `pauseComplete`.
   */
  miniportPause(miniportAdapterContext: AdapterContext): NDIS_STATUS;
  /** `MiniportHaltEx`: free everything. Nothing is outstanding. */
  miniportHaltEx(miniportAdapterContext: AdapterContext, haltAction: NDIS_HALT_ACTION): void;
  /** `MiniportOidRequest`. NDIS_STATUS_PENDING promises `oidRequestComplete`; otherwise the request is over. */
  miniportOidRequest(miniportAdapterContext: AdapterContext, oidRequest: NdisOidRequest): NDIS_STATUS;
  /** `MiniportSendNetBufferLists`: the ordinary send path. The driver owns the list until it completes it. */
  miniportSendNetBufferLists(
    miniportAdapterContext: AdapterContext,
    netBufferList: NetBufferList,
    portNumber: number,
    sendFlags: number,
  ): void;
  /** `MiniportReturnNetBufferLists`: indicated NBLs of the ordinary receive path come back. */
  miniportReturnNetBufferLists(
    miniportAdapterContext: AdapterContext,
    netBufferList: NetBufferList,
    returnFlags: number,
  ): void;
  /** `MiniportDriverUnload`: the driver was deregistered and its last adapter is gone. */
  miniportDriverUnload?(): void;
}
