import {
  DDI_CROSSING,
  NDIS_STATUS_PENDING,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type DdiCrossing,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisOidRequest,
  type NetBufferList,
  type NetBufferListContextPool,
  type NetBufferListSource,
  type NetPnPEventNotification,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { closeBinding, completeNetPnPEvent, completeUnbind, type BindContext, type EventUnderWay } from './binding-life-cycle.ts';
import { GATE } from './gate.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { Ndis } from './ndis.ts';
import { returnReceived, sendOrdinary } from './non-offload-path.ts';
import { requestOid } from './oid-path.ts';
import { passDownSlowly, relaySlowly } from './data-down.ts';
import { NoChimneyClient } from './no-chimney-client.ts';
import type { ObserverList } from './observer-list.ts';
import { OPERATION } from './operation-record.ts';
import { NOT_CROSSED, thrown } from './outcome.ts';
import type { NdisContextPool } from './pools/context-pool.ts';
import type { ProtocolRegistration } from './registration.ts';
import { returnIndicated } from './receive-return.ts';
import { tagAndPush } from './relay-tags.ts';
import { tagDown } from './source-tags.ts';
import { startOperation } from './state-operations.ts';

// Local names of what the data path uses: the engine looks an import up on every use, and folds these.
const PENDING = NDIS_STATUS_PENDING;
const NOTHING = NOT_CROSSED;
const SEND: DdiCrossing = DDI_CROSSING.offloadTcpSend;
const RECEIVE: DdiCrossing = DDI_CROSSING.offloadTcpReceive;
const tag = tagDown;
const tagToo = tagAndPush;

/** What {@link Binding.openTo} is while the gate is shut: nothing that a handle, or what is passed for one, can hold. */
const SHUT: object = { toString: (): string => 'SHUT' };

/**
 * One binding. The data path is here, in full; what happens seldom is in the files that are imported.
 *
 * Path members are fused when the binding opens: the handlers above and below are read from here, not looked up.
 */
export class Binding implements NdisBinding {
  readonly ndis: Ndis;
  readonly protocolBindingContext: unknown;
  readonly upper: ProtocolRegistration;
  readonly lower: MiniportAdapter;
  readonly adapterContext: never;
  readonly providerGeneric: ProviderChimneyOffloadGenericHandlers<never>;
  readonly providerTcp: ProviderChimneyOffloadTcpHandlers<never, unknown>;
  readonly clientGeneric: ClientChimneyOffloadGenericHandlers<unknown>;
  readonly clientTcp: ClientChimneyOffloadTcpHandlers<unknown, unknown>;
  /**
   * This binding while its gate is open: a data call compares it with the binding its handle is offloaded through, and
   * knows all it needs to know.
   */
  openTo: object = SHUT;
  /** Bits of {@link GATE}; see {@link shut} and {@link unshut}. */
  gate: number = GATE.opening | GATE.paused;
  observer: ObserverList | null;
  /** NBLs below this edge: sends, receives, disconnects, forwards, ordinary sends. */
  outstandingNbls = 0;
  /** State operations below this edge. */
  outstandingOperations = 0;
  /** OID requests below this edge. */
  outstandingOidRequests = 0;
  /** Objects offloaded through this edge. */
  offloadedObjects = 0;
  /** Indicated NBLs the upper driver has kept. */
  indicatedNbls = 0;
  /** A source that was found to be permitted for what goes down here; nearly all lists have it. */
  usualSource: NetBufferListSource | null = null;
  /** A pool that was found to be one of this NDIS; a driver relays with the same one, nearly always. */
  usualContexts: NdisContextPool | null = null;
  /** Length of the list that crossed last; set and read by the data path within one call. */
  crossed = 0;
  /** Called once when a close that had to wait is over. */
  whenClosed: (() => void) | null = null;
  /** Called once when an unbind that had to wait is over. */
  whenUnbound: (() => void) | null = null;
  /** What waits for the binding to be gone. */
  readonly whenRemoved: (() => void)[] = [];
  /** The event that the driver above is dealing with. */
  eventUnderWay: EventUnderWay | null = null;
  /** The bind that the binding was opened in. */
  readonly bindContext: BindContext;

  constructor(ndis: Ndis, upper: ProtocolRegistration, lower: MiniportAdapter, protocolBindingContext: unknown, bindContext: BindContext) {
    this.ndis = ndis;
    this.upper = upper;
    this.lower = lower;
    this.protocolBindingContext = protocolBindingContext;
    this.bindContext = bindContext;
    this.observer = null;
    this.observe(ndis.observers);
    this.adapterContext = lower.adapterContext as never;
    const { providerGeneric, providerTcp } = lower.registration;
    const { clientGeneric, clientTcp } = upper;
    if (!lower.registration.hasChimney || !upper.hasChimney) this.gate |= GATE.blocked;
    // A blocked binding passes nothing down, so that nobody misses a provider.
    this.providerGeneric = providerGeneric as ProviderChimneyOffloadGenericHandlers<never>;
    this.providerTcp = providerTcp as ProviderChimneyOffloadTcpHandlers<never, unknown>;
    const none = clientGeneric === null || clientTcp === null ? new NoChimneyClient(this) : null;
    this.clientGeneric = clientGeneric ?? (none as NoChimneyClient);
    this.clientTcp = clientTcp ?? (none as NoChimneyClient);
  }

  /** Lets a list of observers see what crosses here, or nobody. */
  observe(observers: ObserverList | null): void {
    this.observer = observers;
    if (observers === null) this.unshut(GATE.observed);
    else this.shut(GATE.observed);
  }

  /** Shuts the gate for one more reason. */
  shut(reason: number): void {
    this.gate |= reason;
    this.openTo = SHUT;
  }

  /** Takes one reason away. */
  unshut(reason: number): void {
    this.gate &= ~reason;
    if (this.gate === GATE.open) this.openTo = this;
  }

  get adapterName(): string {
    return this.lower.name;
  }

  get upperName(): string {
    return this.upper.name;
  }

  get lowerName(): string {
    return this.lower.registration.name;
  }

  get isUpperIntermediate(): boolean {
    return this.upper.associated !== null;
  }

  get isLowerIntermediate(): boolean {
    return this.lower.registration.isIntermediate;
  }

  get outstandingNetBufferLists(): number {
    return this.outstandingNbls;
  }

  get indicatedNetBufferLists(): number {
    return this.indicatedNbls;
  }

  // The four calls below are what everything waits for. They are kept so short that the engine can inline a whole
  // stack of them (its budget is in bytes of bytecode, and a stack of three drivers is just within it): bad arguments,
  // refusals, observers, what a driver throws or returns amiss are one call away.

  offloadTcpSend(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS {
    let outcome: unknown = NOTHING;
    try {
      if (ndisOffloadHandle.ndisReserved0 === this.openTo && tag(this, netBufferList)) {
        outcome = this.providerTcp.miniportTcpOffloadSend(this.adapterContext, ndisOffloadHandle.miniportOffloadContext, netBufferList);
        if (outcome === PENDING) return PENDING;
      }
    } catch (error) {
      outcome = thrown(error);
    }
    return passDownSlowly(this, SEND, ndisOffloadHandle, netBufferList, 0, outcome);
  }

  relayTcpSend(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, contexts: NetBufferListContextPool, upperEdge: unknown): NDIS_STATUS {
    let outcome: unknown = NOTHING;
    try {
      if (ndisOffloadHandle.ndisReserved0 === this.openTo && tagToo(this, netBufferList, contexts as NdisContextPool, upperEdge)) {
        outcome = this.providerTcp.miniportTcpOffloadSend(this.adapterContext, ndisOffloadHandle.miniportOffloadContext, netBufferList);
        if (outcome === PENDING) return PENDING;
      }
    } catch (error) {
      outcome = thrown(error);
    }
    return relaySlowly(this, SEND, ndisOffloadHandle, netBufferList, contexts, upperEdge, outcome);
  }

  offloadTcpReceive(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS {
    let outcome: unknown = NOTHING;
    try {
      if (ndisOffloadHandle.ndisReserved0 === this.openTo && tag(this, netBufferList)) {
        ndisOffloadHandle.ndisCallDepth++;
        outcome = this.providerTcp.miniportTcpOffloadReceive(this.adapterContext, ndisOffloadHandle.miniportOffloadContext, netBufferList);
        ndisOffloadHandle.ndisCallDepth--;
        if (outcome === PENDING) return PENDING;
      }
    } catch (error) {
      outcome = thrown(error);
    }
    return passDownSlowly(this, RECEIVE, ndisOffloadHandle, netBufferList, 0, outcome);
  }

  relayTcpReceive(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, contexts: NetBufferListContextPool, upperEdge: unknown): NDIS_STATUS {
    let outcome: unknown = NOTHING;
    try {
      if (ndisOffloadHandle.ndisReserved0 === this.openTo && tagToo(this, netBufferList, contexts as NdisContextPool, upperEdge)) {
        ndisOffloadHandle.ndisCallDepth++;
        outcome = this.providerTcp.miniportTcpOffloadReceive(this.adapterContext, ndisOffloadHandle.miniportOffloadContext, netBufferList);
        ndisOffloadHandle.ndisCallDepth--;
        if (outcome === PENDING) return PENDING;
      }
    } catch (error) {
      outcome = thrown(error);
    }
    return relaySlowly(this, RECEIVE, ndisOffloadHandle, netBufferList, contexts, upperEdge, outcome);
  }

  offloadTcpForward(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList): NDIS_STATUS {
    return passDownSlowly(this, DDI_CROSSING.offloadTcpForward, ndisOffloadHandle, netBufferList, 0, NOTHING);
  }

  offloadTcpDisconnect(ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    return passDownSlowly(this, DDI_CROSSING.offloadTcpDisconnect, ndisOffloadHandle, netBufferList, flags, NOTHING);
  }

  offloadTcpReceiveReturn(netBufferList: NetBufferList): void {
    returnIndicated(this, netBufferList);
  }

  initiateOffload(offloadBlockList: ProtocolOffloadBlockList): void {
    startOperation(this, OPERATION.initiate, offloadBlockList);
  }

  terminateOffload(offloadBlockList: ProtocolOffloadBlockList): void {
    startOperation(this, OPERATION.terminate, offloadBlockList);
  }

  updateOffload(offloadBlockList: ProtocolOffloadBlockList): void {
    startOperation(this, OPERATION.update, offloadBlockList);
  }

  invalidateOffload(offloadBlockList: ProtocolOffloadBlockList): void {
    startOperation(this, OPERATION.invalidate, offloadBlockList);
  }

  queryOffloadState(offloadBlockList: ProtocolOffloadBlockList): void {
    startOperation(this, OPERATION.query, offloadBlockList);
  }

  sendNetBufferLists(netBufferList: NetBufferList, portNumber: number, sendFlags: number): void {
    sendOrdinary(this, netBufferList, portNumber, sendFlags);
  }

  returnNetBufferLists(netBufferList: NetBufferList, returnFlags: number): void {
    returnReceived(this, netBufferList, returnFlags);
  }

  oidRequest(oidRequest: NdisOidRequest): NDIS_STATUS {
    return requestOid(this, oidRequest);
  }

  closeAdapterEx(): NDIS_STATUS {
    return closeBinding(this);
  }

  completeUnbindAdapterEx(): void {
    completeUnbind(this);
  }

  completeNetPnPEvent(netPnPEvent: NetPnPEventNotification): void {
    completeNetPnPEvent(this, netPnPEvent);
  }

  /** The violation for a chimney call on an edge that has no chimney. */
  refuseChimney(call: string): Error {
    const { ndis, upper, lower } = this;
    const who = upper.hasChimney ? `${lower.registration.name} cannot offload` : `${upper.name} registered no client handlers`;
    return ndis.violation('CHIM-CAP-001', upper.name, `${call}: there is no chimney on the binding to ${lower.name}, ${who}`, [this]);
  }

  /** The violation for a call on a binding whose gate is shut. */
  refuseGate(call: string): Error {
    const { ndis, upper, gate } = this;
    if ((gate & GATE.closed) !== 0) return ndis.violation('CHIM-LIF-002', upper.name, `${call}: the binding to ${this.lower.name} is closed`, [this]);
    if ((gate & GATE.opening) !== 0) return ndis.violation('CHIM-LIF-002', upper.name, `${call}: the binding to ${this.lower.name} is not open yet`, [this]);
    return ndis.violation('CHIM-LIF-004', upper.name, `${call}: the binding to ${this.lower.name} is paused`, [this]);
  }
}
