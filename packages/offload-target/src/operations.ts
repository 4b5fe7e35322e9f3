import type { MiniportOffloadBlockList, NDIS_STATUS, Timer, TimerRoutine } from '@ndis-chimney/types';

import type { ConnectionReport } from './connection-record.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { QUESTION, QuestionPool, type Question, type QuestionKind } from './questions.ts';
import { StateOperation, beginOperation, finishOperation, takeAnswer, type OperationKind } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';

const NOTHING_TO_REPORT: ConnectionReport = {};

/**
 * The state operations of one adapter. Each is begun in the order it came, and completed when the engine has answered
 * all that it was asked for it; one that waits does not hold up those behind it.
 */
export class Operations implements TimerRoutine {
  readonly questions: QuestionPool = new QuestionPool();
  private readonly adapter: OffloadAdapter;
  /** Trees that came down and have not been looked at. */
  private incoming: StateOperation[] = [];
  /** Initiates that came while offloading is paused. */
  private postponed: StateOperation[] = [];
  private isPaused = false;
  /** Operations that wait for answers of the engine, in the order they came. */
  private waiting: StateOperation[] = [];
  private answerTimer: Timer | null = null;
  private isAnswerOverdue = false;

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  /** Takes a tree over, to be worked on in the DPC. */
  add(kind: OperationKind, tree: MiniportOffloadBlockList): void {
    this.incoming.push(new StateOperation(kind, tree));
    this.adapter.wake();
  }

  /** Initiates wait from now on. */
  pause(): void {
    this.isPaused = true;
  }

  /** Initiates are taken again, those that waited first. */
  resume(): void {
    this.isPaused = false;
    this.incoming.unshift(...this.postponed);
    this.postponed = [];
    this.adapter.wake();
  }

  get hasWork(): boolean {
    return this.incoming.length > 0 || this.isAnswerOverdue || this.hasAnswered;
  }

  /** True while a terminate is under way. */
  get isTerminating(): boolean {
    return [...this.waiting, ...this.incoming].some(({ kind }) => kind === 'terminate');
  }

  private get hasAnswered(): boolean {
    return this.waiting.length > 0 && this.waiting.some((operation) => operation.pending === 0);
  }

  /** Completes what has its answers, and begins what has come down. */
  run(nowMs: number): void {
    if (this.isAnswerOverdue) this.endOverdue(nowMs);
    if (this.hasAnswered) this.finishAnswered();
    // Before a terminate takes back what there is to tell of.
    this.adapter.faults.tell();
    if (this.incoming.length > 0) this.beginIncoming(nowMs);
  }

  private beginIncoming(nowMs: number): void {
    const { incoming, adapter } = this;
    this.incoming = [];
    for (const operation of incoming) {
      if (operation.kind === 'initiate' && this.isPaused) {
        this.postponed.push(operation);
        continue;
      }
      beginOperation(adapter, operation);
      if (operation.pending === 0) this.finish(operation);
      else this.awaitAnswers(operation, nowMs);
    }
  }

  private awaitAnswers(operation: StateOperation, nowMs: number): void {
    const { answerTimeoutMs } = this.adapter.limits;
    operation.deadlineMs = nowMs + answerTimeoutMs;
    this.waiting.push(operation);
    this.answerTimer ??= this.adapter.clock.createTimer(this);
    if (!this.answerTimer.isRunning) this.answerTimer.start(answerTimeoutMs);
  }

  private finishAnswered(): void {
    const answered = this.waiting.filter((operation) => operation.pending === 0);
    this.waiting = this.waiting.filter((operation) => operation.pending > 0);
    if (this.waiting.length === 0) this.answerTimer?.cancel();
    for (const operation of answered) this.finish(operation);
  }

  private finish(operation: StateOperation): void {
    finishOperation(this.adapter, operation);
    this.adapter.faults.tell();
  }

  // --- questions to the engine ---

  /** Notes that the engine is about to be asked something. */
  ask(tcp: TcpObject, kind: QuestionKind, operation: StateOperation | null, block: MiniportOffloadBlockList | null): void {
    this.questions.ask(tcp, kind, operation, block);
  }

  /** Takes an answer, or that there will be none. */
  answer(question: Question, status: NDIS_STATUS, report: ConnectionReport): void {
    takeAnswer(this.adapter, question, status, report);
    if (question.operation !== null) question.operation.pending--;
    this.questions.release(question);
    this.adapter.wake();
  }

  /** Answers everything that was asked of a connection and is not answered: there will be nothing more of it. */
  answerAll(tcp: TcpObject, status: NDIS_STATUS): void {
    for (let question = tcp.questions; question !== null; question = tcp.questions) {
      tcp.questions = question.next;
      this.answer(question, status, NOTHING_TO_REPORT);
    }
  }

  timerExpired(): void {
    this.isAnswerOverdue = true;
    this.adapter.wake();
  }

  /** Gives connections up whose engine has not answered in time; everybody else goes on. */
  private endOverdue(nowMs: number): void {
    this.isAnswerOverdue = false;
    for (const operation of this.waiting) if (operation.deadlineMs <= nowMs) this.endUnanswered(operation);
    const next = this.waiting.find((operation) => operation.pending > 0);
    if (next !== undefined) this.answerTimer?.start(next.deadlineMs - nowMs);
  }

  private endUnanswered(operation: StateOperation): void {
    for (const tcp of this.adapter.connections.all) {
      let question = tcp?.questions ?? null;
      while (question !== null && question.operation !== operation) question = question.next;
      if (tcp === null || question === null) continue;
      const { kind } = question;
      const asked = Object.entries(QUESTION).find(([, each]) => each === kind)?.[0] ?? '';
      this.adapter.faults.accuse(tcp, 'CHIM-ENG-006', `${asked} was not answered in ${this.adapter.limits.answerTimeoutMs} ms`);
    }
  }

  /** The adapter is halted. */
  halt(): void {
    this.answerTimer?.cancel();
  }
}
