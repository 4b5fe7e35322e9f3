// Host and target of the dispatch benchmarks: drivers that do nothing but their part of the contract, so that what is
// left to measure is core and the drivers between.
import {
  Dpc,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisMiniportAdapterRegistrationAttributes,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  NetBuffer,
  NetBufferList,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  BlockWalk,
  createProtocolOffloadBlockList,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type DeferredRoutine,
  type DpcQueue,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisProtocolHandle,
  type NdisTcpOffloadEventHandlers,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

/** Queues what it is sent and completes it all as one list in the next DPC. */
export class BenchTarget
  implements MiniportDriver<BenchTarget>, ProviderChimneyOffloadGenericHandlers<BenchTarget>, ProviderChimneyOffloadTcpHandlers<BenchTarget, object>, DeferredRoutine
{
  readonly name = 'bench target';
  private miniport!: NdisMiniport;
  private handlers!: NdisTcpOffloadEventHandlers;
  private dpcQueue!: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private readonly walk = new BlockWalk<MiniportOffloadBlockList>();
  private head: NetBufferList | null = null;
  private tail: NetBufferList | null = null;

  miniportSetOptions(handle: NdisMiniportDriverHandle): NDIS_STATUS {
    handle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
    return handle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
  }

  miniportInitializeEx(miniport: NdisMiniport): NDIS_STATUS {
    const attributes = new NdisMiniportAdapterRegistrationAttributes<BenchTarget>();
    attributes.miniportAdapterContext = this;
    miniport.setMiniportAttributes(attributes);
    this.miniport = miniport;
    this.dpcQueue = miniport.ndis.dpcQueue;
    const { status, offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
    if (offloadHandlers !== null) this.handlers = offloadHandlers;
    return status;
  }

  miniportTcpOffloadSend(_adapter: BenchTarget, _connection: object, list: NetBufferList): NDIS_STATUS {
    if (this.tail === null) this.head = list;
    else this.tail.next = list;
    let last = list;
    for (;;) {
      last.status = 0;
      // The NBLs are empty.
      last.tcpOffloadBytesTransferred = 0;
      if (last.next === null) break;
      last = last.next;
    }
    this.tail = last;
    if (!this.dpc.isQueued) this.dpcQueue.insert(this.dpc);
    return NDIS_STATUS_PENDING;
  }

  runDpc(): void {
    const list = this.head;
    this.head = null;
    this.tail = null;
    if (list !== null) this.handlers.tcpOffloadSendComplete(list);
  }

  miniportInitiateOffload(_adapter: BenchTarget, tree: MiniportOffloadBlockList): void {
    for (let block: MiniportOffloadBlockList | null = this.walk.start(tree); block !== null; block = this.walk.next(block)) {
      if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = this;
      block.status = NDIS_STATUS_SUCCESS;
    }
    this.miniport.initiateOffloadComplete(tree);
  }

  miniportTerminateOffload(_adapter: BenchTarget, tree: MiniportOffloadBlockList): void {
    for (let block: MiniportOffloadBlockList | null = this.walk.start(tree); block !== null; block = this.walk.next(block)) {
      block.status = NDIS_STATUS_SUCCESS;
    }
    this.miniport.terminateOffloadComplete(tree);
  }

  miniportUpdateOffload(): void {
    throw new Error('not measured');
  }

  miniportInvalidateOffload(): void {
    throw new Error('not measured');
  }

  miniportQueryOffload(): void {
    throw new Error('not measured');
  }

  miniportTcpOffloadReceive(): NDIS_STATUS {
    throw new Error('not measured');
  }

  miniportTcpOffloadDisconnect(): NDIS_STATUS {
    throw new Error('not measured');
  }

  miniportTcpOffloadForward(): NDIS_STATUS {
    throw new Error('not measured');
  }

  miniportTcpOffloadReceiveReturn(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportPause(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  miniportHaltEx(): void {
    // Nothing to free.
  }

  miniportOidRequest(): NDIS_STATUS {
    return NDIS_STATUS_NOT_SUPPORTED;
  }

  miniportSendNetBufferLists(): void {
    throw new Error('not measured');
  }

  miniportReturnNetBufferLists(): void {
    throw new Error('not measured');
  }
}

/** Sends bursts of lists on one offloaded connection and waits until every NBL of a burst has come back. */
export class BenchHost
  implements ProtocolDriver<BenchHost>, ClientChimneyOffloadGenericHandlers<BenchHost>, ClientChimneyOffloadTcpHandlers<BenchHost, BenchHost>
{
  readonly name = 'bench host';
  readonly ndis: NdisLibrary;
  binding!: NdisBinding;
  connection!: OffloadHandle;
  private protocolHandle!: NdisProtocolHandle;
  private outstanding = 0;
  private resolve: (() => void) | null = null;

  constructor(ndis: NdisLibrary) {
    this.ndis = ndis;
  }

  protocolSetOptions(handle: NdisProtocolHandle): NDIS_STATUS {
    this.protocolHandle = handle;
    handle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
    return handle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
  }

  protocolBindAdapterEx(bindContext: NdisBindContext): NDIS_STATUS {
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.protocolHandle, this, bindContext);
    if (ndisBindingHandle !== null) this.binding = ndisBindingHandle;
    return status;
  }

  /** Offloads one connection; both completions come before this returns. */
  offload(): void {
    this.connection = new OffloadHandle(this.binding, this);
    this.binding.initiateOffload(createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, this.connection));
  }

  /** One burst: `nbls` in lists of `listLength`, all sent before the first completion can run. */
  burst(nbls: readonly NetBufferList[], listLength: number): Promise<void> {
    this.outstanding = nbls.length;
    for (let at = 0; at < nbls.length; at += listLength) {
      const head = nbls[at];
      if (head === undefined) break;
      let last = head;
      for (let i = 1; i < listLength; i++) {
        const nbl = nbls[at + i];
        if (nbl === undefined) break;
        last.next = nbl;
        last = nbl;
      }
      this.binding.offloadTcpSend(this.connection, head);
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  protocolTcpOffloadSendComplete(_host: BenchHost, list: NetBufferList): void {
    let count = 0;
    let nbl: NetBufferList | null = list;
    while (nbl !== null) {
      const next: NetBufferList | null = nbl.next;
      if (nbl.status === 0) count++;
      nbl.next = null;
      nbl = next;
    }
    this.outstanding -= count;
    if (this.outstanding === 0 && this.resolve !== null) {
      const resolve = this.resolve;
      this.resolve = null;
      resolve();
    }
  }

  protocolInitiateOffloadComplete(): void {
    // The handle says how it went.
  }

  protocolTerminateOffloadComplete(): void {
    // The handle says how it went.
  }

  protocolUpdateOffloadComplete(): void {
    throw new Error('not measured');
  }

  protocolInvalidateOffloadComplete(): void {
    throw new Error('not measured');
  }

  protocolQueryOffloadComplete(): void {
    throw new Error('not measured');
  }

  protocolTcpOffloadReceiveComplete(): void {
    throw new Error('not measured');
  }

  protocolTcpOffloadDisconnectComplete(): void {
    throw new Error('not measured');
  }

  protocolTcpOffloadForwardComplete(): void {
    throw new Error('not measured');
  }

  protocolTcpOffloadEvent(): void {
    throw new Error('not measured');
  }

  protocolTcpOffloadReceiveIndicate(): NDIS_STATUS {
    return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
  }

  protocolOpenAdapterCompleteEx(): void {
    // Opens complete at once here.
  }

  protocolUnbindAdapterEx(): NDIS_STATUS {
    this.binding.closeAdapterEx();
    return NDIS_STATUS_SUCCESS;
  }

  protocolCloseAdapterCompleteEx(): void {
    // Closes complete at once here.
  }

  protocolNetPnPEvent(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  protocolStatusEx(): void {
    // None is indicated here.
  }

  protocolSendNetBufferListsComplete(): void {
    throw new Error('not measured');
  }

  protocolReceiveNetBufferLists(): void {
    throw new Error('not measured');
  }

  protocolOidRequestComplete(): void {
    throw new Error('not measured');
  }
}

/** NBLs as a host has them: one NET_BUFFER each. */
export function createNbls(count: number): NetBufferList[] {
  return Array.from({ length: count }, () => new NetBufferList(new NetBuffer()));
}
