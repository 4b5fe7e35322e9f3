import {
  BlockWalk,
  DEFAULT_PUSH_TIMEOUT_MS,
  Dpc,
  NdisTcpConnectionOffloadParameters,
  TCP_OFFLOAD_EVENT_TYPE,
  type Clock,
  type DeferredRoutine,
  type MiniportOffloadBlockList,
  type NdisLibrary,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type OffloadTargetEnvironment,
} from '@ndis-chimney/types';

import { CachedStates } from './cached-states.ts';
import { Completions } from './completions.ts';
import type { ConnectionEngine } from './connection-engine.ts';
import { Indications } from './indications.ts';
import type { ResolvedOptions } from './options.ts';
import type { PeerRegistry } from './peer-registry.ts';
import { runStateOperation, type StateOperation } from './state-operations.ts';
import { TrafficStatistics } from './statistics.ts';
import type { TcpObject } from './tcp-object.ts';
import { Wire } from './wire.ts';

/** A tree that came down and has yet to be worked on. */
class PendingOperation {
  operation: StateOperation = 'initiate';
  tree: MiniportOffloadBlockList | null = null;
  next: PendingOperation | null = null;
}

/**
 * What the target keeps per adapter. All work is done in one DPC: first the connections that have something to do, then
 * the state operations that came down, each completed before the next is begun; then the requests that ended go back.
 */
export class MemoryAdapter implements DeferredRoutine {
  readonly name: string;
  readonly miniport: NdisMiniport;
  readonly handlers: NdisTcpOffloadEventHandlers;
  readonly ndis: NdisLibrary;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly peers: PeerRegistry;
  readonly wire: Wire;
  readonly completions: Completions;
  readonly indications: Indications;
  readonly cachedStates: CachedStates = new CachedStates();
  readonly statistics4: TrafficStatistics = new TrafficStatistics(40);
  readonly statistics6: TrafficStatistics = new TrafficStatistics(60);
  /** Everything that is offloaded to the adapter, at the TCP layer. */
  readonly connections: Set<TcpObject> = new Set<TcpObject>();
  /** What the host set; its defaults before it did. */
  readonly parameters: NdisTcpConnectionOffloadParameters = new NdisTcpConnectionOffloadParameters();
  readonly walk: BlockWalk<MiniportOffloadBlockList> = new BlockWalk<MiniportOffloadBlockList>();
  /** Send, disconnect and forward requests that have not ended. */
  heldRequests = 0;
  /** False while the adapter is paused or about to be: received data is buffered and nothing is passed up. */
  isRunning = false;
  private isPausing = false;
  private readonly environment: OffloadTargetEnvironment;
  private readonly dpc: Dpc = new Dpc(this);
  private readyHead: ConnectionEngine | null = null;
  private readyTail: ConnectionEngine | null = null;
  private operationHead: PendingOperation | null = null;
  private operationTail: PendingOperation | null = null;
  private freeOperations: PendingOperation | null = null;
  private nowMs = 0;

  constructor(name: string, miniport: NdisMiniport, handlers: NdisTcpOffloadEventHandlers, environment: OffloadTargetEnvironment, options: ResolvedOptions, peers: PeerRegistry) {
    this.name = name;
    this.miniport = miniport;
    this.handlers = handlers;
    this.ndis = miniport.ndis;
    this.environment = environment;
    this.clock = environment.clock;
    this.options = options;
    this.peers = peers;
    this.wire = new Wire(options.latencyMs, options.jitterMs, environment.random.fork(`jitter ${name}`));
    this.completions = new Completions(miniport, handlers);
    this.indications = new Indications(environment.pools.allocateNetBufferListPool(options.name));
  }

  /** How long the push timer runs, in milliseconds. */
  get pushTimeoutMs(): number {
    const { tcpPushTicks, ticksPerSecond } = this.parameters;
    return tcpPushTicks === 0 ? DEFAULT_PUSH_TIMEOUT_MS : ((tcpPushTicks >>> 0) * 1000) / ticksPerSecond;
  }

