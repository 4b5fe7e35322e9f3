import {
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NDIS_STATUS_UPLOAD_ALL,
  NdisTcpConnectionOffload,
  offloadLayerOf,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NeighborOffloadState,
  type NetBufferList,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { IntermediateDriverLimits } from './intermediate-driver.ts';
import { Departures } from './mux-departures.ts';
import type { MuxEntry } from './mux-entry.ts';
import { MuxLowerBindings } from './mux-lower-bindings.ts';
import type { MuxLower } from './mux-lower.ts';
import { OidFanOut } from './mux-oids.ts';
import { OwnOperations } from './mux-own-operations.ts';
import { MuxPlacement, type MuxPlacementPolicy } from './mux-placement.ts';
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
  extends MuxLowerBindings
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
  /** @internal */
  protected readonly placement: MuxPlacement;
  /** @internal */
  protected readonly own: OwnOperations;
  /** @internal */
  protected readonly departures: Departures;
  /** @internal */
  protected readonly oids: OidFanOut;
  /** @internal */
  protected readonly virtualMiniports: VirtualMiniports<MuxUpper>;
  /** @internal */
  protected readonly work: WorkItem;

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
    this.oids = new OidFanOut(this.boundLowers, this.placement, this.completions, again);
    this.virtualMiniports = new VirtualMiniports(this, this.uppers, again);
  }

  protected get ticksPerSecond(): number {
    return this.oids.ticksPerSecond;
  }

  /** Name of the virtual miniport that a stack goes on above: the first one, whatever the adapter is called. */
  virtualNameOf(): string {
    return this.uppers[0]?.name ?? this.name;
  }

  protected upperEdgeOf(_lower: MuxLower, netBufferList: NetBufferList): MuxUpper | null {
    return this.sends.onlyUpperEdgeOf(netBufferList);
  }

  protected bindingOf(_upper: MuxUpper, netBufferList: NetBufferList): NdisBinding | null {
    return this.receives.onlyUpperEdgeOf(netBufferList);
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
