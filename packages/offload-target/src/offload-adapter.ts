import {
  BlockWalk,
  DEFAULT_PUSH_TIMEOUT_MS,
  Dpc,
  IRQL,
  NdisTcpConnectionOffloadParameters,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  isMandatoryUpload,
  type Clock,
  type DeferredRoutine,
  type MiniportOffloadBlockList,
  type NdisLibrary,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type OffloadTargetEnvironment,
} from '@ndis-chimney/types';

import { Admission } from './admission.ts';
import { Completions } from './completions.ts';
import type { ConnectionEngine, EngineEnvironment } from './connection-engine.ts';
import { ConnectionRecord, type ConnectionReport } from './connection-record.ts';
import { ConnectionTable } from './connection-table.ts';
import type { DataPath } from './data-path.ts';
import { EngineEventSink } from './engine-event-sink.ts';
import { EngineFaults } from './engine-faults.ts';
import { EngineGuard } from './engine-guard.ts';
import { Indications } from './indications.ts';
import { Operations } from './operations.ts';
import { OrdinaryPath } from './ordinary-path.ts';
import { PowerState } from './power-state.ts';
import { QUESTION } from './questions.ts';
import { Reachability } from './reachability.ts';
import { seqAdd, seqDelta } from './seq.ts';
import type { StateOperation } from './state-operations.ts';
import { TrafficStatistics } from './statistics.ts';
import type { ResolvedLimits } from './target-limits.ts';
import type { TcpObject } from './tcp-object.ts';
import { isAllowedHalfClosed } from './upload-reasons.ts';
import { Upcalls } from './upcalls.ts';
import { tellSettings } from './update.ts';

/** Makes an adapter's engine, in the target's own thread. */
export type EngineFactory = (environment: EngineEnvironment) => ConnectionEngine;

/**
 * What the target keeps per adapter. All work is done in one DPC: what the host wants goes to the engine, the engine has
 * its turn, what came of it is told; then the state operations that came down; then the requests that ended go back.
 */
export class OffloadAdapter implements DeferredRoutine {
  readonly name: string;
  readonly targetName: string;
  readonly miniport: NdisMiniport;
  readonly handlers: NdisTcpOffloadEventHandlers;
  readonly ndis: NdisLibrary;
  readonly clock: Clock;
  readonly limits: ResolvedLimits;
  readonly upcalls: Upcalls = new Upcalls();
  readonly completions: Completions;
  readonly indications: Indications;
  readonly ordinary: OrdinaryPath;
  readonly statistics4: TrafficStatistics = new TrafficStatistics();
  readonly statistics6: TrafficStatistics = new TrafficStatistics();
  readonly admission: Admission;
  readonly reachability: Reachability;
  readonly power: PowerState;
  readonly connections: ConnectionTable = new ConnectionTable(this);
  readonly operations: Operations = new Operations(this);
  readonly faults: EngineFaults = new EngineFaults(this);
  /** What is told to the engine of a connection, over and over. */
  readonly record: ConnectionRecord = new ConnectionRecord();
  readonly engine: EngineGuard;
  /** What the host set; its defaults before it did. */
  readonly parameters: NdisTcpConnectionOffloadParameters = new NdisTcpConnectionOffloadParameters();
  readonly walk: BlockWalk<MiniportOffloadBlockList> = new BlockWalk<MiniportOffloadBlockList>();
  /** Send, disconnect and forward requests that have not ended. */
  heldRequests = 0;
  /** False while the adapter is paused or about to be: received data is buffered and nothing is passed up. */
  isRunning = false;
  /** True from NDIS_STATUS_UPLOAD_ALL to NDIS_STATUS_OFFLOAD_RESUME. */
  isUploadingAll = false;
  private isPausing = false;
  private readonly environment: OffloadTargetEnvironment;
  private readonly dpc: Dpc = new Dpc(this);
  private isInDpc = false;
  private isEngineDue = false;
  private readyHead: DataPath | null = null;
  private readyTail: DataPath | null = null;
  private nowMs = 0;

