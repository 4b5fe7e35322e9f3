import type { NdisDriverOptionalHandlers } from './characteristics.ts';
import type { MiniportDriver } from './miniport-driver.ts';
import type { NdisBinding } from './ndis-binding.ts';
import type { GetOffloadHandlersResult, NdisMiniport } from './ndis-miniport.ts';
import type { NetBuffer } from './net-buffer.ts';
import type { NdisObserver } from './observer.ts';
import type { ContextOwner, NetBufferListContextPool, NetBufferListContextPoolParameters, NetBufferListPool, NetBufferListPoolParameters } from './pools.ts';
import type { ProtocolDriver } from './protocol-driver.ts';
import type { Clock, DpcQueue, IRQL, Random } from './runtime.ts';
import type { NDIS_STATUS } from './status.ts';
import type { NdisTcpConnectionOffload } from './tcp-connection-offload.ts';
import type { ChimneyViolation, ChimneyViolationDetails } from './violation.ts';

/** Registers optional handlers; valid inside `miniportSetOptions` and `protocolSetOptions`. */
export interface NdisSetOptionalHandlers {
  /**
   * `NdisSetOptionalHandlers`: one characteristics structure per call.
   * @returns NDIS_STATUS_SUCCESS; NDIS_STATUS_BAD_CHARACTERISTICS for a structure of the other edge or a second one of
   * its kind; NDIS_STATUS_NOT_SUPPORTED for one NDIS does not know. Source: `nf-ndis-ndissetoptionalhandlers.md`.
   */
  setOptionalHandlers(optionalHandlers: NdisDriverOptionalHandlers): NDIS_STATUS;
}

/** NdisDriverHandle: a registered miniport driver. */
export interface NdisMiniportDriverHandle extends NdisSetOptionalHandlers {
  readonly driver: MiniportDriver<never>;
  /**
   * `NdisMGetOffloadHandlers` as intermediate drivers call it, from `miniportSetOptions`: one table for all adapters of
   * the driver. The table of an adapter, `NdisMiniport.getOffloadHandlers`, does the same and need not look for it.
   */
  getOffloadHandlers(chimneyType: number): GetOffloadHandlersResult;
}

/** NdisProtocolHandle: a registered protocol driver. */
export interface NdisProtocolHandle extends NdisSetOptionalHandlers {
  readonly driver: ProtocolDriver<never>;
}

/** NDIS_BIND_PARAMETERS: what a protocol learns about the adapter it may bind to. */
export interface NdisBindParameters {
  readonly adapterName: string;
  /** Current connection-offload configuration; null when the chimney is blocked or not supported there. */
  readonly tcpConnectionOffloadCapabilities: NdisTcpConnectionOffload | null;
  readonly mtuSize: number;
  /** As many bytes as MacAddressLength would say. */
  readonly currentMacAddress: Uint8Array<ArrayBufferLike>;
}

/** BindContext: one bind under way. */
export interface NdisBindContext {
  /** `NdisCompleteBindAdapterEx`: ends a bind that `protocolBindAdapterEx` answered with NDIS_STATUS_PENDING. */
  completeBindAdapterEx(status: NDIS_STATUS): void;
}

/** Answer of `openAdapterEx`. The binding may be used at once on SUCCESS, after the completion on PENDING. */
export interface OpenAdapterResult {
  readonly status: NDIS_STATUS;
  readonly ndisBindingHandle: NdisBinding | null;
}

/** Answer of `registerMiniportDriver`. */
export interface RegisterMiniportDriverResult {
  readonly status: NDIS_STATUS;
  readonly ndisDriverHandle: NdisMiniportDriverHandle | null;
}

/** Answer of `registerProtocolDriver`. */
export interface RegisterProtocolDriverResult {
  readonly status: NDIS_STATUS;
  readonly ndisProtocolHandle: NdisProtocolHandle | null;
}

/**
 * The functions NDIS exports that belong to no adapter and no binding. A driver reaches them through
 * `ndisMiniportHandle.ndis` or `binding.ndis`, so that it needs this package alone to compile.
 */
export interface NdisLibrary {
  readonly clock: Clock;
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  /** KeGetCurrentIrql: DISPATCH_LEVEL inside a DPC, PASSIVE_LEVEL elsewhere. */
  readonly currentIrql: IRQL;

