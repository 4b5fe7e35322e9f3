// A target that has nothing of ours but the contract: written on its own, and as unlike our base as the rules allow.
// Every NBL is completed by itself, every segment indicated by itself, what is unsent goes back by completion, and an
// upload is asked for when there is something to send.
import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_DEVICE_POWER_STATE,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_OFFLOAD_NOT_SUPPORTED,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_REQUEST_TYPE,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NDIS_STATUS_BAD_VERSION,
  NDIS_STATUS_INVALID_DATA,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  NdisTcpConnectionOffload,
  OID_PNP_QUERY_POWER,
  OID_PNP_SET_POWER,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  isNdisTcpConnectionOffloadParametersHeader,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisTcpConnectionOffloadParameters,
  type NetBufferList,
  type OffloadTargetEnvironment,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { RawAdapter } from './adapter.ts';
import type { RawConnection } from './connection.ts';
import { FarEnds } from './far-ends.ts';
import { queueRequests } from './receiving.ts';
import { queueSends } from './sending.ts';
import { queueDisconnect, queueForwards } from './turn.ts';

export const RAW_BUFFER_BYTES = 20_000;

export class RawTarget implements MiniportDriver<RawAdapter>, ProviderChimneyOffloadGenericHandlers<RawAdapter>, ProviderChimneyOffloadTcpHandlers<RawAdapter, RawConnection> {
  readonly name = 'target-raw';
  readonly farEnds: FarEnds = new FarEnds();
  readonly adapters = new Set<RawAdapter>();
  private readonly environment: OffloadTargetEnvironment;
  private readonly connectionCapacity: number;

  constructor(environment: OffloadTargetEnvironment, connectionCapacity = 4096) {
    this.environment = environment;
    this.connectionCapacity = connectionCapacity;
  }