  constructor(
    targetName: string,
    name: string,
    miniport: NdisMiniport,
    handlers: NdisTcpOffloadEventHandlers,
    environment: OffloadTargetEnvironment,
    limits: ResolvedLimits,
    createEngine: EngineFactory,
  ) {
    this.name = name;
    this.targetName = targetName;
    this.miniport = miniport;
    this.handlers = handlers;
    this.ndis = miniport.ndis;
    this.environment = environment;
    this.clock = environment.clock;
    this.limits = limits;
    // First of all: when it throws, nothing has been allocated.
    this.engine = new EngineGuard(createEngine(this.engineEnvironment()), this);
    this.completions = new Completions(miniport, handlers, this.upcalls);
    this.indications = new Indications(environment.pools.allocateNetBufferListPool(targetName));
    this.ordinary = new OrdinaryPath(this, environment.pools.allocateNetBufferListPool(targetName));
    this.admission = new Admission(limits);
    this.reachability = new Reachability(this);
    this.power = new PowerState(this);
  }

  private engineEnvironment(): EngineEnvironment {
    const { parameters } = this;
    return {
      name: `${this.targetName} ${this.name}`,
      clock: this.clock,
      random: this.environment.random.fork(`engine ${this.name}`),
      events: new EngineEventSink(this),
      get ticksPerSecond() {
        return parameters.ticksPerSecond;
      },
      schedule: () => {
        this.isEngineDue = true;
        this.wake();
      },
    };
  }

  /** How long the push timer runs, in milliseconds. */
  get pushTimeoutMs(): number {
    const { tcpPushTicks, ticksPerSecond } = this.parameters;
    return tcpPushTicks === 0 ? DEFAULT_PUSH_TIMEOUT_MS : ((tcpPushTicks >>> 0) * 1000) / ticksPerSecond;
  }

  /** The target's clock in ticks, as of the beginning of the pass: 32 bits that wrap. */
  get nowTicks(): number {
    const nowMs = this.isInDpc ? this.nowMs : this.clock.now();
    return Math.floor((nowMs * this.parameters.ticksPerSecond) / 1000) | 0;
  }

  // --- the pass ---

  /** Has the DPC run. */
  wake(): void {
    if (!this.dpc.isQueued && !this.isInDpc) this.environment.dpcQueue.insert(this.dpc);
  }

  /** Gives a connection its turn in the next pass. */
  addReady(dataPath: DataPath): void {
    if (dataPath.isReady) return;
    dataPath.isReady = true;
    if (this.readyTail === null) this.readyHead = dataPath;
    else this.readyTail.nextReady = dataPath;
    this.readyTail = dataPath;
    this.wake();
  }

  runDpc(): void {
    this.nowMs = this.clock.now();
    this.isInDpc = true;
    try {
      this.runReady();
      if (this.isEngineDue) {
        this.isEngineDue = false;
        this.engine.run(this.nowMs);
        this.runReady();
      }
      this.operations.run(this.nowMs);
      this.faults.close();
      this.ordinary.indicate();
      this.completions.flush();
      if (this.isPausing) this.continuePause();
      this.power.continue();
    } finally {
      this.isInDpc = false;
      // Also when something was thrown: the rest must not be forgotten.
      if (this.hasWork) this.wake();
    }
  }

  private get hasWork(): boolean {
    return this.readyHead !== null || this.isEngineDue || !this.completions.isEmpty || this.operations.hasWork || this.faults.hasWork || this.ordinary.hasWaiting;
  }

  /** Each connection that is ready now has one turn; what becomes ready meanwhile waits for the next. */
  private runReady(): void {
    const last = this.readyTail;
    let dataPath = this.readyHead;
    while (dataPath !== null) {
      this.readyHead = dataPath.nextReady;
      if (this.readyHead === null) this.readyTail = null;
      dataPath.nextReady = null;
      dataPath.isReady = false;
      dataPath.run();
      dataPath = dataPath === last ? null : this.readyHead;
    }
  }

  // --- connections ---

  /** The host has its initiate back: connections come to life. */
  enable(connections: readonly TcpObject[]): void {
    for (const tcp of connections) {
      // Those that were refused are gone.
      if (this.connections.get(tcp.id) !== tcp) continue;
      tcp.isEnabled = true;
      if (tcp.isUpdateDue && !tcp.isFailed) tellSettings(this, tcp, null, null);
      if (tcp.isFailed) continue;
      tcp.dataPath?.schedule();
      if (!tcp.isStopped || this.limits.isInvalidateLenient) this.engine.resume(tcp.id);
      // It is held still. A linker may name an object that was invalidated.
      else tcp.isHeld = true;
      if (tcp.isStopped) this.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
    }
  }

