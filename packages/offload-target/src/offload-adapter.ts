import {
  BlockWalk,
  DEFAULT_PUSH_TIMEOUT_MS,
  Dpc,
  IRQL,
  NDIS_STATUS_FAILURE,
  NdisTcpConnectionOffloadParameters,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type Clock,
  type DeferredRoutine,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisLibrary,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type OffloadHandle,
  type OffloadTargetEnvironment,
  type TcpOffloadStateCached,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
  type Timer,
  type TimerRoutine,
} from '@ndis-chimney/types';

import { Admission } from './admission.ts';
import { CachedStates } from './cached-states.ts';
import { Completions } from './completions.ts';
import type { ConnectionEngine, EngineEnvironment } from './connection-engine.ts';
import { ConnectionRecord, type ConnectionReport } from './connection-record.ts';
import type { DataPath } from './data-path.ts';
import { EngineEventSink } from './engine-event-sink.ts';
import { EngineGuard } from './engine-guard.ts';
import { textOf, type EngineRule } from './engine-rules.ts';
import { Indications } from './indications.ts';
import type { PathObject } from './offload-objects.ts';
import { OrdinaryPath } from './ordinary-path.ts';
import { PowerState } from './power-state.ts';
import { QUESTION, QuestionPool, type Question, type QuestionKind } from './questions.ts';
import { Reachability } from './reachability.ts';
import { RecordTable } from './record-table.ts';
import { seqAdd, seqDelta } from './seq.ts';
import { StateOperation, beginOperation, finishOperation, takeAnswer, type OperationKind } from './state-operations.ts';
import { TrafficStatistics } from './statistics.ts';
import type { ResolvedLimits } from './target-limits.ts';
import { TcpObject } from './tcp-object.ts';
import { isAllowedHalfClosed, isMandatoryReason } from './upload-reasons.ts';
import { Upcalls } from './upcalls.ts';

const NOTHING_TO_REPORT: ConnectionReport = {};

/** Makes an adapter's engine, in the target's own thread. */
export type EngineFactory = (environment: EngineEnvironment) => ConnectionEngine;

/** A connection that the engine has lost, until the host is told. */
interface Failure {
  readonly tcp: TcpObject;
  /** What has to be completed before. */
  readonly operation: StateOperation | null;
}

/**
 * What the target keeps per adapter. All work is done in one DPC: what the host wants goes to the engine, the engine has
 * its turn, what came of it is told; then the state operations that came down; then the requests that ended go back.
 */
export class OffloadAdapter implements DeferredRoutine, TimerRoutine {
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
  readonly cachedStates: CachedStates = new CachedStates();
  readonly statistics4: TrafficStatistics = new TrafficStatistics();
  readonly statistics6: TrafficStatistics = new TrafficStatistics();
  readonly admission: Admission;
  readonly reachability: Reachability;
  readonly power: PowerState;
  /** Everything that is offloaded to the adapter at the TCP layer, by its number. */
  readonly connections: (TcpObject | null)[] = [];
  connectionCount = 0;
  readonly table: RecordTable = new RecordTable();
  /** What is told to the engine of a connection, over and over. */
  readonly record: ConnectionRecord = new ConnectionRecord();
  readonly questions: QuestionPool = new QuestionPool();
  /** Numbers that are not used again, because the engine may not have forgotten them. */
  readonly retiredIds: Set<number> = new Set<number>();
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
  /** True from NDIS_STATUS_OFFLOAD_PAUSE to NDIS_STATUS_OFFLOAD_RESUME: initiates wait. */
  private isOffloadPaused = false;
  private readonly environment: OffloadTargetEnvironment;
  private readonly dpc: Dpc = new Dpc(this);
  private isInDpc = false;
  private isEngineDue = false;
  private readyHead: DataPath | null = null;
  private readyTail: DataPath | null = null;
  private readonly freeIds: number[] = [];
  /** Trees that came down and have not been looked at. */
  private incoming: StateOperation[] = [];
  /** Initiates that came while offloading is paused. */
  private postponed: StateOperation[] = [];
  /** Operations that wait for answers of the engine, in the order they came. */
  private waiting: StateOperation[] = [];
  private failures: Failure[] = [];
  /** Numbers that the engine has to be told to forget. */
  private closing: number[] = [];
  private answerTimer: Timer | null = null;
  private isAnswerOverdue = false;
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

  /** Takes a tree over, to be worked on in the DPC. */
  addOperation(kind: OperationKind, tree: MiniportOffloadBlockList): void {
    this.incoming.push(new StateOperation(kind, tree));
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
      this.endOverdue();
      this.closeGivenUp();
      this.finishAnswered();
      this.runOperations();
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
    return this.readyHead !== null || this.incoming.length > 0 || this.isEngineDue || !this.completions.isEmpty || this.closing.length > 0 || this.ordinary.hasWaiting || this.hasAnswered || this.hasFailureToTell;
  }