  /** `NdisMRegisterMiniportDriver`: runs `miniportSetOptions`. @param isIntermediate NDIS_INTERMEDIATE_DRIVER. */
  registerMiniportDriver(driver: MiniportDriver<never>, isIntermediate?: boolean): RegisterMiniportDriverResult;
  /** `NdisMDeregisterMiniportDriver`. @throws ChimneyViolation while adapters of the driver exist. */
  deregisterMiniportDriver(ndisDriverHandle: NdisMiniportDriverHandle): void;
  /** `NdisRegisterProtocolDriver`: runs `protocolSetOptions`. */
  registerProtocolDriver(driver: ProtocolDriver<never>): RegisterProtocolDriverResult;
  /** `NdisDeregisterProtocolDriver`. @throws ChimneyViolation while bindings of the driver exist. */
  deregisterProtocolDriver(ndisProtocolHandle: NdisProtocolHandle): void;
  /** `NdisIMAssociateMiniport`: says that the two edges are of one intermediate driver. */
  imAssociateMiniport(ndisDriverHandle: NdisMiniportDriverHandle, ndisProtocolHandle: NdisProtocolHandle): void;
  /**
   * `NdisIMInitializeDeviceInstanceEx`: start a virtual miniport named `driverInstance`; `miniportInitializeEx` gets
   * `deviceContext`, now or a little later. @returns NDIS_STATUS_SUCCESS, or NDIS_STATUS_NOT_ACCEPTED.
   */
  imInitializeDeviceInstanceEx(
    ndisDriverHandle: NdisMiniportDriverHandle,
    driverInstance: string,
    deviceContext: unknown,
  ): NDIS_STATUS;
  /** `NdisIMCancelInitializeDeviceInstance`. @returns NDIS_STATUS_FAILURE when the instance is up already. */
  imCancelInitializeDeviceInstance(ndisDriverHandle: NdisMiniportDriverHandle, driverInstance: string): NDIS_STATUS;
  /**
   * `NdisIMDeInitializeDeviceInstance`: unbind everything above the virtual miniport, pause it, halt it.
   * @param onHalted called once it is gone, before the call returns when nothing had to be waited for.
   */
  imDeInitializeDeviceInstance(ndisMiniportHandle: NdisMiniport, onHalted?: () => void): void;
  /**
   * `NdisOpenAdapterEx`, only from `protocolBindAdapterEx`. `protocolBindingContext` comes back in every callback.
   * Source: `nf-ndis-ndisopenadapterex.md`.
   */
  openAdapterEx(
    ndisProtocolHandle: NdisProtocolHandle,
    protocolBindingContext: unknown,
    bindContext: NdisBindContext,
  ): OpenAdapterResult;

  /**
   * What the operating system does to an adapter: every binding gets NetEventPause, then the adapter `miniportPause`.
   * An intermediate driver uses it on its virtual miniport when its lower binding pauses.
   */
  pauseAdapter(ndisMiniportHandle: NdisMiniport, onPaused?: () => void): void;
  /** The opposite: `miniportRestart`, then NetEventRestart to every binding. */
  restartAdapter(ndisMiniportHandle: NdisMiniport, onRestarted?: (status: NDIS_STATUS) => void): void;

  /** `NdisAllocateNetBufferListPool` (and the NET_BUFFER pool that goes with it). */
  allocateNetBufferListPool(owner: string, parameters?: NetBufferListPoolParameters): NetBufferListPool;
  /** The pool behind `NdisAllocateNetBufferListContext`: contexts of one driver. */
  allocateNetBufferListContextPool<ContextData>(
    owner: ContextOwner,
    parameters?: NetBufferListContextPoolParameters,
  ): NetBufferListContextPool<ContextData>;
  /** `NdisAdvanceNetBufferDataStart`. With `freeMdl` the MDLs that were consumed whole leave the chain. */
  advanceNetBufferDataStart(netBuffer: NetBuffer, dataOffsetDelta: number, freeMdl: boolean): void;
  /** `NdisRetreatNetBufferDataStart`. */
  retreatNetBufferDataStart(netBuffer: NetBuffer, dataOffsetDelta: number, dataBackFill: number): NDIS_STATUS;

  /**
   * Reports a broken rule that the caller found: it is counted and appears on `violations$`. NDIS reports what it finds
   * itself in the same way.
   * @returns the violation, to be thrown where the party at fault is on the stack.
   */
  reportViolation(details: ChimneyViolationDetails): ChimneyViolation;
  /** The observer seam, for what NDIS itself does not see: entries of a driver's own pools, timers, frames. Null when nobody observes. */
  readonly observer: NdisObserver | null;
}