  /** Has the engine stop, on behalf of an operation or not. */
  hold(tcp: TcpObject, operation: StateOperation | null, block: MiniportOffloadBlockList | null): void {
    if (tcp.isHeld || tcp.isHolding || tcp.isFailed) return;
    tcp.isHolding = true;
    this.operations.ask(tcp, QUESTION.hold, operation, block);
    this.engine.hold(tcp.id);
  }

  /** The engine has stopped: what was lent is the host's again. */
  noteHeld(tcp: TcpObject, report: ConnectionReport): void {
    tcp.isHolding = false;
    tcp.isHeld = true;
    tcp.dataPath?.noteHeld(report);
    if (tcp.uploadReason !== 0) tcp.dataPath?.giveBack();
    if (tcp.isResumeWanted) this.resume(tcp);
    tcp.dataPath?.schedule();
  }

  /** A connection that was stopped for what it depends on goes on. */
  resume(tcp: TcpObject): void {
    tcp.isResumeWanted = tcp.isHolding;
    if (tcp.isHolding) return;
    tcp.uploadReason = 0;
    tcp.isHeld = false;
    tcp.dataPath?.resume();
    this.engine.resume(tcp.id);
  }

  /** Tells the engine of room for received data, if there is more than it knows of. */
  openWindow(tcp: TcpObject): void {
    if (tcp.dataPath !== null || seqDelta(seqAdd(tcp.rcvNxt, tcp.window), tcp.openedEdge) > 0) tcp.openDataPath().openWindow();
  }

  /** True while the host can be called for a connection: at DISPATCH_LEVEL, and not inside another call. */
  canCallUp(tcp: TcpObject): boolean {
    return this.upcalls.depth === 0 && tcp.isEnabled && this.environment.dpcQueue.irql === IRQL.DISPATCH_LEVEL;
  }

  /** Tells the host of something that happened to a connection, after everything that happened before. */
  indicateEvent(tcp: TcpObject, eventType: number, information: number): void {
    this.completions.flush();
    this.upcalls.indicateEvent(this.handlers, tcp.handle, eventType, information);
  }

  /**
   * Asks for the upload of one connection. A reason that the host must heed is given once, and stops the connection; the
   * others leave it alone, and are not given while it is half closed.
   */
  requestUpload(tcp: TcpObject, reason: number): void {
    if (tcp.uploadReason !== 0 || tcp.isFailed) return;
    if (tcp.isHalfClosed && !isAllowedHalfClosed(reason)) return;
    this.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reason);
    if (!isMandatoryUpload(reason) || (reason === TCP_UPLOAD_REASON.InvalidState && this.limits.isInvalidateLenient)) return;
    tcp.uploadReason = reason;
    tcp.dataPath?.stopForUpload();
    if (tcp.isHeld) tcp.dataPath?.giveBack();
    else this.hold(tcp, null, null);
  }

  // --- the adapter as a whole ---

  /** Initiates wait from now on (`ndis-status-offload-pause.md`). */
  pauseOffload(): void {
    this.operations.pause();
  }

  /** All connections are to go back: what comes for them now is refused (`ndis-status-upload-all.md`). */
  uploadAll(): void {
    this.operations.pause();
    this.isUploadingAll = true;
    for (const tcp of this.connections.all) tcp?.dataPath?.stopForUpload();
  }

  /** Initiates are taken again (`ndis-status-offload-resume.md`). */
  resumeOffload(): void {
    this.isUploadingAll = false;
    this.operations.resume();
  }

  restart(): void {
    this.isRunning = true;
    this.isPausing = false;
    for (const tcp of this.connections.all) tcp?.dataPath?.schedule();
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
    return this.heldRequests === 0 && this.indications.outstanding === 0 && this.ordinary.outstanding === 0 && this.completions.isEmpty;
  }

  /** Gives everything up. Nothing is offloaded. */
  halt(): void {
    this.environment.dpcQueue.remove(this.dpc);
    this.operations.halt();
    this.engine.halt();
    this.indications.close();
    this.ordinary.close();
  }
}
