import {
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisBindParameters,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NetBufferList,
  type NetPnPEventNotification,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import type { OffloadEntry } from './offload-entry.ts';
import { OidRelay } from './oid-relay.ts';
import { PassThroughAdapter } from './pass-through-adapter.ts';
import { relayStatus } from './relay.ts';
import type { StateOperation } from './state-operation.ts';
import { StateRelay } from './state-relay.ts';

/** Options of {@link PassThroughDriver}. */
export interface PassThroughOptions extends IntermediateDriverLimits {
  /** Names the driver and, with the adapter below, its virtual miniports. Default `pass-through`. */
  readonly name?: string;
}

type Entry = OffloadEntry<PassThroughAdapter>;

/**
 * The intermediate driver that changes nothing: it passes every operation down, every completion and indication up, and
 * fails what it has no memory for in the documented way. Start a driver of your own from it: override what it shall do
 * differently, call `super` for the rest.
 *
 * One object is both edges: a protocol driver that binds to adapters, and the miniport driver of the virtual miniport
 * it shows above each of them. `register` makes both known to NDIS.
 */
export class PassThroughDriver
  extends StateRelay<PassThroughAdapter, PassThroughAdapter>
  implements
    MiniportDriver<PassThroughAdapter>,
    ProtocolDriver<PassThroughAdapter>,
    ProviderChimneyOffloadGenericHandlers<PassThroughAdapter>,
    ProviderChimneyOffloadTcpHandlers<PassThroughAdapter, Entry>,
    ClientChimneyOffloadGenericHandlers<PassThroughAdapter>,
    ClientChimneyOffloadTcpHandlers<PassThroughAdapter, Entry>
{
  private readonly oids = new OidRelay<PassThroughAdapter>();

  constructor(ndis: NdisLibrary, options: PassThroughOptions = {}) {
    super(ndis, options.name ?? 'pass-through', options);
  }

  /** The virtual miniport's name above an adapter. */
  virtualNameOf(adapterName: string): string {
    return `${this.name}:${adapterName}`;
  }

  protected upperEdgeOf(adapter: PassThroughAdapter): PassThroughAdapter {
    return adapter;
  }

  protected bindingOf(adapter: PassThroughAdapter): NdisBinding {
    return adapter.lower;
  }

  protected returned(adapter: PassThroughAdapter): void {
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  protected relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
    return this.relayInPlace(operation, adapter, tree, adapter.lower);
  }

  // --- the data path, short: interface and adapter are one object, and neither has to be looked up ---

  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('send', adapter, entry, netBufferList);
    return adapter.lower.relayTcpSend(entry.handle, netBufferList, this.sendContexts, adapter);
  }

  override miniportTcpOffloadReceive(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('receive', adapter, entry, netBufferList);
    return adapter.lower.relayTcpReceive(entry.handle, netBufferList, this.sendContexts, adapter);
  }

  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    try {
      adapter.handlers.relayTcpSendComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(adapter, 'send', netBufferList);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  override protocolTcpOffloadReceiveComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    try {
      adapter.handlers.relayTcpReceiveComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(adapter, 'receive', netBufferList);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  // --- life cycle: the lower binding ---

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const { adapterName, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities } = bindParameters;
    const adapter = new PassThroughAdapter(this.virtualNameOf(adapterName), bindContext, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, adapter, bindContext);
    if (ndisBindingHandle === null) return status;
    adapter.lower = ndisBindingHandle;
    return status === NDIS_STATUS_SUCCESS ? this.startVirtualMiniport(adapter) : status;
  }

  protocolOpenAdapterCompleteEx(adapter: PassThroughAdapter, status: NDIS_STATUS): void {
    adapter.bindContext.completeBindAdapterEx(status === NDIS_STATUS_SUCCESS ? this.startVirtualMiniport(adapter) : status);
  }

  private startVirtualMiniport(adapter: PassThroughAdapter): NDIS_STATUS {
    const status = this.ndis.imInitializeDeviceInstanceEx(this.ndisDriverHandle, adapter.name, adapter);
    if (status !== NDIS_STATUS_SUCCESS) adapter.lower.closeAdapterEx();
    return status;
  }

  protocolUnbindAdapterEx(adapter: PassThroughAdapter): NDIS_STATUS {
    this.ndis.imCancelInitializeDeviceInstance(this.ndisDriverHandle, adapter.name);
    let isClosed = false;
    const close = (): void => {
      isClosed = adapter.lower.closeAdapterEx() === NDIS_STATUS_SUCCESS;
      if (isClosed && adapter.isUnbindPending) adapter.lower.completeUnbindAdapterEx();
    };
    if (adapter.isUp) this.stopVirtualMiniport(adapter, close);
    else close();
    if (isClosed) return NDIS_STATUS_SUCCESS;
    adapter.isUnbindPending = true;
    return NDIS_STATUS_PENDING;
  }

  private stopVirtualMiniport(adapter: PassThroughAdapter, onHalted: () => void): void {
    // It will never run: the binding that it waits for goes.
    if (adapter.isRestartPending) adapter.miniport.restartComplete(NDIS_STATUS_FAILURE);
    this.ndis.imDeInitializeDeviceInstance(adapter.miniport, onHalted);
  }

  protocolCloseAdapterCompleteEx(adapter: PassThroughAdapter): void {
    if (adapter.isUnbindPending) adapter.lower.completeUnbindAdapterEx();
  }

  protocolNetPnPEvent(adapter: PassThroughAdapter, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    switch (netPnPEvent.netEvent) {
      case NET_PNP_EVENT_CODE.NetEventPause:
        return this.pauseVirtualMiniport(adapter, netPnPEvent);
      case NET_PNP_EVENT_CODE.NetEventRestart:
        adapter.isLowerRunning = true;
        if (adapter.isRestartPending) {
          adapter.isRestartPending = false;
          adapter.miniport.restartComplete(NDIS_STATUS_SUCCESS);
        } else if (adapter.isUp) {
          this.ndis.restartAdapter(adapter.miniport);
        }
        return NDIS_STATUS_SUCCESS;
      default:
        return NDIS_STATUS_SUCCESS;
    }
  }

  /** What is above pauses first; then nothing of it is below any more. */
  private pauseVirtualMiniport(adapter: PassThroughAdapter, event: NetPnPEventNotification): NDIS_STATUS {
    adapter.isLowerRunning = false;
    if (!adapter.isUp) return NDIS_STATUS_SUCCESS;
    let isPaused = false;
    let isPending = false;
    this.ndis.pauseAdapter(adapter.miniport, () => {
      isPaused = true;
      if (isPending) adapter.lower.completeNetPnPEvent(event, NDIS_STATUS_SUCCESS);
    });
    if (isPaused) return NDIS_STATUS_SUCCESS;
    isPending = true;
    return NDIS_STATUS_PENDING;
  }

  // --- life cycle: the virtual miniport ---

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    const adapter = initParameters.imDeviceInstanceContext as PassThroughAdapter;
    adapter.initialize(ndisMiniportHandle, adapter);
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(adapter: PassThroughAdapter): NDIS_STATUS {
    if (adapter.isLowerRunning) return NDIS_STATUS_SUCCESS;
    adapter.isRestartPending = true;
    return NDIS_STATUS_PENDING;
  }

  miniportHaltEx(): void {
    // The lower binding is closed by the unbind that caused the halt; nothing else is held per virtual miniport.
  }

  // --- status up ---

  protocolStatusEx(adapter: PassThroughAdapter, statusIndication: NdisStatusIndication): void {
    // Before the virtual miniport is up nobody above could hear it; capabilities are read when it comes up.
    if (adapter.isUp) relayStatus(adapter.miniport, statusIndication);
  }

  // --- OID requests ---

  miniportOidRequest(adapter: PassThroughAdapter, oidRequest: NdisOidRequest): NDIS_STATUS {
    return this.oids.down(adapter.lower, adapter, oidRequest);
  }

  protocolOidRequestComplete(_adapter: PassThroughAdapter, oidRequest: NdisOidRequest, status: NDIS_STATUS): void {
    const { upperEdge, upperRequest } = this.oids.up(oidRequest);
    this.completeOrRetry(upperEdge, () => { upperEdge.miniport.oidRequestComplete(upperRequest, status); });
  }

  // --- the ordinary data path ---

  miniportSendNetBufferLists(adapter: PassThroughAdapter, netBufferList: NetBufferList, portNumber: number, sendFlags: number): void {
    if (this.sends.push(netBufferList, adapter)) adapter.lower.sendNetBufferLists(netBufferList, portNumber, sendFlags);
    else this.failures.failOrdinary(netBufferList, adapter);
  }

  protocolSendNetBufferListsComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList, sendCompleteFlags: number): void {
    this.sends.pop(netBufferList);
    this.completeOrRetry(adapter, () => { adapter.miniport.sendNetBufferListsComplete(netBufferList, sendCompleteFlags); });
    this.returned(adapter);
  }

  protocolReceiveNetBufferLists(
    adapter: PassThroughAdapter,
    netBufferList: NetBufferList,
    portNumber: number,
    numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void {
    const mustComeBack = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
    if (!adapter.isUp || !this.receives.push(netBufferList, adapter.lower)) {
      if (!mustComeBack) adapter.lower.returnNetBufferLists(netBufferList, 0);
      return;
    }
    try {
      adapter.miniport.indicateReceiveNetBufferLists(netBufferList, portNumber, numberOfNetBufferLists, receiveFlags);
    } finally {
      if (mustComeBack) this.receives.pop(netBufferList);
    }
    // One that was not accepted came back inside the call.
    this.returned(adapter);
  }
}
