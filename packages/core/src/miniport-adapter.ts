import {
  DDI_CROSSING,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  NdisObjectHeader,
  NdisTcpConnectionOffload,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  type BytesConsumed,
  type DdiCrossing,
  type GetOffloadHandlersResult,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportAdapterAttributes,
  type NdisMiniportAdapterGeneralAttributes,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NdisTcpConnectionOffloadParameters,
  type NdisTcpOffloadEventHandlers,
  type NetBuffer,
  type NetBufferList,
  type NetBufferListContextPool,
  type OffloadHandle,
  type ScatterGatherList,
} from '@ndis-chimney/types';

import { pauseCompleted, restartCompleted, setAttributes } from './adapter-life-cycle.ts';
import type { Binding } from './binding.ts';
import { deliver, deliverMixed } from './completion.ts';
import { answerOf, beginIndication, endIndication, indicateBlock } from './indication.ts';
import type { Ndis } from './ndis.ts';
import { completeOrdinarySend, indicateOrdinary } from './non-offload-path.ts';
import { completeOid } from './oid-path.ts';
import { OPERATION } from './operation-record.ts';
import type { ContextUsage, NdisContextPool } from './pools/context-pool.ts';
import type { MiniportRegistration, ProtocolRegistration } from './registration.ts';
import { allocateScatterGatherList, freeScatterGatherList } from './scatter-gather.ts';
import { popAndUntag } from './relay-tags.ts';
import { describeValue, untagUp } from './source-tags.ts';
import { completeOperation } from './state-operations.ts';
import { indicateStatus } from './status-path.ts';

// Local names of what the data path uses: the engine looks an import up on every use, and folds these.
const untag = untagUp;
const popToo = popAndUntag;

function copyOfOffload(offload: NdisTcpConnectionOffload | null): NdisTcpConnectionOffload | null {
  return offload === null ? null : new NdisTcpConnectionOffload().copyFrom(offload);
}

/** Where an adapter stands in its life. */
export type AdapterState = 'initializing' | 'paused' | 'restarting' | 'running' | 'pausing' | 'halted';

/**
 * One adapter, real or virtual. The completions of the data path are here, in full; what happens seldom is in the files
 * that are imported. The six entry points of the TCP chimney are methods of the same object, which is its own
 * `NdisTcpOffloadEventHandlers`.
 */
