import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  formatNdisStatus,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniportDriverHandle,
  type NdisProtocolHandle,
  type NetBufferListContextPool,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { DeferredCompletions } from './deferred-completions.ts';
import { NetBufferListTracker } from './net-buffer-list-tracker.ts';
import type { OffloadEntry } from './offload-entry.ts';
import { RequestFailures } from './request-failures.ts';
import type { VirtualMiniport } from './virtual-miniport.ts';

/** How much an intermediate driver may have on its way at one time. */
export interface IntermediateDriverLimits {
  /** Most NBLs on their way down or up through the driver at one time; unlimited by default. */
  readonly netBufferListContexts?: number;
  /** Most state operations on their way at one time; unlimited by default. */
  readonly callEntries?: number;
  /** Most objects offloaded through the driver; unlimited by default. */
  readonly offloadEntries?: number;
}

type Handlers<Upper, Lower> = MiniportDriver<Upper> &
  ProtocolDriver<Lower> &
  ProviderChimneyOffloadGenericHandlers<Upper> &
  ProviderChimneyOffloadTcpHandlers<Upper, OffloadEntry> &
  ClientChimneyOffloadGenericHandlers<Lower> &
  ClientChimneyOffloadTcpHandlers<Lower, OffloadEntry>;

/**
 * What every intermediate driver has: two registrations, memory for what is on its way, and the rule for when an upper
 * interface is idle. One object is both edges; a derived class has the handlers.
 */
export abstract class IntermediateDriver<Upper extends VirtualMiniport> {
  readonly name: string;
  readonly ndis: NdisLibrary;
  /** The two registrations; valid after {@link register}. */
  ndisDriverHandle!: NdisMiniportDriverHandle;
  ndisProtocolHandle!: NdisProtocolHandle;
  /** NBLs on their way down. */
  protected readonly sends: NetBufferListTracker<Upper>;
  /** NBLs indicated on their way up, each with the binding that it goes back to. */
  protected readonly receives: NetBufferListTracker<NdisBinding>;
  protected readonly completions: DeferredCompletions<Upper>;
  protected readonly failures: RequestFailures<Upper>;
  /** The contexts of {@link sends}, which the relay calls of NDIS push and pop themselves. */
  protected readonly sendContexts: NetBufferListContextPool;

  constructor(ndis: NdisLibrary, name: string, limits: IntermediateDriverLimits) {
    this.name = name;
    this.ndis = ndis;
    this.completions = new DeferredCompletions(ndis.dpcQueue, (edge) => {
      this.continuePause(edge);
    });
    this.failures = new RequestFailures(this.completions);
    const limit = limits.netBufferListContexts ?? Infinity;
    this.sends = new NetBufferListTracker(ndis, this, { limit, shortageHandler: this.failures });
    this.sendContexts = this.sends.contexts;
    this.receives = new NetBufferListTracker(ndis, this, { limit });
  }

  /**
   * Registers both edges with NDIS, as DriverEntry does. From then on it can bind to adapters.
   * @throws Error when NDIS refuses one of them.
   */
  register(): this {
    const { ndis, name } = this;
    const both = this as unknown as Handlers<never, never>;
    const miniport = ndis.registerMiniportDriver(both, true);
    if (miniport.ndisDriverHandle === null) throw new Error(`driver ${name}: NdisMRegisterMiniportDriver: ${formatNdisStatus(miniport.status)}`);
    const protocol = ndis.registerProtocolDriver(both);
    if (protocol.ndisProtocolHandle === null) throw new Error(`driver ${name}: NdisRegisterProtocolDriver: ${formatNdisStatus(protocol.status)}`);
    this.ndisDriverHandle = miniport.ndisDriverHandle;
    this.ndisProtocolHandle = protocol.ndisProtocolHandle;
    ndis.imAssociateMiniport(this.ndisDriverHandle, this.ndisProtocolHandle);
    return this;
  }

  miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    const both = this as unknown as Handlers<unknown, unknown>;
    const status = ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(both));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(both));
  }

  protocolSetOptions(ndisProtocolHandle: NdisProtocolHandle): NDIS_STATUS {
    const both = this as unknown as Handlers<unknown, unknown>;
    const status = ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(both));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisProtocolHandle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(both));
  }

  /** Pends until what went down through this virtual miniport, and what was indicated through it, is back. */
  miniportPause(edge: Upper): NDIS_STATUS {
    if (this.isIdle(edge)) return NDIS_STATUS_SUCCESS;
    edge.isPausePending = true;
    return NDIS_STATUS_PENDING;
  }

  private isIdle(edge: Upper): boolean {
    const { miniport } = edge;
    return miniport.outstandingNetBufferLists === 0 && miniport.indicatedNetBufferLists === 0 && !this.completions.isPending(edge);
  }

  /** Ends the pause of an upper interface that waits, if it waits for nothing any more. */
  protected continuePause(edge: Upper): void {
    if (!edge.isPausePending || !this.isIdle(edge)) return;
    edge.isPausePending = false;
    edge.miniport.pauseComplete();
  }
}
