import { NDIS_STATUS_FAILURE, TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, type NDIS_STATUS } from '@ndis-chimney/types';

import type { ConnectionReport } from './connection-record.ts';
import { textOf, type EngineRule } from './engine-rules.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { QUESTION } from './questions.ts';
import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';

const NOTHING_TO_REPORT: ConnectionReport = {};

/** A connection that the engine has lost, until the host is told. */
interface Failure {
  readonly tcp: TcpObject;
  /** What has to be completed before. */
  readonly operation: StateOperation | null;
}

/**
 * What an adapter's engine did wrong, and what follows: a report, and for the connection it was done to the end of failed
 * hardware. The operation it was found by fails, then the host hears of it, then it takes the connection back.
 *
 * Source: `returning-the-completion-status-of-a-query-offload-operation.md` and its neighbors.
 */
export class EngineFaults {
  private readonly adapter: OffloadAdapter;
  private failures: Failure[] = [];
  /** Numbers that the engine has to be told to forget. */
  private closing: number[] = [];

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  get hasWork(): boolean {
    return this.closing.length > 0 || this.hasSomethingToTell;
  }

  /** Reports a broken rule. */
  report(rule: EngineRule, detail: string, objects: readonly unknown[], cause?: unknown): void {
    const { adapter } = this;
    const details = { rule, actor: adapter.targetName, detail: `engine of ${adapter.name}: ${detail}`, objects };
    adapter.ndis.reportViolation(cause === undefined ? details : { ...details, cause });
  }

  /** Reports what an engine did to one connection, which ends with it. */
  accuse(tcp: TcpObject, rule: EngineRule, detail: string): void {
    this.report(rule, `connection ${tcp.id} (${tcp.name}): ${detail}`, [tcp.handle]);
    this.fail(tcp, NDIS_STATUS_FAILURE, false);
  }

  /** A command for a connection threw. */
  commandThrew(command: string, id: number, error: unknown): void {
    const tcp = this.adapter.connections.get(id);
    this.report('CHIM-ENG-002', `${command}(${id}) threw ${textOf(error)}`, tcp === null ? [] : [tcp.handle], error);
    if (tcp !== null) this.fail(tcp, NDIS_STATUS_FAILURE, false);
  }

  /** A command that is about no connection threw. */
  threw(command: string, error: unknown): void {
    this.report('CHIM-ENG-002', `${command} threw ${textOf(error)}`, [], error);
  }

  /**
   * The engine has lost a connection, or has refused it. What waits for an answer gets a failure; then the host is told.
   * @param hasForgotten the engine said so itself.
   */
  fail(tcp: TcpObject, status: NDIS_STATUS, hasForgotten: boolean): void {
    if (tcp.isFailed) return;
    const { operations } = this.adapter;
    if (!hasForgotten) this.giveUp(tcp);
    const opening = operations.questions.take(tcp, QUESTION.open);
    if (opening !== null) {
      operations.answer(opening, status, NOTHING_TO_REPORT);
      return;
    }
    tcp.isFailed = true;
    if (tcp.dataPath === null) tcp.setState(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
    else tcp.dataPath.fail();
    this.failures.push({ tcp, operation: tcp.questions?.operation ?? null });
    operations.answerAll(tcp, NDIS_STATUS_FAILURE);
    this.adapter.wake();
  }

  private giveUp(tcp: TcpObject): void {
    this.adapter.connections.retire(tcp.id);
    this.closing.push(tcp.id);
  }

  /** Has the engine forget what was given up. */
  close(): void {
    const { closing } = this;
    if (closing.length === 0) return;
    this.closing = [];
    for (const id of closing) this.adapter.engine.close(id);
  }

  private get hasSomethingToTell(): boolean {
    return this.failures.length > 0 && this.failures.some(isTellable);
  }

  /** Tells the host of connections that are lost, each when it has them, and the operation it was found by is completed. */
  tell(): void {
    if (!this.hasSomethingToTell) return;
    const { failures, adapter } = this;
    this.failures = failures.filter((failure) => !isTellable(failure));
    for (const failure of failures) {
      if (!isTellable(failure)) continue;
      const { tcp } = failure;
      tcp.uploadReason = TCP_UPLOAD_REASON.HardwareFailure;
      adapter.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
      adapter.indicateEvent(tcp, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
    }
  }
}

/** False while the host has yet to hear that the connection is offloaded, or of what found the loss. */
function isTellable({ tcp, operation }: Failure): boolean {
  return tcp.isEnabled && operation?.isFinished !== false;
}
