// One adapter of a memory target under a real NDIS, with a test host above it and nothing that is not seeded.
import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { createMemoryTarget, type MemoryPeer, type MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  OffloadHandle,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TCP_OFFLOAD_CONNECTION_STATE,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NetBufferList,
  type NetBufferListPool,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { expect } from 'vitest';

import { HostConnection, must } from './host-connection.ts';
import { TestHost } from './test-host.ts';

/** Connections start two below the wrap of the sequence numbers. */
export const FIRST_SEND_SEQ = 0xFFFFFFFE | 0;
export const FIRST_RECEIVE_SEQ = 0x7FFFFFFE;

/** What a test may set about a connection before it is offered. */
export interface ConnectionSettings {
  readonly localPort?: number;
  readonly isIPv6?: boolean;
  readonly chain?: NetBufferList | null;
  readonly bufferedData?: NetBufferList | null;
  readonly delegated?: (delegated: TcpOffloadStateDelegated) => void;
  readonly cached?: (cached: TcpOffloadStateCached) => void;
  readonly const?: (constState: TcpOffloadStateConst) => void;
}

export class World {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly target: MemoryTarget;
  readonly host: TestHost;
  readonly driver: NdisMiniportDriverHandle;
  readonly miniport: NdisMiniport;
  readonly pool: NetBufferListPool;

  constructor(options: MemoryTargetOptions = {}, seed: string | number = 1) {
    this.runtime = new DeterministicRuntime(seed);
    this.ndis = new Ndis(this.runtime);
    this.target = createMemoryTarget({ ...this.environment, random: this.runtime.random.fork('target') }, options);
    this.driver = must(this.ndis.registerMiniportDriver(this.target).ndisDriverHandle);
    this.miniport = must(this.ndis.addAdapter(this.driver, 'mem0').ndisMiniportHandle);
    this.host = new TestHost(this.ndis);
    this.ndis.bindAdapter(must(this.ndis.registerProtocolDriver(this.host).ndisProtocolHandle), this.miniport);
    this.pool = this.ndis.allocateNetBufferListPool('test host');
  }

  private get environment(): { clock: DeterministicRuntime['clock']; dpcQueue: DeterministicRuntime['dpcQueue']; pools: Ndis } {
    return { clock: this.runtime.clock, dpcQueue: this.runtime.dpcQueue, pools: this.ndis };
  }

  /** Runs DPCs until none is queued; time stands still. */
  settle(): void {
    this.runtime.settle();
  }

  /** As {@link settle}, with what is due now, and lets everything that waits for a promise go on, until nothing happens any more. */
  async drain(): Promise<void> {
    const { clock, dpcQueue } = this.runtime;
    do {
      this.runtime.advance(0);
      for (let i = 0; i < 20; i++) await Promise.resolve();
    } while (!dpcQueue.isIdle || clock.nextDueMs <= clock.now());
  }

  /** Waits for a promise, running what it takes; time stands still. Fails when nothing happens any more. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const nothing = this.drain().then(() => {
      throw new Error('the promise is not settled, and nothing happens any more');
    });
    return Promise.race([promise, nothing]);
  }

  /** Lets time pass, timer by timer, with everything that waits for a promise going on in between. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.runtime;
    const untilMs = clock.now() + ms;
    await this.drain();
    while (clock.fireNext(untilMs)) await this.drain();
    clock.advance(untilMs - clock.now());
    await this.drain();
  }

  /** A neighbor block for a new object. */
  neighbor(...paths: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
    const state = new OffloadBlockState(new NeighborOffloadStateConst(), new NeighborOffloadStateCached(), new NeighborOffloadStateDelegated());
    return link(createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, this.handle(), state), paths);
  }

  /** A path block for a new object. */
  path(isIPv6: boolean, ...connections: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
    const constState = new PathOffloadStateConst();
    constState.sourceAddress = isIPv6 ? new Uint8Array(16).fill(0xFD, 0, 1).fill(1, 15) : new Uint8Array([10, 0, 0, 1]);
    constState.destinationAddress = isIPv6 ? new Uint8Array(16).fill(0xFD, 0, 1).fill(2, 15) : new Uint8Array([10, 0, 0, 2]);
    const cached = new PathOffloadStateCached();
    cached.pathMtu = 1500;
    const state = new OffloadBlockState(constState, cached, new PathOffloadStateDelegated());
    const type = isIPv6 ? OFFLOAD_STATE_TYPE.Ip6OffloadState : OFFLOAD_STATE_TYPE.Ip4OffloadState;
    return link(createProtocolOffloadBlockList(type, this.handle(), state), connections);
  }

  /** A TCP block for a new connection. */
  tcp(settings: ConnectionSettings = {}): ProtocolOffloadBlockList {
    const constState = new TcpOffloadStateConst();
    constState.localPort = settings.localPort ?? 40_000;
    constState.remotePort = 80;
    constState.remoteMss = 1460;
    settings.const?.(constState);
    const cached = new TcpOffloadStateCached();
    cached.initialRcvWnd = 65_536;
    settings.cached?.(cached);
    const delegated = new TcpOffloadStateDelegated();
    delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
    delegated.rcvNxt = FIRST_RECEIVE_SEQ;
    delegated.rcvWnd = 65_536;
    delegated.sndUna = FIRST_SEND_SEQ;
    delegated.sndNxt = FIRST_SEND_SEQ;
    delegated.sndMax = FIRST_SEND_SEQ;
    delegated.sndWnd = 65_536;
    delegated.bufferedData = settings.bufferedData ?? null;
    settings.delegated?.(delegated);
    const block = createProtocolOffloadBlockList(
      OFFLOAD_STATE_TYPE.TcpOffloadState,
      this.handle(),
      new OffloadBlockState(constState, cached, delegated),
    );
    block.netBufferListChain = settings.chain ?? null;
    return block;
  }

  handle(): OffloadHandle {
    return new OffloadHandle(this.host.binding, this);
  }

  /** Offloads one connection with a path and a neighbor of its own. Its completion has come when this returns. */
  offload(settings: ConnectionSettings = {}): HostConnection {
    const tcp = this.tcp(settings);
    const path = this.path(settings.isIPv6 ?? false, tcp);
    const neighbor = this.neighbor(path);
    this.host.binding.initiateOffload(neighbor);
    this.settle();
    expect([neighbor.status, path.status, tcp.status]).toEqual([0, 0, 0]);
    return new HostConnection(this, must(tcp.offloadHandle), must(path.offloadHandle), must(neighbor.offloadHandle), settings);
  }

  /** Offloads a connection whose peer is wanted too. */
  async connect(settings: ConnectionSettings = {}): Promise<{ connection: HostConnection; peer: MemoryPeer }> {
    const connection = this.offload(settings);
    return { connection, peer: await this.target.accept() };
  }

  /** Nothing is out, and nobody broke a rule. */
  expectClean(): void {
    expect(this.ndis.violationCount).toBe(0);
    expect(this.ndis.outstanding).toEqual({ netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 });
  }
}

/** Hangs blocks below another, one behind the other. */
export function link(block: ProtocolOffloadBlockList, dependents: readonly ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  block.dependentBlockList = row(dependents);
  return block;
}

/** Links blocks of one layer. */
export function row(blocks: readonly ProtocolOffloadBlockList[]): ProtocolOffloadBlockList | null {
  blocks.forEach((block, index) => {
    block.nextBlock = blocks[index + 1] ?? null;
  });
  return blocks[0] ?? null;
}
