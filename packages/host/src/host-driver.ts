import {
  Dpc,
  INDICATE_OFFLOAD_EVENT,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NET_PNP_EVENT_CODE,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisTcpConnectionOffload,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  TCP_OFFLOAD_EVENT_TYPE,
  isMandatoryUpload,
  type BytesConsumed,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type DeferredRoutine,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisBinding,
  type NdisLibrary,
  type NdisOidRequest,
  type NdisProtocolHandle,
  type NdisStatusIndication,
  type NdisTcpConnectionOffloadParameters,
  type NetBufferList,
  type NetBufferListPool,
  type NetPnPEventNotification,
  type OffloadHandle,
  type ProtocolDriver,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { Subject } from 'rxjs';

import { AdapterRequests, oidRequest } from './adapter-requests.ts';
import type { ChimneyConnection } from './connection.ts';
import { HostAdapter } from './host-adapter.ts';
import type { AdapterEvent, UploadPolicy } from './host-options.ts';
import type { OffloadStateChange, UploadReason } from './offload-state.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import { answerReachability, type ReachabilityPolicy } from './reachability.ts';
import { RequestPool } from './request-pool.ts';
import type { UploadResult } from './results.ts';
import type { StateOperation } from './state-operation.ts';

/** What a driver is made with, defaults filled in. */
export interface HostDriverSettings {
  readonly name: string;
  readonly parameters: NdisTcpConnectionOffloadParameters;
  readonly reachability: ReachabilityPolicy;
  readonly uploadPolicy: UploadPolicy;
}

/** An object that is to be taken back, from a DPC. */
interface LaterWant {
  readonly object: OffloadedObject;
  /** Null: the target lost it, and it is to be terminated once more. */
  readonly reason: UploadReason | null;
}

/** Indicated NBLs that are to be returned, from a DPC. */
interface LaterReturn {
  readonly adapter: HostAdapter;
  readonly list: NetBufferList;
}

/**
 * The protocol driver behind a `ChimneyHost`: what NDIS calls. It finds the object or request that a call is about and
 * lets that do the rest.
 */
export class HostDriver
  implements
    ProtocolDriver<HostAdapter>,
    ClientChimneyOffloadGenericHandlers<HostAdapter>,
    ClientChimneyOffloadTcpHandlers<HostAdapter, ChimneyConnection>,
    DeferredRoutine
{
  readonly name: string;
  readonly ndis: NdisLibrary;
  readonly requests: RequestPool;
  readonly pool: NetBufferListPool;
  readonly adapters: Map<NdisBinding, HostAdapter> = new Map<NdisBinding, HostAdapter>();
  readonly changes: Subject<OffloadStateChange> = new Subject<OffloadStateChange>();
  readonly uploads: Subject<UploadResult> = new Subject<UploadResult>();
  readonly adapterEvents: Subject<AdapterEvent> = new Subject<AdapterEvent>();
  /** The registration; valid after `ChimneyHost.register`. */
  ndisProtocolHandle!: NdisProtocolHandle;
  private readonly settings: HostDriverSettings;
  private readonly dpc: Dpc = new Dpc(this);
  private returns: LaterReturn[] = [];
  private wants: LaterWant[] = [];

  constructor(ndis: NdisLibrary, settings: HostDriverSettings) {
    this.ndis = ndis;
    this.name = settings.name;
    this.settings = settings;
    this.pool = ndis.allocateNetBufferListPool(this.name);
    this.requests = new RequestPool(this.pool);
  }

  // --- life cycle ---

  protocolSetOptions(ndisProtocolHandle: NdisProtocolHandle): NDIS_STATUS {
    const status = ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
  }

  protocolBindAdapterEx(bindContext: NdisBindContext, { adapterName, tcpConnectionOffloadCapabilities }: NdisBindParameters): NDIS_STATUS {
    const adapter = new HostAdapter(this, adapterName, bindContext, tcpConnectionOffloadCapabilities, this.settings.parameters);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, adapter, bindContext);
    if (ndisBindingHandle === null) return status;
    adapter.binding = ndisBindingHandle;
    adapter.requests = new AdapterRequests(adapter);
    return status === NDIS_STATUS_SUCCESS ? this.opened(adapter) : status;
  }

  protocolOpenAdapterCompleteEx(adapter: HostAdapter, status: NDIS_STATUS): void {
    const result = status === NDIS_STATUS_SUCCESS ? this.opened(adapter) : status;
    if (result !== NDIS_STATUS_PENDING) adapter.bindContext.completeBindAdapterEx(result);
  }

  private opened(adapter: HostAdapter): NDIS_STATUS {
    this.adapters.set(adapter.binding, adapter);
    this.adapterEvents.next({ adapterName: adapter.name, type: 'bound' });
    return adapter.capabilities === null ? NDIS_STATUS_SUCCESS : enable(adapter);
  }

  protocolOidRequestComplete(adapter: HostAdapter, request: NdisOidRequest, status: NDIS_STATUS): void {
    adapter.requests.ended(request, status);
  }

  protocolUnbindAdapterEx(adapter: HostAdapter): NDIS_STATUS {
    adapter.isClosing = true;
    let isOver = false;
    let isPending = false;
    const ended = (): void => {
      isOver = true;
      this.adapters.delete(adapter.binding);
      this.adapterEvents.next({ adapterName: adapter.name, type: 'unbound' });
      if (isPending) adapter.binding.completeUnbindAdapterEx();
    };
    adapter.empty('unbind', () => {
      adapter.whenClosed = ended;
      // What a target will not give back, objects or requests, cannot be closed over: NDIS ends such a binding by force.
      const isOwed = adapter.givenUp > 0 || adapter.binding.outstandingNetBufferLists > 0;
      if (isOwed || adapter.binding.closeAdapterEx() === NDIS_STATUS_SUCCESS) ended();
    });
    if (isOver) return NDIS_STATUS_SUCCESS;
    isPending = true;
    return NDIS_STATUS_PENDING;
  }

  protocolCloseAdapterCompleteEx(adapter: HostAdapter): void {
    adapter.whenClosed?.();
  }

  protocolNetPnPEvent(adapter: HostAdapter, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    if (netPnPEvent.netEvent !== NET_PNP_EVENT_CODE.NetEventPause) {
      if (netPnPEvent.netEvent === NET_PNP_EVENT_CODE.NetEventRestart) adapter.isRunning = true;
      return NDIS_STATUS_SUCCESS;
    }
    adapter.isRunning = false;
    let isOver = false;
    let isPending = false;
    adapter.empty('pause', () => {
      isOver = true;
      if (isPending) adapter.binding.completeNetPnPEvent(netPnPEvent, NDIS_STATUS_SUCCESS);
    });
    if (isOver) return NDIS_STATUS_SUCCESS;
    isPending = true;
    return NDIS_STATUS_PENDING;
  }

  protocolStatusEx(adapter: HostAdapter, { statusCode, statusBuffer }: NdisStatusIndication): void {
    const adapterName = adapter.name;
    switch (statusCode) {
      case NDIS_STATUS_OFFLOAD_PAUSE:
        adapter.isOffloadPaused = true;
        this.adapterEvents.next({ adapterName, type: 'offloadPause' });
        break;
      case NDIS_STATUS_UPLOAD_ALL:
        adapter.isOffloadPaused = true;
        for (const object of adapter.away) this.wantLater(object, 'uploadAll');
        this.adapterEvents.next({ adapterName, type: 'uploadAll' });
        break;
      case NDIS_STATUS_OFFLOAD_RESUME:
        // The capabilities are asked for again before anything is offered (CHIM-TRM-020).
        adapter.capabilities = adapter.requests.queryCapabilities() ?? copyOf(statusBuffer);
        adapter.isOffloadPaused = false;
        this.adapterEvents.next({ adapterName, type: 'offloadResume' });
        break;
      case NDIS_STATUS_MEDIA_DISCONNECT:
        this.adapterEvents.next({ adapterName, type: 'mediaDisconnect' });
        break;
      case NDIS_STATUS_MEDIA_CONNECT:
        this.adapterEvents.next({ adapterName, type: 'mediaConnect' });
        break;
      default:
    }
  }

  // --- completions ---

  protocolInitiateOffloadComplete(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    completeOperation(offloadBlockList);
  }

  protocolTerminateOffloadComplete(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    completeOperation(offloadBlockList);
  }

  protocolUpdateOffloadComplete(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    completeOperation(offloadBlockList);
  }

  protocolInvalidateOffloadComplete(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    completeOperation(offloadBlockList);
  }

  protocolQueryOffloadComplete(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    completeOperation(offloadBlockList);
  }

  protocolTcpOffloadSendComplete(_adapter: HostAdapter, netBufferList: NetBufferList): void {
    this.requests.completed(netBufferList);
  }

  protocolTcpOffloadReceiveComplete(_adapter: HostAdapter, netBufferList: NetBufferList): void {
    this.requests.completed(netBufferList);
  }

  protocolTcpOffloadDisconnectComplete(_adapter: HostAdapter, netBufferList: NetBufferList | null): void {
    // The page does not exclude NULL (CHIM-DSC-016).
    if (netBufferList !== null) this.requests.completed(netBufferList);
  }

  protocolTcpOffloadForwardComplete(_adapter: HostAdapter, netBufferList: NetBufferList): void {
    this.requests.completed(netBufferList);
  }

  // --- indications ---

  protocolIndicateOffloadEvent(_adapter: HostAdapter, offloadBlockList: ProtocolOffloadBlockList, indicationCode: number): void {
    if (indicationCode === INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery) answerReachability(offloadBlockList, this.settings.reachability);
  }

  protocolTcpOffloadEvent({ owner }: OffloadHandle<ChimneyConnection>, eventType: number, information: number): void {
    switch (eventType) {
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange:
        owner.notice({ type: 'sendBacklogChange', bytes: information });
        break;
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect:
        owner.notice({ type: 'disconnect' });
        break;
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve: {
        const isMandatory = isMandatoryUpload(information);
        const isObeyed = isMandatory || this.settings.uploadPolicy({ connection: owner, reason: information });
        if (isObeyed) this.wantLater(owner, 'retrieve');
        owner.notice({ type: 'retrieve', reason: information, isMandatory, isObeyed });
        break;
      }
      case TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort:
        this.wantLater(owner, 'abort');
        owner.notice({ type: 'abort' });
        break;
      default:
    }
  }

  protocolTcpOffloadReceiveIndicate({ owner }: OffloadHandle<ChimneyConnection>, netBufferList: NetBufferList, _status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    const status = owner.indicated(netBufferList, bytesConsumed);
    if (status === NDIS_STATUS_SUCCESS) this.returnLater(owner.adapter, netBufferList);
    return status;
  }

  protocolSendNetBufferListsComplete(): void {
    // The host sends nothing on the ordinary path.
  }

  protocolReceiveNetBufferLists(adapter: HostAdapter, netBufferList: NetBufferList, _portNumber: number, _count: number, receiveFlags: number): void {
    // There is no host stack above that would take packets: they go back.
    if ((receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) === 0) adapter.binding.returnNetBufferLists(netBufferList, 0);
  }

  // --- from DPCs ---

  /** Gives indicated NBLs back, from a DPC: not before the indication has returned. */
  returnLater(adapter: HostAdapter, netBufferList: NetBufferList): void {
    this.returns.push({ adapter, list: netBufferList });
    this.ndis.dpcQueue.insert(this.dpc);
  }

  wantLater(object: OffloadedObject, reason: UploadReason | null): void {
    this.wants.push({ object, reason });
    this.ndis.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { returns, wants } = this;
    this.returns = [];
    this.wants = [];
    returnAll(returns);
    const adapters = new Set<HostAdapter>();
    for (const { object, reason } of wants) {
      if (reason === null) object.adapter.recover(object);
      else object.adapter.want(object, reason);
      adapters.add(object.adapter);
    }
    for (const adapter of adapters) adapter.pump();
  }
}

