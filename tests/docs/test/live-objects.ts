import { Ndis } from '@ndis-chimney/core';
import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import * as types from '@ndis-chimney/types';
import {
  Mdl,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  NetBuffer,
  NdisMiniportAdapterRegistrationAttributes,
  OFFLOAD_STATE_TYPE,
  OffloadBlockList,
  OffloadBlockState,
  OffloadHandle,
  createMiniportOffloadBlockList,
  createProtocolOffloadBlockList,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisBinding,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';

/** The least that a miniport driver can be: something to bind to. */
class Nic implements MiniportDriver {
  readonly name = 'nic';

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport): NDIS_STATUS {
    const attributes = new NdisMiniportAdapterRegistrationAttributes();
    attributes.miniportAdapterContext = this;
    return ndisMiniportHandle.setMiniportAttributes(attributes);
  }

  miniportRestart(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportPause(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportHaltEx(): void {
    // Holds nothing.
  }

  miniportOidRequest(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportSendNetBufferLists(): void {
    // Nothing is sent.
  }

  miniportReturnNetBufferLists(): void {
    // Nothing was indicated.
  }
}

/** A driver with both edges and every handler, which keeps what NDIS passes it. */
class Witness extends PassThroughDriver {
  readonly seen: Record<string, object> = {};

  override protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    this.seen['NdisBindContext'] = bindContext;
    this.seen['NdisBindParameters'] = bindParameters;
    return super.protocolBindAdapterEx(bindContext, bindParameters);
  }

  override protocolNetPnPEvent(adapter: PassThroughAdapter, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    if (netPnPEvent.netEvent === NET_PNP_EVENT_CODE.NetEventRestart) this.seen['NetPnPEventNotification'] = netPnPEvent;
    return super.protocolNetPnPEvent(adapter, netPnPEvent);
  }

  override miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    this.seen['NdisMiniportInitParameters'] = initParameters;
    return super.miniportInitializeEx(ndisMiniportHandle, initParameters);
  }
}

/** Every class of `types` that is made without arguments. */
const STRUCTURES: readonly (new () => object)[] = [
  types.IpOffloadStats,
  types.NdisMiniportAdapterGeneralAttributes,
  types.NdisMiniportAdapterOffloadAttributes,
  types.NdisMiniportAdapterRegistrationAttributes,
  types.NdisObjectHeader,
  types.NdisOffloadEncapsulation,
  types.NdisOidRequest,
  types.NdisStatusIndication,
  types.NdisTcpConnectionOffload,
  types.NdisTcpConnectionOffloadEncapsulation,
  types.NdisTcpConnectionOffloadParameters,
  types.NeighborOffloadStateCached,
  types.NeighborOffloadStateConst,
  types.NeighborOffloadStateDelegated,
  types.NetBuffer,
  types.NetBufferList,
  types.NetBufferListContext,
  types.BytesConsumed,
  types.NdisLinkState,
  types.NdisOffloadParameters,
  types.OffloadStateHeader,
  types.PathOffloadStateCached,
  types.PathOffloadStateConst,
  types.PathOffloadStateDelegated,
  types.TcpOffloadStateCached,
  types.TcpOffloadStateConst,
  types.TcpOffloadStateDelegated,
  types.TcpOffloadStats,
];

/** An object of each type that NDIS or a driver implements, and of each class of `types`, by the type's name. */
export function liveObjects(): ReadonlyMap<string, object> {
  const ndis = new Ndis();
  const nic = ndis.registerMiniportDriver(new Nic());
  const driver = new Witness(ndis).register();
  const binding = bind(ndis, present(nic.ndisDriverHandle), driver);
  const { miniport, handlers } = binding.protocolBindingContext as PassThroughAdapter;
  const scatterGatherList = present(miniport.allocateNetBufferSGList(new NetBuffer(new Mdl(new Uint8Array(1)), 0, 1)));
  const handle = new OffloadHandle(binding, null);
  const state = new OffloadBlockState(null, null, null);
  const type = OFFLOAD_STATE_TYPE.TcpOffloadState;
  const made: Record<string, object> = {
    ...Object.fromEntries(STRUCTURES.map((Structure) => [Structure.name, new Structure()])),
    ...driver.seen,
    NdisLibrary: ndis,
    NdisBinding: binding,
    NdisMiniport: miniport,
    NdisTcpOffloadEventHandlers: handlers,
    NdisMiniportDriverHandle: driver.ndisDriverHandle,
    NdisProtocolHandle: driver.ndisProtocolHandle,
    NetBufferListPool: ndis.allocateNetBufferListPool(driver.name),
    NetBufferListContextPool: ndis.allocateNetBufferListContextPool(driver),
    DpcQueue: ndis.dpcQueue,
    MiniportDriver: driver,
    ProtocolDriver: driver,
    ProviderChimneyOffloadGenericHandlers: driver,
    ProviderChimneyOffloadTcpHandlers: driver,
    ClientChimneyOffloadGenericHandlers: driver,
    ClientChimneyOffloadTcpHandlers: driver,
    NdisProviderChimneyOffloadGenericCharacteristics: new types.NdisProviderChimneyOffloadGenericCharacteristics(driver),
    NdisProviderChimneyOffloadTcpCharacteristics: new types.NdisProviderChimneyOffloadTcpCharacteristics(driver),
    NdisClientChimneyOffloadGenericCharacteristics: new types.NdisClientChimneyOffloadGenericCharacteristics(driver),
    NdisClientChimneyOffloadTcpCharacteristics: new types.NdisClientChimneyOffloadTcpCharacteristics(driver),
    RegisterMiniportDriverResult: nic,
    RegisterProtocolDriverResult: ndis.registerProtocolDriver(new Witness(ndis, { name: 'unbound' })),
    GetOffloadHandlersResult: miniport.getOffloadHandlers(types.NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload),
    ScatterGatherList: scatterGatherList,
    ScatterGatherElement: present(scatterGatherList.elements[0]),
    MiniportOffloadBlockList: createMiniportOffloadBlockList(type, handle, state),
    ProtocolOffloadBlockList: createProtocolOffloadBlockList(type, handle, state),
    OffloadBlockList: new OffloadBlockList(type, handle, state),
    OffloadBlockState: state,
    OffloadContextCell: handle,
    OffloadHandle: handle,
    Mdl: new Mdl(new Uint8Array(1)),
  };
  return new Map(Object.entries(made));
}

/** Binds the driver to a new adapter; its virtual miniport is up then. */
function bind(ndis: Ndis, nic: NdisMiniportDriverHandle, driver: Witness): NdisBinding {
  const { ndisMiniportHandle } = ndis.addAdapter(nic, 'nic0');
  let binding: NdisBinding | null = null;
  ndis.bindAdapter(driver.ndisProtocolHandle, present(ndisMiniportHandle), (_status, bound) => {
    binding = bound;
  });
  return present<NdisBinding>(binding);
}

function present<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error('the drivers of this test did not come up');
  return value;
}

/** Says which member of a symbol is missing at run time; null when all are there or nothing says so. */
export function missingAtRunTime(
  modules: Readonly<Record<string, object>>,
  objects: ReadonlyMap<string, object>,
  packageName: string,
  head: string,
  path: readonly string[],
): string | null {
  const exported = (modules[packageName] as Readonly<Record<string, unknown>> | undefined)?.[head];
  let at: unknown = objects.get(head) ?? exported;
  if (typeof at === 'function') at = (at as { readonly prototype: unknown }).prototype;
  for (const segment of path) {
    if (at === null || at === undefined) return null;
    if (!(segment in Object(at))) return `${head} of ${packageName} lacks ${segment} at run time`;
    at = (at as Readonly<Record<string, unknown>>)[segment];
  }
  return null;
}
