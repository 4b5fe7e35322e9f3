import {
  TCP_OFFLOAD_CONNECTION_STATE,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadStateCached,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { socketAddressText } from './address-text.ts';
import type { ConnectionReport } from './connection-record.ts';
import { DataPath } from './data-path.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import type { PathObject } from './offload-objects.ts';
import type { Question } from './questions.ts';
import { FIELD, type Field } from './record-table.ts';
import type { TrafficStatistics } from './statistics.ts';
import { storeState } from './tcp-state.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Where a connection stands, as bits of one number: an idle one should be small. */
const BIT = { enabled: 1, invalid: 2, holding: 4, held: 8, failed: 16, resumeWanted: 32, exported: 64, leaving: 128, updateDue: 256 } as const;

/**
 * An offloaded TCP connection: what it is linked to, and where it stands. Its numbers are a row of the adapter's table;
 * what it takes to move data is a {@link DataPath} that is made at the first use, so that an idle connection costs little.
 *
 * The delegated variables are named as in `TcpOffloadStateDelegated`. Those the engine says nothing about are given back
 * as they came.
 */
export class TcpObject {
  readonly handle: OffloadHandle;
  readonly path: PathObject;
  readonly adapter: OffloadAdapter;
  /** Names the connection to the engine, and its row in the table. */
  readonly id: number;
  /** Shared with other connections of equal settings: replaced, never changed. */
  cached: TcpOffloadStateCached;
  dataPath: DataPath | null = null;
  /** The `TCP_UPLOAD_REASON` the upload was asked for with, if it is one that the host must heed; otherwise 0. */
  uploadReason = 0;
  /** What the engine has yet to answer. */
  questions: Question | null = null;
  private bits = 0;

  constructor(
    handle: OffloadHandle,
    path: PathObject,
    adapter: OffloadAdapter,
    id: number,
    constState: TcpOffloadStateConst,
    cached: TcpOffloadStateCached,
    delegated: TcpOffloadStateDelegated,
  ) {
    this.handle = handle;
    this.path = path;
    this.adapter = adapter;
    this.id = id;
    this.cached = cached;
    storeState(this, constState, delegated);
  }

  get layer(): 'tcp' {
    return 'tcp';
  }

  /** One of the connection's numbers. */
  number(field: Field): number {
    return this.adapter.connections.records.get(this.id, field);
  }

  /** True once the initiate has completed: from then on the target may act on the connection. */
  get isEnabled(): boolean {
    return (this.bits & BIT.enabled) !== 0;
  }

  set isEnabled(value: boolean) {
    this.setBit(BIT.enabled, value);
  }

  /** True after an invalidate of the connection itself. */
  get isInvalid(): boolean {
    return (this.bits & BIT.invalid) !== 0;
  }

  set isInvalid(value: boolean) {
    this.setBit(BIT.invalid, value);
  }

  /** True from the `hold` of the engine to its answer. */
  get isHolding(): boolean {
    return (this.bits & BIT.holding) !== 0;
  }

  set isHolding(value: boolean) {
    this.setBit(BIT.holding, value);
  }

  /** True while the engine holds the connection, and has no bytes of it. */
  get isHeld(): boolean {
    return (this.bits & BIT.held) !== 0;
  }

  set isHeld(value: boolean) {
    this.setBit(BIT.held, value);
  }

  /** True when the engine has lost the connection. */
  get isFailed(): boolean {
    return (this.bits & BIT.failed) !== 0;
  }

  set isFailed(value: boolean) {
    this.setBit(BIT.failed, value);
  }

  /** True when the connection is to go on as soon as the engine says that it holds it. */
  get isResumeWanted(): boolean {
    return (this.bits & BIT.resumeWanted) !== 0;
  }

  set isResumeWanted(value: boolean) {
    this.setBit(BIT.resumeWanted, value);
  }

  /** The terminate has begun: the engine is told nothing more of it. */
  leave(): void {
    this.setBit(BIT.leaving, true);
  }

  /** True when what the connection depends on was updated after the engine got its settings, before it was enabled. */
  get isUpdateDue(): boolean {
    return (this.bits & BIT.updateDue) !== 0;
  }

  set isUpdateDue(value: boolean) {
    this.setBit(BIT.updateDue, value);
  }

  /** True while operations on what the connection depends on concern it. */
  get isConcerned(): boolean {
    return (this.bits & (BIT.enabled | BIT.leaving)) === BIT.enabled;
  }

  /** True when the engine has given the connection back: its number is nobody's until the terminate is over. */
  get isExported(): boolean {
    return (this.bits & BIT.exported) !== 0;
  }

  set isExported(value: boolean) {
    this.setBit(BIT.exported, value);
  }

  private setBit(bit: number, value: boolean): void {
    this.bits = value ? this.bits | bit : this.bits & ~bit;
  }

  get state(): TCP_OFFLOAD_CONNECTION_STATE {
    return this.number(FIELD.STATE) as TCP_OFFLOAD_CONNECTION_STATE;
  }

  get rcvNxt(): number {
    return this.number(FIELD.RCV_NXT);
  }

  set rcvNxt(value: number) {
    this.adapter.connections.records.set(this.id, FIELD.RCV_NXT, value);
  }

  get sndUna(): number {
    return this.number(FIELD.SND_UNA);
  }

  set sndUna(value: number) {
    this.adapter.connections.records.set(this.id, FIELD.SND_UNA, value);
  }

  get sndMax(): number {
    return this.number(FIELD.SND_MAX);
  }

  set sndMax(value: number) {
    this.adapter.connections.records.set(this.id, FIELD.SND_MAX, value);
  }

  /** The port at the host's end. */
  get localPort(): number {
    return this.number(FIELD.PORTS) & 0xFFFF;
  }

  /** The port at the peer's end. */
  get remotePort(): number {
    return this.number(FIELD.PORTS) >>> 16;
  }

  /** Names the connection in messages and traces, the peer's end first. */
  get name(): string {
    const { source, destination } = this.path.addresses;
    return `${socketAddressText(destination, this.remotePort)}-${socketAddressText(source, this.localPort)}`;
  }

  get statistics(): TrafficStatistics {
    return this.path.addresses.isIPv6 ? this.adapter.statistics6 : this.adapter.statistics4;
  }

  /**
   * What moves data, made at the first use.
   * @param chain send data of the initiate. @param received received data of the initiate.
   */
  openDataPath(chain: NetBufferList | null = null, received: NetBufferList | null = null): DataPath {
    if (this.dataPath !== null) return this.dataPath;
    const dataPath = new DataPath(this, this.adapter);
    this.dataPath = dataPath;
    dataPath.takeOver(chain, received);
    return dataPath;
  }

  /** Bytes of received data the target has room for when it holds none. */
  get receiveCapacity(): number {
    const { initialRcvWnd } = this.cached;
    const { bufferBytes } = this.adapter.limits;
    return initialRcvWnd === 0 ? bufferBytes : Math.min(initialRcvWnd >>> 0, bufferBytes);
  }

  /** Bytes the target has room for: its receive window. */
  get window(): number {
    return this.dataPath === null ? this.receiveCapacity : Math.max(0, this.receiveCapacity - this.dataPath.receive.backlog);
  }

  /** True when nothing may be sent on it: it, its path or its neighbor was invalidated. */
  get isStopped(): boolean {
    return this.isInvalid || this.path.isInvalid || this.path.neighbor.isInvalid;
  }

  /** True when the peer's FIN has arrived. */
  get hasPeerFin(): boolean {
    const { state } = this;
    return state === STATE.TcpConnectionCloseWait || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck || state === STATE.TcpConnectionTimeWait;
  }

  /** True while one half is closed and the other is not: no time to ask for an upload that could wait. */
  get isHalfClosed(): boolean {
    const { state } = this;
    return state === STATE.TcpConnectionFinWait1 || state === STATE.TcpConnectionFinWait2 || state === STATE.TcpConnectionCloseWait;
  }

  /** Moves the connection to another state, and the gauge with it. */
  setState(state: TCP_OFFLOAD_CONNECTION_STATE): void {
    const before = isEstablished(this.state);
    const { tcp } = this.statistics;
    if (before && state === STATE.TcpConnectionClosed) tcp.resetEstablished = (tcp.resetEstablished + 1) | 0;
    tcp.currentlyEstablished += Number(isEstablished(state)) - Number(before);
    this.adapter.connections.records.set(this.id, FIELD.STATE, state);
  }

  /** Counts the connection in, or out when it goes. */
  countEstablished(by: 1 | -1): void {
    if (isEstablished(this.state)) this.statistics.tcp.currentlyEstablished += by;
  }

  /** The peer has acknowledged something: nothing is being retransmitted, and the next hop is there. */
  noteProgress(): void {
    const { adapter, id } = this;
    adapter.connections.records.set(id, FIELD.TOTAL_RT, 0);
    this.path.neighbor.reachableAtTicks = adapter.nowTicks;
  }

  /** An update with `TCP_FLAG_MAX_RT_RESTART`. */
  restartMaxRT(): void {
    this.adapter.connections.records.set(this.id, FIELD.TOTAL_RT, 0);
  }

  /** Number after the last byte the engine may receive, as it was told at the initiate. */
  get openedEdge(): number {
    return (this.rcvNxt + this.number(FIELD.RCV_WND)) | 0;
  }

  /**
   * True when a report can be true of this connection: what it says was sent was lent, and nothing acknowledged is sent
   * again.
   */
  isPlausible(report: ConnectionReport): boolean {
    const { sndUna } = this;
    const limit = (this.sndLimit - sndUna) | 0;
    const max = report.sndMax === undefined ? limit : (report.sndMax - sndUna) | 0;
    const next = report.sndNxt === undefined ? 0 : (report.sndNxt - sndUna) | 0;
    return next >= 0 && next <= max && max <= limit && (report.state === undefined || isState(report.state));
  }

  /** Highest sequence number that can have been sent. */
  private get sndLimit(): number {
    const { sndMax, sndUna } = this;
    const lent = this.dataPath === null ? sndUna : this.dataPath.send.lentEnd;
    const known = ((sndMax - lent) | 0) > 0 ? sndMax : lent;
    return ((known - sndUna) | 0) > 0 ? known : sndUna;
  }

  /** What was sent at most, going by a report. */
  sndMaxOf(report: ConnectionReport): number {
    return report.sndMax === undefined ? this.sndLimit : report.sndMax | 0;
  }
}

/** What `CurrentlyEstablished` counts (`ns-ndischimney-_tcp_offload_stats.md`). */
function isEstablished(state: TCP_OFFLOAD_CONNECTION_STATE): boolean {
  return state === STATE.TcpConnectionEstablished || state === STATE.TcpConnectionCloseWait;
}

function isState(state: number): boolean {
  return Number.isInteger(state) && state >= STATE.TcpConnectionClosed && state <= STATE.TcpConnectionTimeWait;
}