/** Returns NBLs in one list per adapter, oldest first; a list may mix indications and connections. */
function returnAll(returns: readonly LaterReturn[]): void {
  const tails = new Map<HostAdapter, { readonly head: NetBufferList; tail: NetBufferList }>();
  for (const { adapter, list } of returns) {
    const before = tails.get(adapter);
    let last = list;
    while (last.next !== null) last = last.next;
    if (before === undefined) tails.set(adapter, { head: list, tail: last });
    else {
      before.tail.next = list;
      before.tail = last;
    }
  }
  for (const [adapter, { head }] of tails) adapter.binding.offloadTcpReceiveReturn(head);
}

function completeOperation(root: ProtocolOffloadBlockList): void {
  (root.protocolReserved0 as StateOperation).completed(root);
}

/** Enables the chimney on a binding: nothing is offloaded before. A refusal leaves it disabled. */
function enable(adapter: HostAdapter): NDIS_STATUS {
  let isOver = false;
  let isPending = false;
  adapter.requests.start(oidRequest(OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, true, adapter.parameters), (ended) => {
    adapter.isEnabled = ended === NDIS_STATUS_SUCCESS;
    isOver = true;
    if (isPending) adapter.bindContext.completeBindAdapterEx(NDIS_STATUS_SUCCESS);
  });
  // A request may be completed from inside the call that answers NDIS_STATUS_PENDING.
  if (isOver) return NDIS_STATUS_SUCCESS;
  isPending = true;
  return NDIS_STATUS_PENDING;
}

function copyOf(statusBuffer: unknown): NdisTcpConnectionOffload | null {
  return statusBuffer === null ? null : new NdisTcpConnectionOffload().copyFrom(statusBuffer as NdisTcpConnectionOffload);
}
