import {
  BACKLOG_SIZE_UNSUPPORTED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TIMEOUT_DELTA_NOT_RUNNING,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadStateCached,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { socketAddressText } from './address-text.ts';
import type { ConnectionRecord, ConnectionReport, ConnectionSettings } from './connection-record.ts';
import { DataPath } from './data-path.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import type { PathObject } from './offload-objects.ts';
import type { Question } from './questions.ts';
import { FIELD, type Field } from './record-table.ts';
import type { TrafficStatistics } from './statistics.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Where a connection stands, as bits of one number: an idle one should be small. */
const BIT = { enabled: 1, invalid: 2, holding: 4, held: 8, failed: 16, resumeWanted: 32, exported: 64 } as const;

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
    const { nowTicks, table } = adapter;
    table.reserve(id);
    table.set(id, FIELD.STATE, delegated.state);
    table.set(id, FIELD.RCV_NXT, delegated.rcvNxt);
    table.set(id, FIELD.SND_UNA, delegated.sndUna);
    table.set(id, FIELD.SND_NXT, delegated.sndNxt);
    table.set(id, FIELD.SND_MAX, delegated.sndMax);
    table.set(id, FIELD.SND_WND, delegated.sndWnd);
    table.set(id, FIELD.MAX_SND_WND, delegated.maxSndWnd);
    table.set(id, FIELD.SEND_WL1, delegated.sendWL1);
    table.set(id, FIELD.C_WND, delegated.cWnd);
    table.set(id, FIELD.SS_THRESH, delegated.ssThresh);
    table.set(id, FIELD.RTT, (delegated.sRtt & 0xFFFF) | (delegated.rttVar << 16));
    table.set(id, FIELD.TS_RECENT, delegated.tsRecent);
    table.set(id, FIELD.TS_RECENT_AT, nowTicks - delegated.tsRecentAge);
    table.set(id, FIELD.TS_DELTA, delegated.tsTime - nowTicks);
    table.set(id, FIELD.TOTAL_RT, delegated.totalRT);
    table.set(id, FIELD.D_WND, delegated.dWnd);
    table.set(id, FIELD.PORTS, (constState.localPort & 0xFFFF) | (constState.remotePort << 16));
    table.set(id, FIELD.MSS, (constState.remoteMss & 0xFFFF) | ((constState.sndWindScale & 0xF) << 16) | ((constState.rcvWindScale & 0xF) << 20));
    table.set(id, FIELD.HASH, constState.hashValue);
    table.set(id, FIELD.CONST_FLAGS, constState.flags);
    table.set(id, FIELD.RCV_WND, 0);
  }

  get layer(): 'tcp' {
    return 'tcp';
  }

  private number(field: Field): number {
    return this.adapter.table.get(this.id, field);
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
    this.adapter.table.set(this.id, FIELD.RCV_NXT, value);
  }

  get sndUna(): number {
    return this.number(FIELD.SND_UNA);
  }

  set sndUna(value: number) {
    this.adapter.table.set(this.id, FIELD.SND_UNA, value);
  }

  get sndMax(): number {
    return this.number(FIELD.SND_MAX);
  }

  set sndMax(value: number) {
    this.adapter.table.set(this.id, FIELD.SND_MAX, value);
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
    this.adapter.table.set(this.id, FIELD.STATE, state);
  }

  /** Counts the connection in, or out when it goes. */
  countEstablished(by: 1 | -1): void {
    if (isEstablished(this.state)) this.statistics.tcp.currentlyEstablished += by;
  }

  /** The peer has acknowledged something: nothing is being retransmitted, and the next hop is there. */
  noteProgress(): void {
    const { adapter, id } = this;
    adapter.table.set(id, FIELD.TOTAL_RT, 0);
    this.path.neighbor.reachableAtTicks = adapter.nowTicks;
  }

  /** An update with `TCP_FLAG_MAX_RT_RESTART`. */
  restartMaxRT(): void {
    this.adapter.table.set(this.id, FIELD.TOTAL_RT, 0);
  }

  /** Writes what the engine is given of the connection at the initiate. */
  giveRecord(record: ConnectionRecord, delegated: TcpOffloadStateDelegated): void {
    this.giveSettings(record.settings, this.cached.flags);
    record.addresses = this.path.addresses;
    record.constFlags = this.number(FIELD.CONST_FLAGS);
    record.localPort = this.localPort;
    record.remotePort = this.remotePort;
    const mss = this.number(FIELD.MSS);
    record.remoteMss = mss & 0xFFFF;
    record.sndWindScale = (mss >>> 16) & 0xF;
    record.rcvWindScale = (mss >>> 20) & 0xF;
    record.hashValue = this.number(FIELD.HASH);
    record.state = delegated.state;
    record.rcvNxt = delegated.rcvNxt | 0;
    record.rcvWnd = this.window;
    this.adapter.table.set(this.id, FIELD.RCV_WND, record.rcvWnd);
    record.sndUna = delegated.sndUna | 0;
    record.sndNxt = delegated.sndNxt | 0;
    record.sndMax = delegated.sndMax | 0;
    record.sndWnd = delegated.sndWnd;
    record.maxSndWnd = delegated.maxSndWnd;
    record.sendWL1 = delegated.sendWL1;
    record.cWnd = delegated.cWnd;
    record.ssThresh = delegated.ssThresh;
    record.sRtt = delegated.sRtt;
    record.rttVar = delegated.rttVar;
    record.tsRecent = delegated.tsRecent;
    record.tsRecentAge = delegated.tsRecentAge;
    record.tsTime = delegated.tsTime;
    record.totalRT = delegated.totalRT;
    record.dupAckCount = delegated.dupAckCount;
    record.sndWndProbeCount = delegated.sndWndProbeCount;
    record.keepAliveProbeCount = delegated.keepAlive.probeCount;
    record.keepAliveTimeoutDelta = delegated.keepAlive.timeoutDelta;
    record.retransmitCount = delegated.retransmit.count;
    record.retransmitTimeoutDelta = delegated.retransmit.timeoutDelta;
    record.dWnd = delegated.dWnd;
  }

  /** Number after the last byte the engine may receive, as it was told at the initiate. */
  get openedEdge(): number {
    return (this.rcvNxt + this.number(FIELD.RCV_WND)) | 0;
  }

  /** Writes the settings that hold now. @param flags with the commands of an update. */
  giveSettings(settings: ConnectionSettings, flags: number): void {
    const { cached, path } = this;
    const { neighbor } = path;
    settings.flags = flags;
    settings.initialRcvWnd = cached.initialRcvWnd;
    settings.kaProbeCount = cached.kaProbeCount;
    settings.kaTimeout = cached.kaTimeout;
    settings.kaInterval = cached.kaInterval;
    settings.maxRT = cached.maxRT;
    settings.flowLabel = cached.flowLabel;
    settings.ttlOrHopLimit = cached.ttlOrHopLimit;
    settings.tosOrTrafficClass = cached.tosOrTrafficClass;
    settings.userPriority = cached.userPriority;
    settings.pathMtu = path.cached.pathMtu;
    settings.vlanId = neighbor.constState.vlanId;
    settings.dlSourceAddress = neighbor.constState.dlSourceAddress;
    settings.dlDestinationAddress = neighbor.cached.dlDestinationAddress;
  }

  /** Writes the const state of a query. */
  giveConst(to: TcpOffloadStateConst): void {
    const mss = this.number(FIELD.MSS);
    to.flags = this.number(FIELD.CONST_FLAGS);
    to.remotePort = this.remotePort;
    to.localPort = this.localPort;
    to.sndWindScale = (mss >>> 16) & 0xF;
    to.rcvWindScale = (mss >>> 20) & 0xF;
    to.remoteMss = mss & 0xFFFF;
    to.hashValue = this.number(FIELD.HASH);
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
    const lent = this.dataPath === null ? sndUna : this.dataPath.lentEnd;
    const known = ((sndMax - lent) | 0) > 0 ? sndMax : lent;
    return ((known - sndUna) | 0) > 0 ? known : sndUna;
  }

  /** What was sent at most, going by a report. */
  sndMaxOf(report: ConnectionReport): number {
    return report.sndMax === undefined ? this.sndLimit : report.sndMax | 0;
  }

  /**
   * Writes the delegated state of a query or a terminate, without data: all pointers null, both backlog sizes
   * unsupported.
   */
  giveDelegated(to: TcpOffloadStateDelegated, report: ConnectionReport): void {
    const { nowTicks } = this.adapter;
    const sndMax = this.sndMaxOf(report);
    const rtt = this.number(FIELD.RTT);
    to.state = (report.state as TCP_OFFLOAD_CONNECTION_STATE | undefined) ?? this.dataPath?.stateGiven(sndMax) ?? this.state;
    to.flags = 0;
    to.rcvNxt = this.rcvNxt;
    to.rcvWnd = this.window;
    to.sndUna = this.sndUna;
    to.sndNxt = report.sndNxt === undefined ? this.sndUna : report.sndNxt | 0;
    to.sndMax = sndMax;
    to.sndWnd = report.sndWnd ?? this.number(FIELD.SND_WND);
    to.maxSndWnd = report.maxSndWnd ?? this.number(FIELD.MAX_SND_WND);
    to.sendWL1 = report.sendWL1 ?? this.number(FIELD.SEND_WL1);
    to.cWnd = report.cWnd ?? this.number(FIELD.C_WND);
    to.ssThresh = report.ssThresh ?? this.number(FIELD.SS_THRESH);
    to.sRtt = report.sRtt ?? rtt & 0xFFFF;
    to.rttVar = report.rttVar ?? rtt >>> 16;
    to.tsRecent = report.tsRecent ?? this.number(FIELD.TS_RECENT);
    to.tsRecentAge = report.tsRecentAge ?? (nowTicks - this.number(FIELD.TS_RECENT_AT)) | 0;
    to.tsTime = report.tsTime ?? (nowTicks + this.number(FIELD.TS_DELTA)) | 0;
    to.totalRT = report.totalRT ?? this.number(FIELD.TOTAL_RT);
    to.dupAckCount = report.dupAckCount ?? 0;
    to.sndWndProbeCount = report.sndWndProbeCount ?? 0;
    to.keepAlive.probeCount = report.keepAliveProbeCount ?? 0;
    to.keepAlive.timeoutDelta = report.keepAliveTimeoutDelta ?? TIMEOUT_DELTA_NOT_RUNNING;
    to.retransmit.count = report.retransmitCount ?? 0;
    to.retransmit.timeoutDelta = report.retransmitTimeoutDelta ?? TIMEOUT_DELTA_NOT_RUNNING;
    to.dWnd = report.dWnd ?? this.number(FIELD.D_WND);
    to.sendDataHead = null;
    to.sendDataTail = null;
    to.sendBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
    to.bufferedData = null;
    to.receiveBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
  }
}

/** What `CurrentlyEstablished` counts (`ns-ndischimney-_tcp_offload_stats.md`). */
function isEstablished(state: TCP_OFFLOAD_CONNECTION_STATE): boolean {
  return state === STATE.TcpConnectionEstablished || state === STATE.TcpConnectionCloseWait;
}

/** True in the states in which a connection may be offloaded (`ns-ndischimney-_tcp_offload_state_delegated.md`). */
export function isOffloadableState(state: number): boolean {
  return state >= STATE.TcpConnectionEstablished && state <= STATE.TcpConnectionLastAck;
}

function isState(state: number): boolean {
  return Number.isInteger(state) && state >= STATE.TcpConnectionClosed && state <= STATE.TcpConnectionTimeWait;
}

/** True in the states in which the host's FIN was sent, or is to be sent, and is not acknowledged. */
export function hasUnacknowledgedFin(state: number): boolean {
  return state === STATE.TcpConnectionFinWait1 || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck;
}