  /** The target's clock in ticks, as of the beginning of the pass: 32 bits that wrap. */
  get nowTicks(): number {
    return Math.floor((this.nowMs * this.parameters.ticksPerSecond) / 1000) | 0;
  }

  /** Has the DPC run. */
  wake(): void {
    if (!this.dpc.isQueued) this.environment.dpcQueue.insert(this.dpc);
  }

  /** Gives a connection its turn in the next pass. */
  addReady(engine: ConnectionEngine): void {
    if (!engine.isReady) {
      engine.isReady = true;
      if (this.readyTail === null) this.readyHead = engine;
      else this.readyTail.nextReady = engine;
      this.readyTail = engine;
    }
    this.wake();
  }

  /** Takes a tree over, to be worked on in the DPC. */
  addOperation(operation: StateOperation, tree: MiniportOffloadBlockList): void {
    const pending = this.freeOperations ?? new PendingOperation();
    this.freeOperations = pending.next;
    pending.next = null;
    pending.operation = operation;
    pending.tree = tree;
    if (this.operationTail === null) this.operationHead = pending;
    else this.operationTail.next = pending;
    this.operationTail = pending;
    this.wake();
  }

  runDpc(): void {
    this.nowMs = this.clock.now();
    try {
      this.runReady();
      this.runOperations();
      this.completions.flush();
      if (this.isPausing) this.continuePause();
    } finally {
      // Also when something was thrown: the rest must not be forgotten.
      if (this.readyHead !== null || this.operationHead !== null || !this.completions.isEmpty) this.wake();
    }
  }

  /** Each connection that was ready when the pass began has one turn; what becomes ready meanwhile waits for the next. */
  private runReady(): void {
    const last = this.readyTail;
    let engine = this.readyHead;
    while (engine !== null) {
      this.readyHead = engine.nextReady;
      if (this.readyHead === null) this.readyTail = null;
      engine.nextReady = null;
      engine.isReady = false;
      engine.run(this.nowMs);
      engine = engine === last ? null : this.readyHead;
    }
  }

  private runOperations(): void {
    const last = this.operationTail;
    let pending = this.operationHead;
    while (pending !== null) {
      const { operation, tree } = pending;
      this.operationHead = pending.next;
      if (this.operationHead === null) this.operationTail = null;
      pending.tree = null;
      pending.next = this.freeOperations;
      this.freeOperations = pending;
      runStateOperation(this, operation, tree!, this.nowMs);
      pending = pending === last ? null : this.operationHead;
    }
  }

  /** Tells the host of something that happened to a connection, after everything that happened before. */
  indicateEvent(tcp: TcpObject, eventType: number, information: number): void {
    this.completions.flush();
    this.handlers.tcpOffloadEventHandler(tcp.handle, eventType, information);
  }

  /** Asks for the upload of one connection, once, for a reason that the host must heed. */
  requestUpload(tcp: TcpObject, reason: number): void {
    if (tcp.uploadReason !== 0) return;
    this.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reason);
    tcp.uploadReason = reason;
    tcp.engine?.stopForUpload();
  }

  restart(): void {
    this.isRunning = true;
    this.isPausing = false;
    for (const { engine } of this.connections) engine?.schedule();
  }

  /** Stops passing data up. @returns true when nothing has to be waited for. */
  pause(): boolean {
    this.isRunning = false;
    this.isPausing = !this.isQuiet;
    return !this.isPausing;
  }

  /** Something came back from above, or is about to go there: the last of it ends a pause. */
  continuePause(): void {
    if (!this.isPausing || !this.isQuiet) return;
    this.isPausing = false;
    this.miniport.pauseComplete();
  }

  private get isQuiet(): boolean {
    return this.heldRequests === 0 && this.indications.outstanding === 0 && this.completions.isEmpty;
  }
}
