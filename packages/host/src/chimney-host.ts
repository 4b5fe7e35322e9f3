import {
  Dpc,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NET_PNP_EVENT_CODE,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisOidRequest,
  NdisTcpConnectionOffloadParameters,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  formatNdisStatus,
  type BytesConsumed,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type DeferredRoutine,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisBinding,
  type NdisLibrary,
  type NdisProtocolHandle,
  type NdisStatusIndication,
  type NdisTcpConnectionOffload,
  type NetBufferList,
  type NetBufferListPool,
  type NetPnPEventNotification,
  type OffloadHandle,
  type ProtocolDriver,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { ChimneyConnection } from './connection.ts';
import type { ConnectionState } from './connection-description.ts';
import { HostBinding } from './host-binding.ts';
import type { HostServices } from './host-services.ts';
import { RequestPool } from './request-pool.ts';
import type { OffloadResult } from './results.ts';

/** Options of {@link ChimneyHost}. */
export interface ChimneyHostOptions {
  /** Names the driver. Default `chimney-host`. */
  readonly name?: string;
  /** Set on every adapter before anything is offloaded. Default: the documented defaults. */
  readonly parameters?: NdisTcpConnectionOffloadParameters;
}

/**
 * The host's side of the chimney: a protocol driver that offers TCP connections to the adapters it is bound to, uses
 * them, and takes them back.
 *
 * It keeps the rules that bind a host, so that its user cannot break them: nothing is offered before the chimney is
 * enabled or while offloading is paused, nothing is requested of a connection that is being taken back, and whatever a
 * target must have back (mandatory uploads, pauses, unbinds) is given back.
 */
export class ChimneyHost
  implements
    ProtocolDriver<HostBinding>,
    ClientChimneyOffloadGenericHandlers<HostBinding>,
    ClientChimneyOffloadTcpHandlers<HostBinding, ChimneyConnection>,
    HostServices,
    DeferredRoutine
{
  readonly name: string;
  readonly ndis: NdisLibrary;
  /** The registration; valid after {@link register}. */
  ndisProtocolHandle!: NdisProtocolHandle;
  readonly requests: RequestPool;
  private readonly pool: NetBufferListPool;
  private readonly parameters: NdisTcpConnectionOffloadParameters;
  private readonly bindings = new Map<NdisBinding, HostBinding>();
  private readonly dpc: Dpc = new Dpc(this);
  private returns: { readonly binding: NdisBinding; readonly list: NetBufferList }[] = [];
  private uploads: ChimneyConnection[] = [];

  constructor(ndis: NdisLibrary, options: ChimneyHostOptions = {}) {
    this.ndis = ndis;
    this.name = options.name ?? 'chimney-host';
    this.parameters = options.parameters ?? new NdisTcpConnectionOffloadParameters();
    this.pool = ndis.allocateNetBufferListPool(this.name);
    this.requests = new RequestPool(this.pool);
  }

  /** Registers the driver with NDIS; from then on it can bind. @throws Error when NDIS refuses it. */
  register(): this {
    const { status, ndisProtocolHandle } = this.ndis.registerProtocolDriver(this);
    if (ndisProtocolHandle === null) throw new Error(`driver ${this.name}: NdisRegisterProtocolDriver: ${formatNdisStatus(status)}`);
    this.ndisProtocolHandle = ndisProtocolHandle;
    return this;
  }

  /** Gives the pool back. Nothing is bound any more. */
  dispose(): void {
    this.pool.freeNetBufferListPool();
  }

  /** Names of the adapters the host is bound to. */
  get adapterNames(): readonly string[] {
    return [...this.bindings.values()].map((hostBinding) => hostBinding.adapterName);
  }

  /** What an adapter can offload; null when it cannot, or is not bound. */
  capabilitiesOf(adapterName: string): NdisTcpConnectionOffload | null {
    return this.find(adapterName)?.capabilities ?? null;
  }

  /**
   * Offers a connection to the adapter of a binding (the only one, when none is named).
   * @returns how it ended: a refusal is not an error.
   * @throws TypeError when the host is not bound to such an adapter.
   */
  offload(state: ConnectionState, adapterName?: string): Promise<OffloadResult> {
    const hostBinding = this.find(adapterName);
    if (hostBinding === null) {
      return Promise.reject(new TypeError(`ChimneyHost.offload: not bound to ${adapterName ?? 'any adapter'}`));
    }
    const status = whyNot(hostBinding);
    if (status !== NDIS_STATUS_SUCCESS) return Promise.resolve({ status, connection: null });
    const connection = new ChimneyConnection(this, hostBinding.binding, state);
    hostBinding.connections.add(connection);
    return connection.offload();
  }

  private find(adapterName: string | undefined): HostBinding | null {
    for (const hostBinding of this.bindings.values()) {
      if (adapterName === undefined || hostBinding.adapterName === adapterName) return hostBinding;
    }
    return null;
  }

  // --- life cycle ---

  protocolSetOptions(ndisProtocolHandle: NdisProtocolHandle): NDIS_STATUS {
    const status = ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
  }

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const hostBinding = new HostBinding(bindParameters.adapterName, bindContext, bindParameters.tcpConnectionOffloadCapabilities);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, hostBinding, bindContext);
    if (ndisBindingHandle === null) return status;
    hostBinding.binding = ndisBindingHandle;
    return status === NDIS_STATUS_SUCCESS ? this.opened(hostBinding) : status;
  }

  protocolOpenAdapterCompleteEx(hostBinding: HostBinding, status: NDIS_STATUS): void {
    const result = status === NDIS_STATUS_SUCCESS ? this.opened(hostBinding) : status;
    if (result !== NDIS_STATUS_PENDING) hostBinding.bindContext.completeBindAdapterEx(result);
  }

  private opened(hostBinding: HostBinding): NDIS_STATUS {
    this.bindings.set(hostBinding.binding, hostBinding);
    return hostBinding.capabilities === null ? NDIS_STATUS_SUCCESS : this.enable(hostBinding);
  }

  /** Enables the chimney on a binding: nothing is offloaded before. A refusal leaves it disabled. */
  private enable(hostBinding: HostBinding): NDIS_STATUS {
    const request = new NdisOidRequest();
    request.requestType = NDIS_REQUEST_TYPE.NdisRequestSetInformation;
    request.oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS;
    request.informationBuffer = this.parameters;
    const done = (status: NDIS_STATUS): void => {
      hostBinding.isEnabled = status === NDIS_STATUS_SUCCESS;
      if (!hostBinding.isBindPending) return;
      hostBinding.isBindPending = false;
      hostBinding.bindContext.completeBindAdapterEx(NDIS_STATUS_SUCCESS);
    };
    hostBinding.oidRequests.set(request, done);
    const status = hostBinding.binding.oidRequest(request);
    if (status === NDIS_STATUS_PENDING) {
      hostBinding.isBindPending = true;
      return NDIS_STATUS_PENDING;
    }
    hostBinding.oidRequests.delete(request);
    done(status);
    return NDIS_STATUS_SUCCESS;
  }

  protocolOidRequestComplete(hostBinding: HostBinding, oidRequest: NdisOidRequest, status: NDIS_STATUS): void {
    const done = hostBinding.oidRequests.get(oidRequest);
    hostBinding.oidRequests.delete(oidRequest);
    done?.(status);
  }

  protocolUnbindAdapterEx(hostBinding: HostBinding): NDIS_STATUS {
    hostBinding.isClosing = true;
    let isOver = false;
    let isPending = false;
    const ended = (): void => {
      isOver = true;
      this.bindings.delete(hostBinding.binding);
      if (isPending) hostBinding.binding.completeUnbindAdapterEx();
    };
    this.uploadAll(hostBinding, () => {
      hostBinding.whenClosed = ended;
      if (hostBinding.binding.closeAdapterEx() === NDIS_STATUS_SUCCESS) ended();
    });
    if (isOver) return NDIS_STATUS_SUCCESS;
    isPending = true;
    return NDIS_STATUS_PENDING;
  }

  protocolCloseAdapterCompleteEx(hostBinding: HostBinding): void {
    hostBinding.whenClosed?.();
  }

  protocolNetPnPEvent(hostBinding: HostBinding, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    if (netPnPEvent.netEvent !== NET_PNP_EVENT_CODE.NetEventPause) {
      hostBinding.isRunning = netPnPEvent.netEvent === NET_PNP_EVENT_CODE.NetEventRestart || hostBinding.isRunning;
      return NDIS_STATUS_SUCCESS;
    }
    hostBinding.isRunning = false;
    let isOver = false;
    let isPending = false;
    this.uploadAll(hostBinding, () => {
      isOver = true;
      if (isPending) hostBinding.binding.completeNetPnPEvent(netPnPEvent, NDIS_STATUS_SUCCESS);
    });
    if (isOver) return NDIS_STATUS_SUCCESS;
    isPending = true;
    return NDIS_STATUS_PENDING;
  }

  /** Takes every connection of a binding back. `onEmpty` runs at PASSIVE_LEVEL, at once when there are none. */
  private uploadAll(hostBinding: HostBinding, onEmpty: () => void): void {
    if (hostBinding.connections.size === 0) {
      onEmpty();
      return;
    }
    hostBinding.whenEmpty = () => {
      // The last completion runs in a DPC; a promise's continuation does not.
      void Promise.resolve().then(onEmpty);
    };
    for (const connection of hostBinding.connections) {
      void connection.terminate();
      // One that was lost before gets its second terminate now, whether the target asks for it or not.
      connection.uploadNow();
    }
  }

  protocolStatusEx(hostBinding: HostBinding, statusIndication: NdisStatusIndication): void {
    switch (statusIndication.statusCode) {
      case NDIS_STATUS_OFFLOAD_PAUSE:
        hostBinding.isOffloadPaused = true;
        break;
      case NDIS_STATUS_UPLOAD_ALL:
        hostBinding.isOffloadPaused = true;
        for (const connection of hostBinding.connections) this.uploadLater(connection);
        break;
      case NDIS_STATUS_OFFLOAD_RESUME:
        hostBinding.isOffloadPaused = false;
        hostBinding.capabilities = statusIndication.statusBuffer as NdisTcpConnectionOffload | null;
        break;
      default:
    }
  }

  // --- completions ---

  protocolInitiateOffloadComplete(_hostBinding: HostBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    connectionOf(offloadBlockList).initiateCompleted(offloadBlockList);
  }

  protocolTerminateOffloadComplete(_hostBinding: HostBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    connectionOf(offloadBlockList).terminateCompleted(offloadBlockList);
  }

  protocolUpdateOffloadComplete(): void {
    // The host does not update yet.
  }

  protocolInvalidateOffloadComplete(): void {
    // The host does not invalidate yet.
  }

  protocolQueryOffloadComplete(): void {
    // The host does not query yet.
  }

  protocolTcpOffloadSendComplete(_hostBinding: HostBinding, netBufferList: NetBufferList): void {
    this.endRequests(netBufferList);
  }

  protocolTcpOffloadReceiveComplete(_hostBinding: HostBinding, netBufferList: NetBufferList): void {
    this.endRequests(netBufferList);
  }

  protocolTcpOffloadDisconnectComplete(_hostBinding: HostBinding, netBufferList: NetBufferList | null): void {
    if (netBufferList !== null) this.endRequests(netBufferList);
  }

  protocolTcpOffloadForwardComplete(): void {
    // The host does not forward yet.
  }

  private endRequests(list: NetBufferList): void {
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const { next, status, tcpOffloadBytesTransferred }: NetBufferList = nbl;
      const request = this.requests.requestOf(nbl);
      nbl.next = null;
      this.requests.release(nbl);
      request.end(status, tcpOffloadBytesTransferred);
      nbl = next;
    }
  }

  // --- indications ---

  protocolTcpOffloadEvent(offloadContext: OffloadHandle<ChimneyConnection>, eventType: number, eventSpecificInformation: number): void {
    offloadContext.owner.takeEvent(eventType, eventSpecificInformation);
  }

  protocolTcpOffloadReceiveIndicate(
    offloadContext: OffloadHandle<ChimneyConnection>,
    netBufferList: NetBufferList,
    _status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS {
    return offloadContext.owner.indicated(netBufferList, bytesConsumed);
  }

  protocolSendNetBufferListsComplete(): void {
    // The host does not use the ordinary path yet.
  }

  protocolReceiveNetBufferLists(
    hostBinding: HostBinding,
    netBufferList: NetBufferList,
    _portNumber: number,
    _numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void {
    const mustNotKeep = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
    // There is no host stack above that would take packets: they go back.
    if (!mustNotKeep) hostBinding.binding.returnNetBufferLists(netBufferList, 0);
  }

  // --- services for connections ---

  returnLater(binding: NdisBinding, netBufferList: NetBufferList): void {
    this.returns.push({ binding, list: netBufferList });
    this.ndis.dpcQueue.insert(this.dpc);
  }

  uploadLater(connection: ChimneyConnection): void {
    this.uploads.push(connection);
    this.ndis.dpcQueue.insert(this.dpc);
  }

  remove(connection: ChimneyConnection): void {
    for (const hostBinding of this.bindings.values()) {
      if (hostBinding.connections.has(connection)) hostBinding.remove(connection);
    }
  }

  reportLost(binding: NdisBinding, netBufferLists: readonly NetBufferList[]): void {
    this.ndis.reportViolation({
      rule: 'CHIM-TRM-007',
      actor: binding.adapterName,
      detail: `the terminate completed with ${netBufferLists.length} requests neither completed nor handed back`,
      objects: netBufferLists,
      page: 'nf-ndischimney-ndismterminateoffloadcomplete.md',
    });
  }

  runDpc(): void {
    const { returns, uploads } = this;
    this.returns = [];
    this.uploads = [];
    for (const { binding, list } of returns) binding.offloadTcpReceiveReturn(list);
    for (const connection of uploads) connection.uploadNow();
  }
}

/** The status an offload ends with before it begins; NDIS_STATUS_SUCCESS when it may. */
function whyNot(hostBinding: HostBinding): NDIS_STATUS {
  if (hostBinding.isClosing) return NDIS_STATUS_FAILURE;
  if (!hostBinding.isRunning || hostBinding.isOffloadPaused) return NDIS_STATUS_PAUSED;
  return hostBinding.capabilities !== null && hostBinding.isEnabled ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_SUPPORTED;
}

/** The connection a tree of this host is about. */
function connectionOf(root: ProtocolOffloadBlockList): ChimneyConnection {
  for (let block: ProtocolOffloadBlockList | null = root; block !== null; block = block.dependentBlockList) {
    if (block.offloadHandle !== null) return block.offloadHandle.owner as ChimneyConnection;
  }
  throw new TypeError('the block list is not one of this host');
}