export class MiniportAdapter implements NdisMiniport, NdisTcpOffloadEventHandlers {
  readonly ndis: Ndis;
  readonly name: string;
  readonly registration: MiniportRegistration;
  /** The driver object, as contexts name their owner. */
  readonly driver: MiniportDriver<never>;
  readonly contextUsage: ContextUsage;
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
    NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
    NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  );
  state: AdapterState = 'initializing';
  adapterContext: unknown = null;
  generalAttributes: NdisMiniportAdapterGeneralAttributes | null = null;
  /** What the offload attributes said, kept up to date from status indications; the adapter's own copies. */
  configuredOffload: NdisTcpConnectionOffload | null = null;
  hardwareOffload: NdisTcpConnectionOffload | null = null;
  readonly bindings: Binding[] = [];
  /** What OID_TCP_CONNECTION_OFFLOAD_PARAMETERS was last set to, successfully; the adapter's own copy. */
  connectionOffloadParameters: NdisTcpConnectionOffloadParameters | null = null;
  /** True once the adapter is to be halted: nobody binds to it any more. */
  isGoing = false;
  /** State changes waiting for their turn; the first is under way. */
  readonly transitions: (() => void)[] = [];
  /** Called once when a pause or restart that had to wait is over. */
  whenTransitioned: ((status: NDIS_STATUS) => void) | null = null;

  constructor(ndis: Ndis, registration: MiniportRegistration, name: string) {
    this.ndis = ndis;
    this.registration = registration;
    this.driver = registration.driver;
    this.contextUsage = ndis.contextUsageOf(registration.driver);
    this.name = name;
  }

  /** A copy of what the adapter can offload as configured now; null when it cannot, or its driver blocks the chimney. */
  get currentConnectionOffload(): NdisTcpConnectionOffload | null {
    return this.registration.hasChimney ? copyOfOffload(this.configuredOffload) : null;
  }

  /** A copy of what the adapter's hardware can offload, whatever is configured. */
  get hardwareConnectionOffload(): NdisTcpConnectionOffload | null {
    return this.registration.hasChimney ? copyOfOffload(this.hardwareOffload) : null;
  }

  get outstandingNetBufferLists(): number {
    let count = 0;
    for (const binding of this.bindings) count += binding.outstandingNbls;
    return count;
  }

  get indicatedNetBufferLists(): number {
    let count = 0;
    for (const binding of this.bindings) count += binding.indicatedNbls;
    return count;
  }

  /** True when a binding of this protocol driver is on the adapter. */
  hasBindingOf(protocol: ProtocolRegistration): boolean {
    for (const binding of this.bindings) {
      if (binding.upper === protocol) return true;
    }
    return false;
  }

  tcpOffloadSendComplete(netBufferList: NetBufferList): void {
    const crossing = DDI_CROSSING.tcpOffloadSendComplete;
    const binding = untag(this, netBufferList, 'NdisTcpOffloadSendComplete');
    if (binding === null || binding.observer !== null) {
      this.completeSlowly(binding, netBufferList, crossing);
      return;
    }
    try {
      binding.clientTcp.protocolTcpOffloadSendComplete(binding.protocolBindingContext, netBufferList);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [netBufferList]);
    }
  }

  tcpOffloadReceiveComplete(netBufferList: NetBufferList): void {
    const crossing = DDI_CROSSING.tcpOffloadReceiveComplete;
    const binding = untag(this, netBufferList, 'NdisTcpOffloadReceiveComplete');
    if (binding === null || binding.observer !== null) {
      this.completeSlowly(binding, netBufferList, crossing);
      return;
    }
    try {
      binding.clientTcp.protocolTcpOffloadReceiveComplete(binding.protocolBindingContext, netBufferList);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [netBufferList]);
    }
  }

  relayTcpSendComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void {
    const crossing = DDI_CROSSING.tcpOffloadSendComplete;
    const binding = popToo(this, netBufferList, contexts as NdisContextPool);
    if (binding === null) {
      (contexts as NdisContextPool).popAll(netBufferList);
      this.tcpOffloadSendComplete(netBufferList);
      return;
    }
    if (binding.observer !== null) {
      (contexts as NdisContextPool).notifyPopped(binding.crossed);
      this.completeSlowly(binding, netBufferList, crossing);
      return;
    }
    try {
      binding.clientTcp.protocolTcpOffloadSendComplete(binding.protocolBindingContext, netBufferList);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [netBufferList]);
    }
  }

  relayTcpReceiveComplete(netBufferList: NetBufferList, contexts: NetBufferListContextPool): void {
    const crossing = DDI_CROSSING.tcpOffloadReceiveComplete;
    const binding = popToo(this, netBufferList, contexts as NdisContextPool);
    if (binding === null) {
      (contexts as NdisContextPool).popAll(netBufferList);
      this.tcpOffloadReceiveComplete(netBufferList);
      return;
    }
    if (binding.observer !== null) {
      (contexts as NdisContextPool).notifyPopped(binding.crossed);
      this.completeSlowly(binding, netBufferList, crossing);
      return;
    }
    try {
      binding.clientTcp.protocolTcpOffloadReceiveComplete(binding.protocolBindingContext, netBufferList);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [netBufferList]);
    }
  }

  tcpOffloadForwardComplete(netBufferList: NetBufferList): void {
    const crossing = DDI_CROSSING.tcpOffloadForwardComplete;
    this.completeSlowly(untag(this, netBufferList, crossing.call), netBufferList, crossing);
  }

  tcpOffloadDisconnectComplete(netBufferList: NetBufferList): void {
    const crossing = DDI_CROSSING.tcpOffloadDisconnectComplete;
    if ((netBufferList as NetBufferList | null)?.next != null) {
      throw this.ndis.violation('CHIM-DSC-011', this.registration.name, `${crossing.call}: a disconnect completes one NET_BUFFER_LIST, this is a list`, [netBufferList]);
    }
    this.completeSlowly(untag(this, netBufferList, crossing.call), netBufferList, crossing);
  }

  /** A completion that is observed, mixes bindings, or is of a kind that is never many. */
  private completeSlowly(binding: Binding | null, list: NetBufferList, crossing: DdiCrossing): void {
    if (binding === null) deliverMixed(list, crossing, 0);
    else deliver(binding, list, binding.crossed, crossing, 0);
  }

  tcpOffloadReceiveHandler(
    ndisOffloadHandle: OffloadHandle,
    netBufferList: NetBufferList,
    status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS {
    const crossing = DDI_CROSSING.tcpOffloadReceiveHandler;
    const binding = beginIndication(this, ndisOffloadHandle, netBufferList, status, crossing);
    if (typeof bytesConsumed !== 'object' || bytesConsumed === null) {
      throw new TypeError(`${crossing.call} (called by ${this.registration.name}): bytesConsumed is ${describeValue(bytesConsumed)}, not a BytesConsumed`);
    }
    const before = netBufferList.sourceHandle;
    const length = netBufferList.firstNetBuffer?.dataLength ?? 0;
    netBufferList.sourceHandle = this;
    bytesConsumed.value = 0;
    if (binding.observer !== null) {
      try {
        binding.observer.enter(crossing, binding, netBufferList, 1, 0, ndisOffloadHandle);
      } catch (error) {
        netBufferList.sourceHandle = before;
        throw error;
      }
    }
    // Counted before the call: the upper driver may give the NBL back before it returns.
    binding.indicatedNbls++;
    ndisOffloadHandle.ndisIndicationDepth++;
    let result: NDIS_STATUS;
    try {
      result = binding.clientTcp.protocolTcpOffloadReceiveIndicate(ndisOffloadHandle, netBufferList, status, bytesConsumed);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [netBufferList]);
      result = NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
      bytesConsumed.value = 0;
    }
    ndisOffloadHandle.ndisIndicationDepth--;
    result = answerOf(binding, netBufferList, length, result, bytesConsumed);
    if (result !== NDIS_STATUS_SUCCESS) endIndication(binding, netBufferList, before);
    if (binding.observer !== null) binding.observer.leave(crossing, binding, netBufferList, result, bytesConsumed.value, ndisOffloadHandle);
    return result;
  }

  tcpOffloadEventHandler(ndisOffloadHandle: OffloadHandle, eventType: number, eventSpecificInformation: number): void {
    const crossing = DDI_CROSSING.tcpOffloadEventHandler;
    const binding = beginIndication(this, ndisOffloadHandle, null, NDIS_STATUS_SUCCESS, crossing);
    if (binding.observer !== null) binding.observer.enter(crossing, binding, ndisOffloadHandle, eventSpecificInformation, eventType, ndisOffloadHandle);
    ndisOffloadHandle.ndisIndicationDepth++;
    try {
      binding.clientTcp.protocolTcpOffloadEvent(ndisOffloadHandle, eventType, eventSpecificInformation);
    } catch (error) {
      this.ndis.reportEscaped(binding.upper.name, crossing.entry, error, [ndisOffloadHandle]);
    }
    ndisOffloadHandle.ndisIndicationDepth--;
    if (binding.observer !== null) binding.observer.leave(crossing, binding, ndisOffloadHandle, NDIS_STATUS_SUCCESS, eventSpecificInformation, ndisOffloadHandle);
  }

  initiateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void {
    completeOperation(this, OPERATION.initiate, offloadBlockList);
  }

  terminateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void {
    completeOperation(this, OPERATION.terminate, offloadBlockList);
  }

  updateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void {
    completeOperation(this, OPERATION.update, offloadBlockList);
  }

  invalidateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void {
    completeOperation(this, OPERATION.invalidate, offloadBlockList);
  }

  queryOffloadStateComplete(offloadBlockList: MiniportOffloadBlockList): void {
    completeOperation(this, OPERATION.query, offloadBlockList);
  }

  offloadEventIndicate(offloadBlockList: MiniportOffloadBlockList, indicationCode: number): void {
    indicateBlock(this, offloadBlockList, indicationCode);
  }

  indicateStatusEx(statusIndication: NdisStatusIndication): void {
    indicateStatus(this, statusIndication);
  }

  sendNetBufferListsComplete(netBufferList: NetBufferList, sendCompleteFlags: number): void {
    completeOrdinarySend(this, netBufferList, sendCompleteFlags);
  }

  indicateReceiveNetBufferLists(
    netBufferList: NetBufferList,
    portNumber: number,
    numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void {
    indicateOrdinary(this, netBufferList, portNumber, numberOfNetBufferLists, receiveFlags);
  }

  oidRequestComplete(oidRequest: NdisOidRequest, status: NDIS_STATUS): void {
    completeOid(this, oidRequest, status);
  }

  setMiniportAttributes(attributes: NdisMiniportAdapterAttributes): NDIS_STATUS {
    return setAttributes(this, attributes);
  }

  getOffloadHandlers(chimneyType: number): GetOffloadHandlersResult {
    if (chimneyType !== NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload || !this.registration.hasChimney) {
      return { status: NDIS_STATUS_NOT_SUPPORTED, offloadHandlers: null };
    }
    return { status: NDIS_STATUS_SUCCESS, offloadHandlers: this };
  }

  pauseComplete(): void {
    pauseCompleted(this);
  }

  restartComplete(status: NDIS_STATUS): void {
    restartCompleted(this, status);
  }

  allocateNetBufferSGList(netBuffer: NetBuffer): ScatterGatherList | null {
    return allocateScatterGatherList(netBuffer);
  }

  freeNetBufferSGList(scatterGatherList: ScatterGatherList, netBuffer: NetBuffer): void {
    freeScatterGatherList(this, scatterGatherList, netBuffer);
  }
}
