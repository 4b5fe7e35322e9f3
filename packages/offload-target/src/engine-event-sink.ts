import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_UPLOAD_REASON,
  isMandatoryUpload,
} from '@ndis-chimney/types';

import { REGION, type EngineEvents } from './connection-engine.ts';
import type { ConnectionReport } from './connection-record.ts';
import type { DataPath } from './data-path.ts';
import type { EngineRule } from './engine-rules.ts';
import { isInitiateRefusal } from './initiate.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { QUESTION, type Question, type QuestionKind } from './questions.ts';
import { RegionSource } from './region-source.ts';
import { seqAdd, seqDelta } from './seq.ts';
import type { TcpObject } from './tcp-object.ts';
import type { TrafficCounts } from './traffic-counts.ts';
import { isUploadReason } from './upload-reasons.ts';

const NOTHING_TO_REPORT: ConnectionReport = {};
const FORWARD_STATUSES: readonly number[] = [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_FAILURE];

/**
 * The target's end of an engine's events. Nothing an engine says is believed that cannot be: it is reported by its rule,
 * and the connection it was said of, if there is one, ends the way of failed hardware.
 */
export class EngineEventSink implements EngineEvents {
  private readonly adapter: OffloadAdapter;
  private readonly region: RegionSource = new RegionSource();
  /** For what is parked while another region is being delivered. */
  private readonly parkedRegion: RegionSource = new RegionSource();

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  // --- answers ---

  opened(id: number): void {
    const tcp = this.find(id, 'opened');
    if (tcp !== null) this.answer(tcp, QUESTION.open, 'opened', NDIS_STATUS_SUCCESS, NOTHING_TO_REPORT);
  }

  updated(id: number, status: number): void {
    const tcp = this.find(id, 'updated');
    if (tcp !== null) this.answer(tcp, QUESTION.update, 'updated', status === NDIS_STATUS_SUCCESS ? status : NDIS_STATUS_FAILURE, NOTHING_TO_REPORT);
  }

  held(id: number, report: ConnectionReport = NOTHING_TO_REPORT): void {
    const tcp = this.find(id, 'held');
    if (tcp === null || !this.isPlausible(tcp, report, 'held')) return;
    const question = this.questionFor(tcp, QUESTION.hold, 'held');
    if (question === null) return;
    this.adapter.noteHeld(tcp, report);
    this.adapter.operations.answer(question, NDIS_STATUS_SUCCESS, report);
  }

  queried(id: number, report: ConnectionReport): void {
    const tcp = this.find(id, 'queried');
    if (tcp !== null && this.isPlausible(tcp, report, 'queried')) this.answer(tcp, QUESTION.query, 'queried', NDIS_STATUS_SUCCESS, report);
  }

  exported(id: number, report: ConnectionReport): void {
    const tcp = this.find(id, 'exported');
    if (tcp === null || !this.isPlausible(tcp, report, 'exported')) return;
    const question = this.questionFor(tcp, QUESTION.export, 'exported');
    if (question === null) return;
    tcp.isExported = true;
    // What was asked on behalf of its path or neighbor does not matter to it any more.
    this.adapter.operations.answerAll(tcp, NDIS_STATUS_SUCCESS);
    this.adapter.operations.answer(question, NDIS_STATUS_SUCCESS, report);
  }

  forwarded(id: number, status: number): void {
    const tcp = this.find(id, 'forwarded');
    if (tcp === null) return;
    const isKnown = FORWARD_STATUSES.includes(status);
    // After an RST, and once the connection is held, the target has ended what was forwarded itself.
    if (tcp.dataPath?.forwarded(isKnown ? status : NDIS_STATUS_FAILURE) !== true && tcp.dataPath?.isDeaf !== true && !tcp.isHeld) {
      this.accuse(tcp, 'CHIM-ENG-005', 'forwarded, and nothing was');
    }
    if (!isKnown) this.accuse(tcp, 'CHIM-ENG-008', `forwarded with status ${status}`);
  }

