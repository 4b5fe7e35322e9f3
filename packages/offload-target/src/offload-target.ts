import {
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  NdisStatusIndication,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisTcpConnectionOffload,
  type NetBufferList,
  type OffloadTargetEnvironment,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { bringUp, capabilitiesOf } from './adapter-bring-up.ts';
import type { EngineFactory, OffloadAdapter } from './offload-adapter.ts';
import { answerOid } from './oid-requests.ts';
import { resolveLimits, type ResolvedLimits, type TargetLimits } from './target-limits.ts';
import type { TcpObject } from './tcp-object.ts';

/** The target's record of one adapter: `MiniportAdapterContext` to NDIS, opaque to everybody else. */
export interface OffloadTargetAdapter {
  readonly name: string;
}

/** The target's record of one offloaded connection: what the upper driver's cell refers to, opaque to everybody else. */
export interface OffloadTargetConnection {
  readonly layer: string;
}

/** What makes a target out of the base: a name, an engine for each adapter, limits. */
export interface OffloadTargetDefinition {
  /** Names the driver in violations and traces. */
  readonly name: string;
  readonly createEngine: EngineFactory;
  readonly limits?: TargetLimits;
}

/**
 * An offload target: a miniport driver that keeps every rule of the chimney a target has to keep, around an engine that
 * moves the bytes. It may serve several adapters; each has an engine of its own.
 *
 * Make it with {@link createOffloadTarget} or as a plugin, register it with NDIS, add an adapter.
 */
export class OffloadTarget
  implements
    MiniportDriver<OffloadTargetAdapter>,
    ProviderChimneyOffloadGenericHandlers<OffloadTargetAdapter>,
    ProviderChimneyOffloadTcpHandlers<OffloadTargetAdapter, OffloadTargetConnection>
{
  readonly name: string;
  private readonly environment: OffloadTargetEnvironment;
  private readonly limits: ResolvedLimits;
  /** Makes the engine of each adapter. A subclass may put another in its place, before an adapter comes up. */
  protected createEngine: EngineFactory;
  private readonly adapters = new Set<OffloadAdapter>();

  /** @throws TypeError that names a limit that does not exist or whose value is not allowed. */
  constructor(environment: OffloadTargetEnvironment, definition: OffloadTargetDefinition) {
    this.name = definition.name;
    this.environment = environment;
    this.limits = resolveLimits(definition.name, definition.limits ?? {});
    this.createEngine = definition.createEngine;
  }

  /** NBLs of the ordinary send path that were completed with success and lost, for an engine without ordinary traffic. */
  get ordinarySends(): number {
    let lost = this.lostBefore;
    for (const { ordinary } of this.adapters) lost += ordinary.lost;
    return lost;
  }

  /** Those of adapters that are gone. */
  private lostBefore = 0;

  // --- what a target may want of its host as a whole ---

  /**
   * `NDIS_STATUS_OFFLOAD_PAUSE` on every adapter: the host is to offload nothing more. Connections go on; an initiate
   * that was under way waits for {@link OffloadTarget.resumeOffload}. Source: `ndis-status-offload-pause.md`.
   */
  pauseOffload(): void {
    for (const adapter of this.adapters) {
      adapter.pauseOffload();
      indicateStatus(adapter, NDIS_STATUS_OFFLOAD_PAUSE, null);
    }
  }

  /**
   * `NDIS_STATUS_UPLOAD_ALL` on every adapter: the host is to take everything back. Until it has, what it requests on a
   * connection ends with NDIS_STATUS_UPLOAD_IN_PROGRESS. Source: `ndis-status-upload-all.md`.
   */
  uploadAll(): void {
    for (const adapter of this.adapters) {
      adapter.uploadAll();
      indicateStatus(adapter, NDIS_STATUS_UPLOAD_ALL, null);
    }
  }

  /**
   * `NDIS_STATUS_OFFLOAD_RESUME` on every adapter: the host may offload again, after it has asked what.
   * @param capabilities what the adapters can offload now; as before when left out. Source: `ndis-status-offload-resume.md`.
   */
  resumeOffload(capabilities: NdisTcpConnectionOffload = capabilitiesOf(this.limits)): void {
    for (const adapter of this.adapters) {
      indicateStatus(adapter, NDIS_STATUS_OFFLOAD_RESUME, capabilities);
      adapter.resumeOffload();
    }
  }

  // --- MiniportDriver ---

  miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    const status = ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
  }

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    const adapter = bringUp(ndisMiniportHandle, initParameters, this.environment, this.name, this.limits, this.createEngine);
    if (typeof adapter === 'number') return adapter;
    this.adapters.add(adapter);
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(miniportAdapterContext: OffloadTargetAdapter): NDIS_STATUS {
    (miniportAdapterContext as OffloadAdapter).restart();
    return NDIS_STATUS_SUCCESS;
  }

  /** Pends until indicated data came back and sends, disconnects and forwards ended. Posted receives stay posted. */
  miniportPause(miniportAdapterContext: OffloadTargetAdapter): NDIS_STATUS {
    return (miniportAdapterContext as OffloadAdapter).pause() ? NDIS_STATUS_SUCCESS : NDIS_STATUS_PENDING;
  }

  miniportHaltEx(miniportAdapterContext: OffloadTargetAdapter): void {
    const adapter = miniportAdapterContext as OffloadAdapter;
    this.adapters.delete(adapter);
    this.lostBefore += adapter.ordinary.lost;
    adapter.halt();
  }

  /** Sets the connection-offload parameters, answers and resets the offload statistics, tells the link state. */
  miniportOidRequest(miniportAdapterContext: OffloadTargetAdapter, oidRequest: NdisOidRequest): NDIS_STATUS {
    return answerOid(miniportAdapterContext as OffloadAdapter, oidRequest);
  }

  /** Ordinary sends: the engine's, if it has a use for them; otherwise they are completed with success and lost. */
  miniportSendNetBufferLists(miniportAdapterContext: OffloadTargetAdapter, netBufferList: NetBufferList): void {
    (miniportAdapterContext as OffloadAdapter).ordinary.send(netBufferList);
  }

  miniportReturnNetBufferLists(miniportAdapterContext: OffloadTargetAdapter, netBufferList: NetBufferList): void {
    const adapter = miniportAdapterContext as OffloadAdapter;
    adapter.ordinary.free(netBufferList);
    adapter.continuePause();
  }

  // --- state operations: taken over here, carried out in the adapter's DPC ---

  miniportInitiateOffload(miniportAdapterContext: OffloadTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as OffloadAdapter).operations.add('initiate', offloadBlockList);
  }

  miniportTerminateOffload(miniportAdapterContext: OffloadTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as OffloadAdapter).operations.add('terminate', offloadBlockList);
  }

  miniportUpdateOffload(miniportAdapterContext: OffloadTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as OffloadAdapter).operations.add('update', offloadBlockList);
  }

  miniportInvalidateOffload(miniportAdapterContext: OffloadTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as OffloadAdapter).operations.add('invalidate', offloadBlockList);
  }

  miniportQueryOffload(miniportAdapterContext: OffloadTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as OffloadAdapter).operations.add('query', offloadBlockList);
  }

  // --- data requests ---

  miniportTcpOffloadSend(
    _miniportAdapterContext: OffloadTargetAdapter,
    miniportOffloadContext: OffloadTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openDataPath().takeSends(netBufferList);
  }

  miniportTcpOffloadReceive(
    _miniportAdapterContext: OffloadTargetAdapter,
    miniportOffloadContext: OffloadTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openDataPath().receive.post(netBufferList);
  }

  miniportTcpOffloadDisconnect(
    _miniportAdapterContext: OffloadTargetAdapter,
    miniportOffloadContext: OffloadTargetConnection,
    netBufferList: NetBufferList,
    flags: number,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openDataPath().takeDisconnect(netBufferList, flags);
  }

  miniportTcpOffloadForward(
    _miniportAdapterContext: OffloadTargetAdapter,
    miniportOffloadContext: OffloadTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openDataPath().takeForwards(netBufferList);
  }

  miniportTcpOffloadReceiveReturn(miniportAdapterContext: OffloadTargetAdapter, netBufferList: NetBufferList): NDIS_STATUS {
    const adapter = miniportAdapterContext as OffloadAdapter;
    adapter.indications.free(netBufferList);
    adapter.continuePause();
    return NDIS_STATUS_SUCCESS;
  }
}

function indicateStatus(adapter: OffloadAdapter, statusCode: NDIS_STATUS, capabilities: NdisTcpConnectionOffload | null): void {
  const indication = new NdisStatusIndication<NdisTcpConnectionOffload>();
  indication.sourceHandle = adapter.miniport;
  indication.statusCode = statusCode;
  indication.statusBuffer = capabilities;
  indication.statusBufferSize = capabilities === null ? 0 : capabilities.header.size;
  adapter.miniport.indicateStatusEx(indication);
}

/**
 * Makes an offload target from an engine.
 * @param environment its clock, chance, deferred work and pools; an `Ndis` with `pools: ndis` has them all.
 * @throws TypeError that names a limit that does not exist or whose value is not allowed.
 */
export function createOffloadTarget(environment: OffloadTargetEnvironment, definition: OffloadTargetDefinition): OffloadTarget {
  return new OffloadTarget(environment, definition);
}