  miniportSetOptions(driver: NdisMiniportDriverHandle): NDIS_STATUS {
    const status = driver.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
    return status === NDIS_STATUS_SUCCESS ? driver.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this)) : status;
  }

  miniportInitializeEx(miniport: NdisMiniport, { adapterName }: NdisMiniportInitParameters): NDIS_STATUS {
    const { status, offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
    if (offloadHandlers === null) return status;
    const { type, revision, size } = offloadHandlers.header;
    if (type !== PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS || revision < NDIS_OBJECT_TCP_OFFLOAD_REVISION_1 || size < NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1) return NDIS_STATUS_BAD_VERSION;
    const adapter = new RawAdapter(adapterName, miniport, offloadHandlers, this.environment, this.farEnds, RAW_BUFFER_BYTES, this.connectionCapacity);
    const registration = new NdisMiniportAdapterRegistrationAttributes<RawAdapter>();
    registration.miniportAdapterContext = adapter;
    const general = new NdisMiniportAdapterGeneralAttributes();
    general.mtuSize = 1500;
    general.lookaheadSize = 1500;
    general.mediaConnectState = 1;
    general.mediaDuplexState = 2;
    general.macAddress = Uint8Array.of(2, 0, 0, 0, 0, 1);
    for (const speed of ['maxXmitLinkSpeed', 'xmitLinkSpeed', 'maxRcvLinkSpeed', 'rcvLinkSpeed'] as const) general[speed] = 1_000_000_000;
    const offload = new NdisMiniportAdapterOffloadAttributes();
    offload.defaultTcpConnectionOffloadConfiguration = this.capabilities();
    offload.tcpConnectionOffloadHardwareCapabilities = this.capabilities();
    for (const attributes of [registration, general, offload]) miniport.setMiniportAttributes(attributes);
    this.adapters.add(adapter);
    return NDIS_STATUS_SUCCESS;
  }

  capabilities(): NdisTcpConnectionOffload {
    const capabilities = new NdisTcpConnectionOffload();
    capabilities.encapsulation = NDIS_ENCAPSULATION_IEEE_802_3;
    capabilities.supportIPv4 = NDIS_OFFLOAD_SUPPORTED;
    capabilities.supportIPv6 = NDIS_OFFLOAD_SUPPORTED;
    capabilities.supportIPv6ExtensionHeaders = NDIS_OFFLOAD_NOT_SUPPORTED;
    capabilities.supportSack = NDIS_OFFLOAD_NOT_SUPPORTED;
    capabilities.tcpConnectionOffloadCapacity = this.connectionCapacity;
    return capabilities;
  }

  miniportRestart(adapter: RawAdapter): NDIS_STATUS {
    adapter.restart();
    return NDIS_STATUS_SUCCESS;
  }

  miniportPause(adapter: RawAdapter): NDIS_STATUS {
    return adapter.pause() ? NDIS_STATUS_SUCCESS : NDIS_STATUS_PENDING;
  }

  miniportHaltEx(adapter: RawAdapter): void {
    this.adapters.delete(adapter);
    adapter.indicated.freeNetBufferListPool();
  }

  miniportOidRequest(adapter: RawAdapter, request: NdisOidRequest): NDIS_STATUS {
    if (request.oid === OID_PNP_QUERY_POWER) return NDIS_STATUS_SUCCESS;
    if (request.requestType !== NDIS_REQUEST_TYPE.NdisRequestSetInformation) return NDIS_STATUS_NOT_SUPPORTED;
    if (request.oid === OID_PNP_SET_POWER) {
      const isAwake = request.informationBuffer === NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;
      return isAwake || (adapter.terminating === 0 && adapter.connections.size === 0) ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_ACCEPTED;
    }
    if (request.oid !== OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) return NDIS_STATUS_NOT_SUPPORTED;
    const parameters = request.informationBuffer as NdisTcpConnectionOffloadParameters | null;
    if (parameters === null || !isNdisTcpConnectionOffloadParametersHeader(parameters.header)) return NDIS_STATUS_INVALID_DATA;
    adapter.parameters.copyFrom(parameters);
    return NDIS_STATUS_SUCCESS;
  }

  miniportSendNetBufferLists(adapter: RawAdapter, list: NetBufferList): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const { next }: NetBufferList = nbl;
      nbl.next = null;
      nbl.status = NDIS_STATUS_SUCCESS;
      adapter.miniport.sendNetBufferListsComplete(nbl, 0);
      nbl = next;
    }
  }

  miniportReturnNetBufferLists(): void {
    // Nothing is ever indicated there.
  }

  miniportInitiateOffload(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
    adapter.initiate(root);
  }

  miniportTerminateOffload(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
    adapter.terminate(root);
  }

  miniportUpdateOffload(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
    adapter.update(root);
  }

  miniportInvalidateOffload(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
    adapter.invalidate(root);
  }

  miniportQueryOffload(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
    adapter.query(root);
  }

  miniportTcpOffloadSend(_adapter: RawAdapter, connection: RawConnection, list: NetBufferList): NDIS_STATUS {
    queueSends(connection, list, false);
    return this.pend(connection);
  }

  miniportTcpOffloadReceive(_adapter: RawAdapter, connection: RawConnection, list: NetBufferList): NDIS_STATUS {
    queueRequests(connection, list);
    return this.pend(connection);
  }

  miniportTcpOffloadDisconnect(_adapter: RawAdapter, connection: RawConnection, nbl: NetBufferList, flags: number): NDIS_STATUS {
    queueDisconnect(connection, nbl, flags);
    return this.pend(connection);
  }

  miniportTcpOffloadForward(_adapter: RawAdapter, connection: RawConnection, list: NetBufferList): NDIS_STATUS {
    queueForwards(connection, list);
    return this.pend(connection);
  }

  private pend(connection: RawConnection): NDIS_STATUS {
    this.environment.dpcQueue.insert(connection.dpc);
    return NDIS_STATUS_PENDING;
  }

  miniportTcpOffloadReceiveReturn(adapter: RawAdapter, list: NetBufferList): NDIS_STATUS {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const { next }: NetBufferList = nbl;
      adapter.indicated.freeNetBufferList(nbl);
      nbl = next;
    }
    adapter.continuePause();
    return NDIS_STATUS_SUCCESS;
  }
}
