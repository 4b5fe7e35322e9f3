import {
  BlockWalk,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  formatNdisStatus,
  type BytesConsumed,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisProtocolHandle,
  type NdisStatusIndication,
  type NetBufferList,
  type NetBufferListContextPool,
  type NetPnPEventNotification,
  type OffloadHandle,
  type ProtocolDriver,
  type ProtocolOffloadBlockList,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { BlockListReuse, type RelayedOperation } from './block-list-reuse.ts';
import { DeferredCompletions } from './deferred-completions.ts';
import { NetBufferListTracker } from './net-buffer-list-tracker.ts';
import { OidRelay } from './oid-relay.ts';
import type { OffloadEntry } from './offload-entry.ts';
import { PassThroughAdapter } from './pass-through-adapter.ts';
import { relayStatus, relayedNeighborQuery } from './relay.ts';
import { RequestFailures, completeRequest, type DataRequest } from './request-failures.ts';
import { WaitingOperations } from './waiting-operations.ts';

/** Options of {@link PassThroughDriver}. */
export interface PassThroughOptions {
  /** Names the driver and, with the adapter below, its virtual miniports. Default `pass-through`. */
  readonly name?: string;
  /** Most NBLs on their way down or up through the driver at one time; unlimited by default. */
  readonly netBufferListContexts?: number;
  /** Most state operations on their way at one time; unlimited by default. */
  readonly callEntries?: number;
  /** Most objects offloaded through the driver; unlimited by default. */
  readonly offloadEntries?: number;
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
  implements
    MiniportDriver<PassThroughAdapter>,
    ProtocolDriver<PassThroughAdapter>,
    ProviderChimneyOffloadGenericHandlers<PassThroughAdapter>,
    ProviderChimneyOffloadTcpHandlers<PassThroughAdapter, Entry>,
    ClientChimneyOffloadGenericHandlers<PassThroughAdapter>,
    ClientChimneyOffloadTcpHandlers<PassThroughAdapter, Entry>
{
  readonly name: string;
  readonly ndis: NdisLibrary;
  /** The two registrations; valid after {@link register}. */
  ndisDriverHandle!: NdisMiniportDriverHandle;
  ndisProtocolHandle!: NdisProtocolHandle;
  /** NBLs on their way down. */
  protected readonly sends: NetBufferListTracker<PassThroughAdapter>;
  /** NBLs indicated on their way up. */
  protected readonly receives: NetBufferListTracker<PassThroughAdapter>;
  private readonly sendContexts: NetBufferListContextPool;
  protected readonly blocks: BlockListReuse<PassThroughAdapter>;
  protected readonly completions: DeferredCompletions<PassThroughAdapter>;
  protected readonly failures: RequestFailures<PassThroughAdapter>;
  protected readonly waiting: WaitingOperations;
  private readonly oids: OidRelay<PassThroughAdapter>;

  constructor(ndis: NdisLibrary, options: PassThroughOptions = {}) {
    this.name = options.name ?? 'pass-through';
    this.ndis = ndis;
    this.completions = new DeferredCompletions(ndis.dpcQueue, (adapter) => {
      this.continuePause(adapter);
    });
    this.failures = new RequestFailures(this.completions);
    const limit = options.netBufferListContexts ?? Infinity;
    this.sends = new NetBufferListTracker(ndis, this, { limit, shortageHandler: this.failures });
    this.sendContexts = this.sends.contexts;
    this.receives = new NetBufferListTracker(ndis, this, { limit });
    this.blocks = new BlockListReuse(ndis, this.name, this.sends, this.receives, {
      ...(options.callEntries !== undefined && { callEntries: options.callEntries }),
      ...(options.offloadEntries !== undefined && { offloadEntries: options.offloadEntries }),
    });
    this.waiting = new WaitingOperations(ndis.dpcQueue);
    this.oids = new OidRelay();
  }

  /**
   * Registers both edges with NDIS, as DriverEntry does. From then on it can bind to adapters.
   * @throws Error when NDIS refuses one of them.
   */
  register(): this {
    const { ndis, name } = this;
    const miniport = ndis.registerMiniportDriver(this, true);
    if (miniport.ndisDriverHandle === null) throw new Error(`driver ${name}: NdisMRegisterMiniportDriver: ${formatNdisStatus(miniport.status)}`);
    const protocol = ndis.registerProtocolDriver(this);
    if (protocol.ndisProtocolHandle === null) throw new Error(`driver ${name}: NdisRegisterProtocolDriver: ${formatNdisStatus(protocol.status)}`);
    this.ndisDriverHandle = miniport.ndisDriverHandle;
    this.ndisProtocolHandle = protocol.ndisProtocolHandle;
    ndis.imAssociateMiniport(this.ndisDriverHandle, this.ndisProtocolHandle);
    return this;
  }

  /** The virtual miniport's name above an adapter. */
  virtualNameOf(adapterName: string): string {
    return `${this.name}:${adapterName}`;
  }

  miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    const status = ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
  }

  protocolSetOptions(ndisProtocolHandle: NdisProtocolHandle): NDIS_STATUS {
    const status = ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
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
    const isCancelled = this.ndis.imCancelInitializeDeviceInstance(this.ndisDriverHandle, adapter.name) === NDIS_STATUS_SUCCESS;
    let isClosed = false;
    const close = (): void => {
      isClosed = adapter.lower.closeAdapterEx() === NDIS_STATUS_SUCCESS;
      if (isClosed && adapter.isUnbindPending) adapter.lower.completeUnbindAdapterEx();
    };
    if (isCancelled || !adapter.isUp) close();
    else this.stopVirtualMiniport(adapter, close);
    if (isClosed) return NDIS_STATUS_SUCCESS;
    adapter.isUnbindPending = true;
    return NDIS_STATUS_PENDING;
  }

  private stopVirtualMiniport(adapter: PassThroughAdapter, onHalted: () => void): void {
    // It will never run: the binding that it waits for goes.
    if (adapter.isRestartPending) {
      adapter.isRestartPending = false;
      adapter.miniport.restartComplete(NDIS_STATUS_FAILURE);
    }
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
    const registration = new NdisMiniportAdapterRegistrationAttributes<PassThroughAdapter>();
    registration.miniportAdapterContext = adapter;
    ndisMiniportHandle.setMiniportAttributes(registration);
    const general = new NdisMiniportAdapterGeneralAttributes();
    general.mtuSize = adapter.mtuSize;
    general.macAddress = adapter.macAddress;
    ndisMiniportHandle.setMiniportAttributes(general);
    const offload = new NdisMiniportAdapterOffloadAttributes();
    offload.defaultTcpConnectionOffloadConfiguration = adapter.capabilities;
    offload.tcpConnectionOffloadHardwareCapabilities = adapter.capabilities;
    ndisMiniportHandle.setMiniportAttributes(offload);
    // A driver that registered no chimney handlers gets none, and is never called by what would need them.
    const { offloadHandlers } = ndisMiniportHandle.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
    if (offloadHandlers !== null) adapter.handlers = offloadHandlers;
    adapter.miniport = ndisMiniportHandle;
    adapter.isUp = true;
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(adapter: PassThroughAdapter): NDIS_STATUS {
    if (adapter.isLowerRunning) return NDIS_STATUS_SUCCESS;
    adapter.isRestartPending = true;
    return NDIS_STATUS_PENDING;
  }

  /** Pends until what went down through this virtual miniport, and what was indicated through it, is back. */
  miniportPause(adapter: PassThroughAdapter): NDIS_STATUS {
    if (this.isIdle(adapter)) return NDIS_STATUS_SUCCESS;
    adapter.isPausePending = true;
    return NDIS_STATUS_PENDING;
  }

  private isIdle(adapter: PassThroughAdapter): boolean {
    const { lower } = adapter;
    return lower.outstandingNetBufferLists === 0 && lower.indicatedNetBufferLists === 0 && !this.completions.isPending(adapter);
  }

  private continuePause(adapter: PassThroughAdapter): void {
    if (!adapter.isPausePending || !this.isIdle(adapter)) return;
    adapter.isPausePending = false;
    adapter.miniport.pauseComplete();
  }

  miniportHaltEx(): void {
    // The lower binding is closed by the unbind that caused the halt; nothing else is held per virtual miniport.
  }

  // --- state operations down ---

  miniportInitiateOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    const isRelayed = this.relayNow(adapter, offloadBlockList, (tree) => {
      adapter.lower.initiateOffload(tree);
    });
    if (!isRelayed) this.failLater(adapter, offloadBlockList, () => { adapter.miniport.initiateOffloadComplete(offloadBlockList); });
  }

  miniportTerminateOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayDown(
      adapter,
      offloadBlockList,
      (tree) => { adapter.lower.terminateOffload(tree); },
      () => { adapter.miniport.terminateOffloadComplete(offloadBlockList); },
    );
  }

  miniportUpdateOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayDown(
      adapter,
      offloadBlockList,
      (tree) => { adapter.lower.updateOffload(tree); },
      () => { adapter.miniport.updateOffloadComplete(offloadBlockList); },
    );
  }

  miniportInvalidateOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayDown(
      adapter,
      offloadBlockList,
      (tree) => { adapter.lower.invalidateOffload(tree); },
      () => { adapter.miniport.invalidateOffloadComplete(offloadBlockList); },
    );
  }

  miniportQueryOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    this.relayDown(
      adapter,
      offloadBlockList,
      (tree) => { adapter.lower.queryOffloadState(tree); },
      () => { adapter.miniport.queryOffloadStateComplete(offloadBlockList); },
    );
  }

  /** Passes a tree on. @returns false, with nothing changed, when there is not memory for it. @throws when it is refused. */
  private relayNow(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList, call: (tree: ProtocolOffloadBlockList) => void): boolean {
    const tree = this.blocks.down(offloadBlockList, adapter, adapter.lower);
    if (tree === null) return false;
    try {
      call(tree);
    } catch (error) {
      this.blocks.cancel(tree);
      throw error;
    }
    return true;
  }

  private relayDown(
    adapter: PassThroughAdapter,
    offloadBlockList: MiniportOffloadBlockList,
    call: (tree: ProtocolOffloadBlockList) => void,
    complete: () => void,
  ): void {
    this.waiting.attempt({
      relay: () => this.relayNow(adapter, offloadBlockList, call),
      fail: () => {
        this.failLater(adapter, offloadBlockList, complete);
      },
    });
  }

  /** Fails every block of a tree, and completes it from a DPC. NBLs in the tree are not touched. */
  private failLater(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList, complete: () => void): void {
    const walk = new BlockWalk<MiniportOffloadBlockList>();
    for (let block: MiniportOffloadBlockList | null = walk.start(offloadBlockList); block !== null; block = walk.next(block)) {
      block.status = NDIS_STATUS_FAILURE;
    }
    this.completions.add(adapter, complete);
  }

  // --- state operations up ---

  protocolInitiateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('initiate', offloadBlockList, (miniport, tree) => { miniport.initiateOffloadComplete(tree); });
  }

  protocolTerminateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    try {
      // What had no memory and waits for its DPC ends before: after a terminate nothing of a connection is under way.
      this.completions.runDpc();
    } finally {
      this.relayUp('terminate', offloadBlockList, (miniport, tree) => { miniport.terminateOffloadComplete(tree); });
    }
  }

  protocolUpdateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('other', offloadBlockList, (miniport, tree) => { miniport.updateOffloadComplete(tree); });
  }

  protocolInvalidateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('other', offloadBlockList, (miniport, tree) => { miniport.invalidateOffloadComplete(tree); });
  }

  protocolQueryOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    this.relayUp('other', offloadBlockList, (miniport, tree) => { miniport.queryOffloadStateComplete(tree); });
  }

  private relayUp(
    operation: RelayedOperation,
    offloadBlockList: ProtocolOffloadBlockList,
    complete: (miniport: NdisMiniport, tree: MiniportOffloadBlockList) => void,
  ): void {
    const { tree, upperEdge } = this.blocks.up(operation, offloadBlockList);
    try {
      complete(upperEdge.miniport, tree);
    } catch (error) {
      this.completions.add(upperEdge, () => {
        complete(upperEdge.miniport, tree);
      });
      throw error;
    } finally {
      this.waiting.retry();
      // What was sent may have come back in the tree.
      if (upperEdge.isPausePending) this.continuePause(upperEdge);
    }
  }

  // --- data requests down ---

  miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('send', adapter, entry, netBufferList);
    return adapter.lower.relayTcpSend(entry.handle, netBufferList, this.sendContexts, adapter);
  }

  miniportTcpOffloadReceive(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('receive', adapter, entry, netBufferList);
    return adapter.lower.relayTcpReceive(entry.handle, netBufferList, this.sendContexts, adapter);
  }

  miniportTcpOffloadDisconnect(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    if (entry.isUploadRequested || !this.sends.push(netBufferList, adapter)) return this.failRequest('disconnect', adapter, entry, netBufferList);
    return adapter.lower.offloadTcpDisconnect(entry.handle, netBufferList, flags);
  }

  miniportTcpOffloadForward(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested || !this.sends.push(netBufferList, adapter)) return this.failRequest('forward', adapter, entry, netBufferList);
    return adapter.lower.offloadTcpForward(entry.handle, netBufferList);
  }

  private failRequest(request: DataRequest, adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
    this.failures.fail(request, entry, list, adapter);
    return NDIS_STATUS_PENDING;
  }

  miniportTcpOffloadReceiveReturn(adapter: PassThroughAdapter, netBufferList: NetBufferList): NDIS_STATUS {
    this.receives.pop(netBufferList);
    try {
      adapter.lower.offloadTcpReceiveReturn(netBufferList);
    } catch (error) {
      this.returnAgain(adapter, netBufferList);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
    return NDIS_STATUS_SUCCESS;
  }

  private returnAgain(adapter: PassThroughAdapter, list: NetBufferList): void {
    this.completions.add(adapter, () => {
      adapter.lower.offloadTcpReceiveReturn(list);
    });
  }

  // --- data requests up ---

  protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    try {
      adapter.handlers.relayTcpSendComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(adapter, 'send', netBufferList);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  protocolTcpOffloadReceiveComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    try {
      adapter.handlers.relayTcpReceiveComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(adapter, 'receive', netBufferList);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  protocolTcpOffloadDisconnectComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList === null) return;
    this.sends.pop(netBufferList);
    this.completeOrRetry(adapter, () => { adapter.handlers.tcpOffloadDisconnectComplete(netBufferList); });
  }

  protocolTcpOffloadForwardComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    this.sends.pop(netBufferList);
    this.completeOrRetry(adapter, () => { adapter.handlers.tcpOffloadForwardComplete(netBufferList); });
  }

  /** A completion that was stopped is tried once more, from a DPC. The contexts are off already. */
  private completeAgain(adapter: PassThroughAdapter, request: DataRequest, list: NetBufferList): void {
    this.completions.add(adapter, () => {
      completeRequest(adapter.handlers, request, list);
    });
  }

  private completeOrRetry(adapter: PassThroughAdapter, complete: () => void): void {
    try {
      complete();
    } catch (error) {
      this.completions.add(adapter, complete);
      throw error;
    }
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  // --- indications up ---

  protocolTcpOffloadEvent(offloadContext: OffloadHandle<Entry>, eventType: number, eventSpecificInformation: number): void {
    const { upperHandle, upperEdge } = offloadContext.owner;
    upperEdge.handlers.tcpOffloadEventHandler(upperHandle, eventType, eventSpecificInformation);
  }

  protocolTcpOffloadReceiveIndicate(
    offloadContext: OffloadHandle<Entry>,
    netBufferList: NetBufferList,
    status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS {
    const { upperHandle, upperEdge } = offloadContext.owner;
    // Without memory the data stays below, and is offered again when the host posts a receive.
    if (!this.receives.push(netBufferList, upperEdge)) return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    let result: NDIS_STATUS = NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    try {
      result = upperEdge.handlers.tcpOffloadReceiveHandler(upperHandle, netBufferList, status, bytesConsumed);
    } finally {
      if (result !== NDIS_STATUS_SUCCESS) this.receives.pop(netBufferList);
    }
    return result;
  }

  protocolIndicateOffloadEvent(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList, indicationCode: number): void {
    relayedNeighborQuery<PassThroughAdapter>(offloadBlockList, (block, upperEdge) => {
      upperEdge.miniport.offloadEventIndicate(block, indicationCode);
    });
  }

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
  }

  protocolReceiveNetBufferLists(
    adapter: PassThroughAdapter,
    netBufferList: NetBufferList,
    portNumber: number,
    numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void {
    const mustComeBack = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
    if (!adapter.isUp || !this.receives.push(netBufferList, adapter)) {
      if (!mustComeBack) adapter.lower.returnNetBufferLists(netBufferList, 0);
      return;
    }
    try {
      adapter.miniport.indicateReceiveNetBufferLists(netBufferList, portNumber, numberOfNetBufferLists, receiveFlags);
    } finally {
      if (mustComeBack) this.receives.pop(netBufferList);
    }
    // One that was not accepted came back inside the call.
    if (adapter.isPausePending) this.continuePause(adapter);
  }

  miniportReturnNetBufferLists(adapter: PassThroughAdapter, netBufferList: NetBufferList, returnFlags: number): void {
    this.receives.pop(netBufferList);
    this.completeOrRetry(adapter, () => { adapter.lower.returnNetBufferLists(netBufferList, returnFlags); });
  }
}