  aborted(id: number): void {
    const tcp = this.find(id, 'aborted');
    if (tcp !== null && tcp.dataPath?.aborted() !== true) this.accuse(tcp, 'CHIM-ENG-005', 'aborted, and no RST was wanted');
  }

  failed(id: number, status: number): void {
    const tcp = this.find(id, 'failed');
    if (tcp === null) return;
    const isOpening = tcp.questions?.kind === QUESTION.open;
    const isKnown = !isOpening || isInitiateRefusal(status);
    if (!isKnown) this.adapter.faults.report('CHIM-ENG-008', `failed(${id}): a connection is not refused with status ${status}`, [tcp.handle]);
    this.adapter.faults.fail(tcp, isKnown ? status : NDIS_STATUS_FAILURE, true);
  }

  // --- data ---

  acked(id: number, byteCount: number): void {
    const tcp = this.find(id, 'acked');
    if (tcp === null) return;
    const { dataPath } = tcp;
    if (dataPath?.isDeaf === true) return;
    if (dataPath === null || !Number.isInteger(byteCount) || byteCount <= 0 || !dataPath.send.acked(byteCount)) {
      this.accuse(tcp, 'CHIM-ENG-003', `${byteCount} bytes acknowledged of ${dataPath?.send.outstanding ?? 0} that were lent`);
      return;
    }
    this.adapter.wake();
  }

  finAcked(id: number): void {
    const tcp = this.find(id, 'finAcked');
    if (tcp === null || tcp.dataPath?.isDeaf === true) return;
    if (tcp.dataPath?.send.finAcked() !== true) this.accuse(tcp, 'CHIM-ENG-003', 'a FIN acknowledged that was not sent, or data before it not');
  }

