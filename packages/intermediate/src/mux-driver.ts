import {
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NDIS_STATUS_UPLOAD_ALL,
  NET_PNP_EVENT_CODE,
  NdisTcpConnectionOffload,
  isChimneyViolation,
  offloadLayerOf,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NeighborOffloadState,
  type NetBufferList,
  type NetPnPEventNotification,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import { Departures } from './mux-departures.ts';
import type { MuxEntry } from './mux-entry.ts';
import { MuxLower } from './mux-lower.ts';
import { OidFanOut } from './mux-oids.ts';
import { OwnOperations } from './mux-own-operations.ts';
import { MuxPlacement, type MuxPlacementPolicy } from './mux-placement.ts';
import { MuxTrees } from './mux-trees.ts';
import { MuxUpper, type MuxUpperOptions } from './mux-upper.ts';
import { relayStatus } from './relay.ts';
import { VirtualMiniports } from './virtual-miniports.ts';
import { WorkItem } from './work-item.ts';

/** Options of {@link MuxDriver}. */
export interface MuxOptions extends IntermediateDriverLimits {
  /** Names the driver. Default `mux`. */
  readonly name?: string;
  /** The upper interfaces. Default: one, named like the driver. */
  readonly uppers?: readonly MuxUpperOptions[];
  /** How objects are placed on lower adapters. Default `active-backup`. */
  readonly placement?: MuxPlacementPolicy;
}

/**
 * The intermediate driver with several upper interfaces above several lower adapters. The virtual miniports come up with
 * the first adapter it is bound to and go with the last; in between adapters come and go. Each connection lives below
 * one adapter at a time, where the placement policy puts it; when the adapter goes, its connections are asked back, and
 * are offloaded below another one when the host offers them again.
 *
 * Bind it to each lower adapter, and hosts to its virtual miniports.
 */
export class MuxDriver
  extends MuxTrees
  implements
    MiniportDriver<MuxUpper>,
    ProtocolDriver<MuxLower>,
    ProviderChimneyOffloadGenericHandlers<MuxUpper>,
    ProviderChimneyOffloadTcpHandlers<MuxUpper, MuxEntry>,
    ClientChimneyOffloadGenericHandlers<MuxLower>,
    ClientChimneyOffloadTcpHandlers<MuxLower, MuxEntry>
{
  /** The upper interfaces, in the order of the options. */
  readonly uppers: readonly MuxUpper[];
  protected readonly placement: MuxPlacement;
  protected readonly own: OwnOperations;
  protected readonly departures: Departures;
  private readonly boundLowers: MuxLower[] = [];
  private readonly oids: OidFanOut;
  private readonly virtualMiniports: VirtualMiniports<MuxUpper>;
  private readonly work: WorkItem;

  /** @throws TypeError when an option is out of range, or two interfaces have one name. */
  constructor(ndis: NdisLibrary, options: MuxOptions = {}) {
    const name = options.name ?? 'mux';
    super(ndis, name, options);
    this.uppers = (options.uppers ?? [{ name }]).map((upper) => new MuxUpper(upper));
    if (this.uppers.length === 0) throw new TypeError(`MuxDriver ${name}: uppers is empty`);
    if (new Set(this.uppers.map((upper) => upper.name)).size < this.uppers.length) throw new TypeError(`MuxDriver ${name}: two of its uppers have the same name`);
    this.work = new WorkItem(ndis.clock, () => {
      this.review();
    });
    const again = (): void => {
      this.work.queue();
    };
    this.placement = new MuxPlacement(options.placement ?? 'active-backup', name, this.boundLowers);
    this.own = new OwnOperations(this.blocks, {
      nowMs: () => ndis.clock.now(),
      ticksPerSecond: () => this.ticksPerSecond,
      tag: (shared, state) => {
        const constant = offloadLayerOf(shared.type) === 'neighbor' ? (state as NeighborOffloadState | null)?.const : null;
        if (constant?.vlanId === 0) constant.vlanId = shared.upper.vlanId;
      },
      onOver: () => {
        this.waiting.retry();
      },
    });
    this.departures = new Departures(this.uppers, this.boundLowers, this.placement, this.own, again);
    this.oids = new OidFanOut(this.boundLowers, this.placement, again);
    this.virtualMiniports = new VirtualMiniports(this, this.uppers, again);
  }

  /** The lower adapters, in the order they were bound. */
  get lowers(): readonly MuxLower[] {
    return this.boundLowers;
  }

  protected get ticksPerSecond(): number {
    return this.oids.ticksPerSecond;
  }

  /** Name of the virtual miniport that a stack goes on above: the first one, whatever the adapter is called. */
  virtualNameOf(_adapterName: string): string {
    return this.uppers[0]?.name ?? this.name;
  }

  protected upperEdgeOf(_lower: MuxLower, netBufferList: NetBufferList): MuxUpper | null {
    return this.sends.onlyUpperEdgeOf(netBufferList);
  }

  protected bindingOf(_upper: MuxUpper, netBufferList: NetBufferList): NdisBinding | null {
    return this.receives.onlyUpperEdgeOf(netBufferList);
  }

  protected returned(upper: MuxUpper, lower: MuxLower): void {
    if (upper.isPausePending) this.continuePause(upper);
    if (lower.isWaitedFor) this.work.queue();
  }

  protected override progressed(lower: MuxLower): void {
    super.progressed(lower);
    this.oids.review();
    if (lower.isWaitedFor || !this.virtualMiniports.isRunning) this.work.queue();
  }

  // --- life cycle: lower bindings ---

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const lower = new MuxLower(bindContext, bindParameters);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, lower, bindContext);
    if (ndisBindingHandle === null) return status;
    lower.binding = ndisBindingHandle;
    return status === NDIS_STATUS_SUCCESS ? this.opened(lower) : status;
  }

  protocolOpenAdapterCompleteEx(lower: MuxLower, status: NDIS_STATUS): void {
    lower.bindContext.completeBindAdapterEx(status === NDIS_STATUS_SUCCESS ? this.opened(lower) : status);
  }

  private opened(lower: MuxLower): NDIS_STATUS {
    this.boundLowers.push(lower);
    this.oids.repeat(lower, () => {
      lower.isReady = true;
      this.departures.announce();
      this.work.queue();
    });
    const status = this.virtualMiniports.start();
    if (status !== NDIS_STATUS_SUCCESS) this.close(lower);
    return status;
  }

  /** The virtual miniports stay up while there is another adapter; what lives below this one is asked back. */
  protocolUnbindAdapterEx(lower: MuxLower): NDIS_STATUS {
    lower.isUnbinding = true;
    if (this.hasOther(lower, ({ isUnbinding }) => !isUnbinding)) this.leave(lower);
    else this.virtualMiniports.stop();
    this.steer();
    if (this.mayClose(lower) && this.close(lower)) return NDIS_STATUS_SUCCESS;
    lower.isUnbindPending = true;
    return NDIS_STATUS_PENDING;
  }

  private hasOther(lower: MuxLower, condition: (other: MuxLower) => boolean): boolean {
    return this.boundLowers.some((other) => other !== lower && condition(other));
  }

  private leave(lower: MuxLower): void {
    this.departures.begin(lower);
    this.departures.announce();
  }

  private mayClose(lower: MuxLower): boolean {
    const { isEmpty, isOutstanding, oidRequests } = lower;
    return (isEmpty && !isOutstanding && oidRequests === 0) || (this.virtualMiniports.isDown && !this.hasOther(lower, ({ isUnbinding }) => !isUnbinding));
  }

  /** @returns false when NDIS will say later that the binding is closed. */
  private close(lower: MuxLower): boolean {
    lower.isUnbinding = true;
    endPause(lower);
    this.boundLowers.splice(this.boundLowers.indexOf(lower), 1);
    return lower.binding.closeAdapterEx() === NDIS_STATUS_SUCCESS;
  }

  protocolCloseAdapterCompleteEx(lower: MuxLower): void {
    if (lower.isUnbindPending) lower.binding.completeUnbindAdapterEx();
  }

  protocolNetPnPEvent(lower: MuxLower, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    switch (netPnPEvent.netEvent) {
      case NET_PNP_EVENT_CODE.NetEventPause:
        lower.isRunning = false;
        if (this.hasOther(lower, ({ isUp }) => isUp)) this.leave(lower);
        this.steer();
        if (this.isPauseOver(lower)) return NDIS_STATUS_SUCCESS;
        lower.pendingPause = netPnPEvent;
        return NDIS_STATUS_PENDING;
      case NET_PNP_EVENT_CODE.NetEventRestart:
        lower.isRunning = true;
        this.departures.announce();
        this.steer();
        return NDIS_STATUS_SUCCESS;
      default:
        return NDIS_STATUS_SUCCESS;
    }
  }

  /** What is below stays there when everything above is paused; otherwise it is back. */
  private isPauseOver(lower: MuxLower): boolean {
    if (lower.isOutstanding) return false;
    return lower.isEmpty || this.virtualMiniports.isPaused;
  }

  /** What waits and need not wait any more goes on. Runs at PASSIVE_LEVEL. */
  private review(): void {
    for (const lower of [...this.boundLowers]) {
      if (this.isPauseOver(lower)) endPause(lower);
      if (lower.isUnbindPending && this.mayClose(lower)) this.closeLater(lower);
    }
    if (this.boundLowers.some(({ isUnbinding }) => !isUnbinding)) this.virtualMiniports.start();
    this.steer();
  }

  /** Ends an unbind that had to wait. */
  private closeLater(lower: MuxLower): void {
    let isClosed = true;
    try {
      isClosed = this.close(lower);
    } catch (error) {
      // Refused, and reported: something was lost below. NDIS closes the binding itself then.
      if (!isChimneyViolation(error)) throw error;
    }
    if (isClosed) lower.binding.completeUnbindAdapterEx();
  }

  /** Runs the virtual miniports while an adapter runs, and pauses them while none does. */
  private steer(): void {
    const shallRun = this.boundLowers.some(({ isReady, isRunning, isUnbinding }) => isReady && isRunning && !isUnbinding);
    if (!shallRun) {
      this.virtualMiniports.pause();
      return;
    }
    if (this.virtualMiniports.isRunning) return;
    // Nobody may use what is below an adapter that is paused: it comes back before there is traffic.
    const paused = this.boundLowers.filter((lower) => !lower.isRunning && !lower.isEmpty);
    for (const lower of paused) this.departures.begin(lower);
    if (paused.every(({ isEmpty }) => isEmpty)) this.virtualMiniports.run();
  }

  // --- life cycle: virtual miniports ---

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    const upper = initParameters.imDeviceInstanceContext as MuxUpper;
    const [first] = this.boundLowers;
    upper.told = this.placement.capabilities() ?? first?.capabilities ?? null;
    upper.initialize(ndisMiniportHandle, {
      mtuSize: Math.min(...this.boundLowers.map(({ mtuSize }) => mtuSize)),
      macAddress: first?.macAddress ?? new Uint8Array(0),
      capabilities: upper.told,
    });
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(upper: MuxUpper): NDIS_STATUS {
    return this.virtualMiniports.restarting(upper);
  }

  miniportHaltEx(upper: MuxUpper): void {
    upper.isUp = false;
    upper.isConnected = true;
    upper.isOffloadPaused = false;
    upper.uploading.clear();
  }

  // --- status up ---

  protocolStatusEx(lower: MuxLower, statusIndication: NdisStatusIndication): void {
    switch (statusIndication.statusCode) {
      case NDIS_STATUS_OFFLOAD_PAUSE:
        lower.isOffloadPaused = true;
        this.departures.announce();
        break;
      case NDIS_STATUS_UPLOAD_ALL:
        lower.isOffloadPaused = true;
        this.leave(lower);
        break;
      case NDIS_STATUS_OFFLOAD_RESUME: {
        const capabilities = statusIndication.statusBuffer as NdisTcpConnectionOffload | null;
        lower.isOffloadPaused = false;
        if (capabilities !== null) lower.capabilities = new NdisTcpConnectionOffload().copyFrom(capabilities);
        this.departures.announce();
        break;
      }
      case NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES:
        // What all adapters together can do is told by the mux itself.
        break;
      case NDIS_STATUS_MEDIA_DISCONNECT:
        lower.isConnected = false;
        // Alone, it keeps what it has: whether to take it back is the host's to decide.
        if (this.hasOther(lower, ({ isUsable }) => isUsable)) this.leave(lower);
        else this.departures.announce();
        break;
      case NDIS_STATUS_MEDIA_CONNECT:
        lower.isConnected = true;
        this.departures.announce();
        break;
      default:
        if (lower === this.placement.primary) this.relayStatusUp(statusIndication);
    }
  }

  private relayStatusUp(statusIndication: NdisStatusIndication): void {
    for (const upper of this.uppers) if (upper.isUp) relayStatus(upper.miniport, statusIndication);
  }

  // --- OID requests ---

  miniportOidRequest(upper: MuxUpper, oidRequest: NdisOidRequest): NDIS_STATUS {
    return this.oids.request(upper, this.uppers, oidRequest);
  }

  protocolOidRequestComplete(_lower: MuxLower, oidRequest: NdisOidRequest, status: NDIS_STATUS): void {
    this.oids.completed(oidRequest, status);
  }
}

/** Ends a pause of a lower binding that had to wait, if there is one. */
function endPause(lower: MuxLower): void {
  const { pendingPause } = lower;
  if (pendingPause === null) return;
  lower.pendingPause = null;
  lower.binding.completeNetPnPEvent(pendingPause, NDIS_STATUS_SUCCESS);
}
