import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NetBufferList,
  type OffloadTargetEnvironment,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { bringUp } from './adapter-bring-up.ts';
import { COMPLETION } from './completions.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import type { MemoryPeer } from './memory-peer.ts';
import { answerOid } from './oid-requests.ts';
import { resolveOptions, type MemoryTargetOptions, type ResolvedOptions } from './options.ts';
import { copyPattern } from './peer-output.ts';
import { PeerRegistry } from './peer-registry.ts';
import type { TcpObject } from './tcp-object.ts';

/** The target's record of one adapter: `MiniportAdapterContext` to NDIS, opaque to everybody else. */
export interface MemoryTargetAdapter {
  readonly name: string;
}

/** The target's record of one offloaded connection: what the upper driver's cell refers to, opaque to everybody else. */
export interface MemoryTargetConnection {
  readonly layer: string;
}

/**
 * The memory target: a miniport driver whose connections lead to peers in the same process. It keeps every rule of the
 * chimney a target has to keep; what is missing is a wire that could lose something.
 *
 * It may serve several adapters, and all of them lead to the same peers. Make it with {@link createMemoryTarget} or the
 * plugin, register it with NDIS, add an adapter, and offload connections to it.
 */
export class MemoryTarget
  implements
    MiniportDriver<MemoryTargetAdapter>,
    ProviderChimneyOffloadGenericHandlers<MemoryTargetAdapter>,
    ProviderChimneyOffloadTcpHandlers<MemoryTargetAdapter, MemoryTargetConnection>
{
  private ordinarySendCount = 0;
  private readonly environment: OffloadTargetEnvironment;
  private readonly options: ResolvedOptions;
  private readonly registry: PeerRegistry;
  private readonly adapters = new Set<MemoryAdapter>();

  /** @throws TypeError that names an option that does not exist or whose value is not allowed. */
  constructor(environment: OffloadTargetEnvironment, options: MemoryTargetOptions = {}) {
    this.environment = environment;
    this.options = resolveOptions(options);
    this.registry = new PeerRegistry(this.options, environment.random.fork('pattern'));
  }

  get name(): string {
    return this.options.name;
  }

  // --- the far side ---

  /**
   * The peer of the next connection that was offloaded and that nobody has accepted; waits for one. A connection that
   * comes back after an upload has its peer already and is not offered again.
   * @throws Error when the driver is unloaded.
   */
  async accept(): Promise<MemoryPeer> {
    const peer = await this.registry.accept();
    if (peer === null) throw new Error(`${this.name} was unloaded`);
    return peer;
  }

  /** Every connection that is offloaded from now on, as {@link accept} gives them; ends when the driver is unloaded. */
  get peers(): AsyncIterable<MemoryPeer, undefined> {
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          const peer = await this.registry.accept();
          return peer === null ? { done: true, value: undefined } : { done: false, value: peer };
        },
      }),
    };
  }

  /** The peers of all connections that are offloaded now, oldest first. They count as accepted from then on. */
  offloadedPeers(): MemoryPeer[] {
    const peers: MemoryPeer[] = [];
    for (const { connections } of this.adapters) {
      for (const tcp of connections) if (tcp.isEnabled) peers.push(this.registry.faceOf(tcp));
    }
    return peers;
  }

  /**
   * The peer of the connection that is offloaded now and has this port at the host's end, or null. It counts as accepted
   * from then on. @param peerPort the port at the peer's end, when the other is not enough.
   */
  peerOf(hostPort: number, peerPort?: number): MemoryPeer | null {
    for (const { connections } of this.adapters) {
      for (const tcp of connections) {
        if (tcp.isEnabled && tcp.localPort === hostPort && (peerPort ?? tcp.remotePort) === tcp.remotePort) return this.registry.faceOf(tcp);
      }
    }
    return null;
  }

  /** The bytes that every peer in mode `source` sends, from `offset` on: the same for all, made from the seed. */
  sourcePattern(offset: number, byteCount: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(byteCount);
    copyPattern(this.registry.pattern, offset, bytes, 0, byteCount);
    return bytes;
  }

  /** NBLs of the ordinary send path so far, all of them completed with success and lost. */
  get ordinarySends(): number {
    return this.ordinarySendCount;
  }

  // --- MiniportDriver ---

  miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    this.registry.open();
    const status = ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
    if (status !== NDIS_STATUS_SUCCESS) return status;
    return ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
  }

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    const adapter = bringUp(ndisMiniportHandle, initParameters, this.environment, this.options, this.registry);
    if (typeof adapter === 'number') return adapter;
    this.adapters.add(adapter);
    return NDIS_STATUS_SUCCESS;
  }

  miniportRestart(miniportAdapterContext: MemoryTargetAdapter): NDIS_STATUS {
    (miniportAdapterContext as MemoryAdapter).restart();
    return NDIS_STATUS_SUCCESS;
  }

  /** Pends until indicated data came back and sends, disconnects and forwards ended. Posted receives stay posted. */
  miniportPause(miniportAdapterContext: MemoryTargetAdapter): NDIS_STATUS {
    return (miniportAdapterContext as MemoryAdapter).pause() ? NDIS_STATUS_SUCCESS : NDIS_STATUS_PENDING;
  }

  miniportHaltEx(miniportAdapterContext: MemoryTargetAdapter): void {
    const adapter = miniportAdapterContext as MemoryAdapter;
    this.adapters.delete(adapter);
    adapter.indications.close();
    if (this.adapters.size === 0) this.registry.forgetUploaded();
  }

  miniportDriverUnload(): void {
    this.registry.close();
  }

  /** Sets the connection-offload parameters, answers and resets the offload statistics, tells the link state. */
  miniportOidRequest(miniportAdapterContext: MemoryTargetAdapter, oidRequest: NdisOidRequest): NDIS_STATUS {
    return answerOid(miniportAdapterContext as MemoryAdapter, oidRequest);
  }

  /** Ordinary sends: there is nowhere for them to go, so they are completed with success and lost. */
  miniportSendNetBufferLists(miniportAdapterContext: MemoryTargetAdapter, netBufferList: NetBufferList): void {
    const adapter = miniportAdapterContext as MemoryAdapter;
    for (let nbl: NetBufferList | null = netBufferList; nbl !== null; nbl = nbl.next) this.ordinarySendCount++;
    adapter.completions.addAll(COMPLETION.ordinarySend, netBufferList, NDIS_STATUS_SUCCESS);
    adapter.wake();
  }

  /** Never called: nothing is indicated on the ordinary receive path. */
  miniportReturnNetBufferLists(): void {
    // See above.
  }

  // --- state operations: taken over here, carried out in the adapter's DPC ---

  miniportInitiateOffload(miniportAdapterContext: MemoryTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as MemoryAdapter).addOperation('initiate', offloadBlockList);
  }

  miniportTerminateOffload(miniportAdapterContext: MemoryTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as MemoryAdapter).addOperation('terminate', offloadBlockList);
  }

  miniportUpdateOffload(miniportAdapterContext: MemoryTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as MemoryAdapter).addOperation('update', offloadBlockList);
  }

  miniportInvalidateOffload(miniportAdapterContext: MemoryTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as MemoryAdapter).addOperation('invalidate', offloadBlockList);
  }

  miniportQueryOffload(miniportAdapterContext: MemoryTargetAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    (miniportAdapterContext as MemoryAdapter).addOperation('query', offloadBlockList);
  }

  // --- data requests ---

  miniportTcpOffloadSend(
    _miniportAdapterContext: MemoryTargetAdapter,
    miniportOffloadContext: MemoryTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openEngine().takeSends(netBufferList);
  }

  miniportTcpOffloadReceive(
    _miniportAdapterContext: MemoryTargetAdapter,
    miniportOffloadContext: MemoryTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openEngine().receive.post(netBufferList);
  }

  miniportTcpOffloadDisconnect(
    _miniportAdapterContext: MemoryTargetAdapter,
    miniportOffloadContext: MemoryTargetConnection,
    netBufferList: NetBufferList,
    flags: number,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openEngine().takeDisconnect(netBufferList, flags);
  }

  miniportTcpOffloadForward(
    _miniportAdapterContext: MemoryTargetAdapter,
    miniportOffloadContext: MemoryTargetConnection,
    netBufferList: NetBufferList,
  ): NDIS_STATUS {
    return (miniportOffloadContext as TcpObject).openEngine().takeForwards(netBufferList);
  }

  miniportTcpOffloadReceiveReturn(miniportAdapterContext: MemoryTargetAdapter, netBufferList: NetBufferList): NDIS_STATUS {
    const adapter = miniportAdapterContext as MemoryAdapter;
    adapter.indications.free(netBufferList);
    adapter.continuePause();
    return NDIS_STATUS_SUCCESS;
  }
}

/**
 * Makes a memory target.
 * @param environment its clock, chance, deferred work and pools; an `Ndis` with `pools: ndis` has them all.
 * @throws TypeError that names an option that does not exist or whose value is not allowed.
 */
export function createMemoryTarget(environment: OffloadTargetEnvironment, options: MemoryTargetOptions = {}): MemoryTarget {
  return new MemoryTarget(environment, options);
}