  received(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void {
    const tcp = this.find(id, 'received');
    if (tcp === null) return;
    const dataPath = tcp.openDataPath();
    if (dataPath.isDeaf) return;
    const problem = whatIsWrong(tcp, dataPath, buffer, byteOffset, byteCount);
    if (problem !== '') {
      this.accuse(tcp, 'CHIM-ENG-004', `received: ${problem}`);
      return;
    }
    tcp.rcvNxt = seqAdd(tcp.rcvNxt, byteCount);
    const isPushed = (flags & REGION.PUSH) !== 0;
    if (dataPath.canDeliver) {
      this.region.point(buffer, byteOffset);
      dataPath.receive.arrive(this.region, byteCount, isPushed);
      dataPath.schedule();
    } else {
      this.parkedRegion.point(buffer, byteOffset);
      dataPath.receive.park(this.parkedRegion, byteCount, isPushed);
    }
  }

  fin(id: number): void {
    const tcp = this.find(id, 'fin');
    if (tcp === null) return;
    const dataPath = tcp.openDataPath();
    if (dataPath.isDeaf) return;
    if (dataPath.receive.hasFin || tcp.isHeld) this.accuse(tcp, 'CHIM-ENG-004', dataPath.receive.hasFin ? 'a second FIN' : 'a FIN while the connection is held');
    else dataPath.peerClosed();
  }

  reset(id: number): void {
    const tcp = this.find(id, 'reset');
    if (tcp !== null) tcp.openDataPath().reset();
  }

  uploadWanted(id: number, reason: number, isClosed = false): void {
    const tcp = this.find(id, 'uploadWanted');
    if (tcp === null) return;
    if (!isUploadReason(reason)) {
      this.accuse(tcp, 'CHIM-ENG-008', `upload wanted for reason ${reason}, and there is none such`);
    } else if (isClosed && !isMandatoryUpload(reason)) {
      this.accuse(tcp, 'CHIM-ENG-008', `upload wanted of a connection that is closed, for reason ${reason}, which the host may ignore`);
    } else if (reason === TCP_UPLOAD_REASON.HardwareFailure) {
      this.adapter.faults.fail(tcp, NDIS_STATUS_FAILURE, false);
    } else {
      const dataPath = tcp.openDataPath();
      if (dataPath.isDeaf) return;
      if (isClosed) tcp.setState(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
      dataPath.wantedReason = reason;
      dataPath.schedule();
    }
  }

  sendBacklog(id: number, byteCount: number): void {
    const tcp = this.find(id, 'sendBacklog');
    if (tcp === null) return;
    const dataPath = tcp.openDataPath();
    dataPath.backlog = Math.max(0, Math.trunc(byteCount));
    dataPath.schedule();
  }

  // --- of the adapter as a whole ---

  counted(isIPv6: boolean, counts: TrafficCounts): void {
    (isIPv6 ? this.adapter.statistics6 : this.adapter.statistics4).add(counts);
  }

  frame(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    if (!isInside(buffer, byteOffset, byteCount)) {
      this.adapter.faults.report('CHIM-ENG-004', `frame: ${byteCount} bytes from ${byteOffset} on are not in a buffer of ${buffer.length}`, []);
      return;
    }
    this.adapter.ordinary.receive(buffer, byteOffset, byteCount);
  }

  // --- checks ---

  /** The connection an event is about. Null, after a report, when there is none; null when it is given up already. */
  private find(id: number, event: string): TcpObject | null {
    const { adapter } = this;
    const tcp = adapter.connections.get(id);
    if (tcp !== null && !tcp.isExported) return tcp.isFailed ? null : tcp;
    // What an engine says too late of a connection that the target has given up is no lie.
    if (!adapter.connections.isRetired(id)) adapter.faults.report('CHIM-ENG-001', `${event}(${String(id)}): no such connection is open`, []);
    return null;
  }

  private accuse(tcp: TcpObject, rule: EngineRule, detail: string): void {
    this.adapter.faults.accuse(tcp, rule, detail);
  }

  private isPlausible(tcp: TcpObject, report: ConnectionReport, event: string): boolean {
    if (tcp.isPlausible(report)) return true;
    const { sndNxt = tcp.sndUna, sndMax = tcp.sndMax } = report;
    this.accuse(tcp, 'CHIM-ENG-007', `${event}: SndNxt ${sndNxt >>> 0} and SndMax ${sndMax >>> 0} do not fit SndUna ${tcp.sndUna >>> 0} and what was lent`);
    return false;
  }

  /** The question that an answer is for; null, after a report, when there is none. */
  private questionFor(tcp: TcpObject, kind: QuestionKind, event: string): Question | null {
    const question = this.adapter.operations.questions.take(tcp, kind);
    if (question === null) this.accuse(tcp, 'CHIM-ENG-005', `${event}, and nobody has asked`);
    return question;
  }

  private answer(tcp: TcpObject, kind: QuestionKind, event: string, status: number, report: ConnectionReport): void {
    const question = this.questionFor(tcp, kind, event);
    if (question !== null) this.adapter.operations.answer(question, status, report);
  }
}

function isInside(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): boolean {
  return Number.isInteger(byteOffset) && Number.isInteger(byteCount) && byteOffset >= 0 && byteCount > 0 && byteOffset + byteCount <= buffer.length;
}

/** Why bytes cannot have been received, or nothing. */
function whatIsWrong(tcp: TcpObject, dataPath: DataPath, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): string {
  if (!isInside(buffer, byteOffset, byteCount)) return `${byteCount} bytes from ${byteOffset} on are not in a buffer of ${buffer.length}`;
  const room = seqDelta(dataPath.edge, tcp.rcvNxt);
  if (byteCount > room) return `${byteCount} bytes, and the window has ${room}`;
  if (dataPath.receive.hasFin) return 'bytes after the FIN';
  return tcp.isHeld ? 'bytes while the connection is held' : '';
}
