import { OffloadTarget, type EngineEnvironment } from '@ndis-chimney/offload-target';
import type { NDIS_STATUS, NdisMiniportDriverHandle, OffloadTargetEnvironment } from '@ndis-chimney/types';

import { MemoryEngine } from './memory-engine.ts';
import type { MemoryPeer } from './memory-peer.ts';
import { resolveOptions, type MemoryTargetOptions } from './options.ts';
import { copyPattern } from './peer-output.ts';
import { PeerRegistry } from './peer-registry.ts';

/**
 * The memory target: a miniport driver whose connections lead to peers in the same process. It keeps every rule of the
 * chimney a target has to keep; what is missing is a wire that could lose something.
 *
 * It may serve several adapters, and all of them lead to the same peers. Make it with {@link createMemoryTarget} or the
 * plugin, register it with NDIS, add an adapter, and offload connections to it.
 */
export class MemoryTarget extends OffloadTarget {
  private readonly registry: PeerRegistry;

  /** @throws TypeError that names an option that does not exist or whose value is not allowed. */
  constructor(environment: OffloadTargetEnvironment, options: MemoryTargetOptions = {}) {
    const resolved = resolveOptions(options);
    const registry = new PeerRegistry(resolved, environment.random.fork('pattern'));
    const { name, connectionCapacity, bufferBytes, peerWindowBytes } = resolved;
    super(environment, {
      name,
      createEngine: (engineEnvironment: EngineEnvironment) => new MemoryEngine(engineEnvironment, resolved, registry),
      // As much as the peer takes at once.
      limits: { connectionCapacity, bufferBytes, sendBacklogBytes: peerWindowBytes },
    });
    this.registry = registry;
  }

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

  /** The peers of all connections that are offloaded now, oldest first, adapter by adapter. They count as accepted from then on. */
  offloadedPeers(): MemoryPeer[] {
    return this.registry.faces();
  }

  /**
   * The peer of the connection that is offloaded now and has this port at the host's end, or null. It counts as accepted
   * from then on. @param peerPort the port at the peer's end, when the other is not enough.
   */
  peerOf(hostPort: number, peerPort?: number): MemoryPeer | null {
    return this.registry.faceAt(hostPort, peerPort);
  }

  /** The bytes that every peer in mode `source` sends, from `offset` on: the same for all, made from the seed. */
  sourcePattern(offset: number, byteCount: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(byteCount);
    copyPattern(this.registry.pattern, offset, bytes, 0, byteCount);
    return bytes;
  }

  override miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    this.registry.open();
    return super.miniportSetOptions(ndisDriverHandle);
  }

  miniportDriverUnload(): void {
    this.registry.close();
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