  private get hasAnswered(): boolean {
    return this.waiting.length > 0 && this.waiting.some((operation) => operation.pending === 0);
  }

  private get hasFailureToTell(): boolean {
    return this.failures.length > 0 && this.failures.some(({ operation }) => operation === null || operation.isFinished);
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

  private runOperations(): void {
    const { incoming } = this;
    if (incoming.length === 0) return;
    this.incoming = [];
    for (const operation of incoming) {
      if (operation.kind === 'initiate' && this.isOffloadPaused) {
        this.postponed.push(operation);
        continue;
      }
      beginOperation(this, operation);
      if (operation.pending === 0) this.finish(operation);
      else this.awaitAnswers(operation);
    }
  }

  private awaitAnswers(operation: StateOperation): void {
    operation.deadlineMs = this.nowMs + this.limits.answerTimeoutMs;
    this.waiting.push(operation);
    this.answerTimer ??= this.clock.createTimer(this);
    if (!this.answerTimer.isRunning) this.answerTimer.start(this.limits.answerTimeoutMs);
  }

  private finishAnswered(): void {
    if (this.hasAnswered) {
      const answered = this.waiting.filter((operation) => operation.pending === 0);
      this.waiting = this.waiting.filter((operation) => operation.pending > 0);
      if (this.waiting.length === 0) this.answerTimer?.cancel();
      for (const operation of answered) this.finish(operation);
    }
    this.tellFailures();
  }

  private finish(operation: StateOperation): void {
    finishOperation(this, operation);
    this.tellFailures();
  }

  // --- questions to the engine ---

  /** Notes that the engine is about to be asked something. */
  ask(tcp: TcpObject, kind: QuestionKind, operation: StateOperation | null, block: MiniportOffloadBlockList | null): void {
    this.questions.ask(tcp, kind, operation, block);
  }

  /** Takes an answer, or that there will be none. */
  answer(question: Question, status: NDIS_STATUS, report: ConnectionReport): void {
    takeAnswer(this, question, status, report);
    if (question.operation !== null) question.operation.pending--;
    this.questions.release(question);
    this.wake();
  }

  timerExpired(): void {
    this.isAnswerOverdue = true;
    this.wake();
  }

  /** Gives connections up whose engine has not answered in time; everybody else goes on. */
  private endOverdue(): void {
    if (!this.isAnswerOverdue) return;
    this.isAnswerOverdue = false;
    for (const operation of this.waiting) if (operation.deadlineMs <= this.nowMs) this.endUnanswered(operation);
    const next = this.waiting.find((operation) => operation.pending > 0);
    if (next !== undefined) this.answerTimer?.start(next.deadlineMs - this.nowMs);
  }

  private endUnanswered(operation: StateOperation): void {
    for (const tcp of this.connections) {
      if (tcp === null) continue;
      for (let question = tcp.questions; question !== null; question = question.next) {
        if (question.operation !== operation) continue;
        const asked = Object.keys(QUESTION).find((name) => QUESTION[name as keyof typeof QUESTION] === question?.kind) ?? '';
        this.accuseConnection(tcp, 'CHIM-ENG-006', `${asked} was not answered in ${this.limits.answerTimeoutMs} ms`);
        break;
      }
    }
  }

  // --- an engine that does what it should not ---

  /** Reports a broken rule of the engine. */
  report(rule: EngineRule, detail: string, objects: readonly unknown[], cause?: unknown): void {
    const details = { rule, actor: this.targetName, detail: `engine of ${this.name}: ${detail}`, objects };
    this.ndis.reportViolation(cause === undefined ? details : { ...details, cause });
  }

  /** Reports what an engine did to one connection, which ends with it. */
  accuseConnection(tcp: TcpObject, rule: EngineRule, detail: string): void {
    this.report(rule, `connection ${tcp.id} (${tcp.name}): ${detail}`, [tcp.handle]);
    this.fail(tcp, NDIS_STATUS_FAILURE, false);
  }

  /** A command for a connection threw. */
  commandThrew(command: string, id: number, error: unknown): void {
    const tcp = this.connections[id] ?? null;
    this.report('CHIM-ENG-002', `${command}(${id}) threw ${textOf(error)}`, tcp === null ? [] : [tcp.handle], error);
    if (tcp !== null) this.fail(tcp, NDIS_STATUS_FAILURE, false);
  }

  /** A command that is about no connection threw. */
  reportThrown(command: string, error: unknown): void {
    this.report('CHIM-ENG-002', `${command} threw ${textOf(error)}`, [], error);
  }

  /**
   * The engine has lost a connection, or has refused it. What waits for an answer gets a failure; then the host is told.
   * @param hasForgotten the engine said so itself.
   */
  fail(tcp: TcpObject, status: NDIS_STATUS, hasForgotten: boolean): void {
    if (tcp.isFailed) return;
    const opening = this.questions.take(tcp, QUESTION.open);
    if (opening !== null || !hasForgotten) this.giveUp(tcp, hasForgotten);
    if (opening !== null) {
      this.answer(opening, status, NOTHING_TO_REPORT);
      return;
    }
    tcp.isFailed = true;
    const operation = tcp.questions?.operation ?? null;
    if (tcp.dataPath === null) tcp.setState(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
    else tcp.dataPath.fail();
    this.failures.push({ tcp, operation });
    for (let question = tcp.questions; question !== null; question = tcp.questions) {
      tcp.questions = question.next;
      this.answer(question, NDIS_STATUS_FAILURE, NOTHING_TO_REPORT);
    }
    this.wake();
  }

  /** Sees to it that nothing the engine says of a number is taken for another connection. */
  private giveUp(tcp: TcpObject, hasForgotten: boolean): void {
    if (hasForgotten) return;
    this.retiredIds.add(tcp.id);
    this.closing.push(tcp.id);
  }

  private closeGivenUp(): void {
    const { closing } = this;
    if (closing.length === 0) return;
    this.closing = [];
    for (const id of closing) this.engine.close(id);
  }

  /** Tells the host of connections that are lost, each when the operation it was found by is completed. */
  private tellFailures(): void {
    if (!this.hasFailureToTell) return;
    const { failures } = this;
    this.failures = failures.filter(({ operation }) => operation?.isFinished === false);
    for (const { tcp, operation } of failures) {
      if (operation?.isFinished === false) continue;
      tcp.uploadReason = TCP_UPLOAD_REASON.HardwareFailure;
      this.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
      this.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
    }
  }

  // --- connections ---

  /** Makes the record of a new connection. */
  admit(handle: OffloadHandle, path: PathObject, constState: TcpOffloadStateConst, cached: TcpOffloadStateCached, delegated: TcpOffloadStateDelegated): TcpObject {
    const id = this.freeIds.pop() ?? this.connections.length;
    const tcp = new TcpObject(handle, path, this, id, constState, this.cachedStates.copyOf(cached), delegated);
    this.connections[id] = tcp;
    this.connectionCount++;
    return tcp;
  }

  /** Lets a connection go. */
  forget(tcp: TcpObject): void {
    this.connections[tcp.id] = null;
    this.connectionCount--;
    if (!this.retiredIds.has(tcp.id)) this.freeIds.push(tcp.id);
  }

  /** The host has its initiate back: connections come to life. */
  enable(connections: readonly TcpObject[]): void {
    for (const tcp of connections) {
      // Those that were refused are gone.
      if (this.connections[tcp.id] !== tcp) continue;
      tcp.isEnabled = true;
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
    this.ask(tcp, QUESTION.hold, operation, block);
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
    if (!isMandatoryReason(reason) || (reason === TCP_UPLOAD_REASON.InvalidState && this.limits.isInvalidateLenient)) return;
    tcp.uploadReason = reason;
    tcp.dataPath?.stopForUpload();
    if (tcp.isHeld) tcp.dataPath?.giveBack();
    else this.hold(tcp, null, null);
  }

  // --- the adapter as a whole ---

  /** Initiates wait from now on (`ndis-status-offload-pause.md`). */
  pauseOffload(): void {
    this.isOffloadPaused = true;
  }

  /** All connections are to go back: what comes for them now is refused (`ndis-status-upload-all.md`). */
  uploadAll(): void {
    this.isOffloadPaused = true;
    this.isUploadingAll = true;
    for (const tcp of this.connections) tcp?.dataPath?.stopForUpload();
  }

  /** Initiates are taken again (`ndis-status-offload-resume.md`). */
  resumeOffload(): void {
    this.isOffloadPaused = false;
    this.isUploadingAll = false;
    this.incoming.unshift(...this.postponed);
    this.postponed = [];
    this.wake();
  }

  /** True while a terminate is under way. */
  get isTerminating(): boolean {
    return [...this.waiting, ...this.incoming].some(({ kind }) => kind === 'terminate');
  }

  restart(): void {
    this.isRunning = true;
    this.isPausing = false;
    for (const tcp of this.connections) tcp?.dataPath?.schedule();
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
    this.answerTimer?.cancel();
    this.engine.halt();
    this.indications.close();
    this.ordinary.close();
  }
}
