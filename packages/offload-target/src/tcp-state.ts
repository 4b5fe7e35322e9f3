import {
  BACKLOG_SIZE_UNSUPPORTED,
  TIMEOUT_DELTA_NOT_RUNNING,
  timestampAt,
  timestampDelta,
  type TCP_OFFLOAD_CONNECTION_STATE,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import type { ConnectionRecord, ConnectionReport, ConnectionSettings } from './connection-record.ts';
import { bytesOfList } from './mdl-cursor.ts';
import { FIELD } from './record-table.ts';
import type { TcpObject } from './tcp-object.ts';

/** Keeps the constant and delegated state of a new connection. */
export function storeState(tcp: TcpObject, constState: TcpOffloadStateConst, delegated: TcpOffloadStateDelegated): void {
  const { adapter, id } = tcp;
  const { nowTicks } = adapter;
  const { records } = adapter.connections;
  const row = records.chunkOf(id);
  const at = records.offsetOf(id);
  row[at + FIELD.STATE] = delegated.state;
  row[at + FIELD.RCV_NXT] = delegated.rcvNxt;
  row[at + FIELD.SND_UNA] = delegated.sndUna;
  row[at + FIELD.SND_MAX] = delegated.sndMax;
  row[at + FIELD.SND_WND] = delegated.sndWnd;
  row[at + FIELD.MAX_SND_WND] = delegated.maxSndWnd;
  row[at + FIELD.SEND_WL1] = delegated.sendWL1;
  row[at + FIELD.C_WND] = delegated.cWnd;
  row[at + FIELD.SS_THRESH] = delegated.ssThresh;
  row[at + FIELD.RTT] = (delegated.sRtt & 0xFFFF) | (delegated.rttVar << 16);
  row[at + FIELD.TS_RECENT] = delegated.tsRecent;
  row[at + FIELD.TS_RECENT_AT] = nowTicks - delegated.tsRecentAge;
  row[at + FIELD.TS_DELTA] = timestampDelta(delegated.tsTime, nowTicks);
  row[at + FIELD.TOTAL_RT] = delegated.totalRT;
  row[at + FIELD.D_WND] = delegated.dWnd;
  row[at + FIELD.PORTS] = (constState.localPort & 0xFFFF) | (constState.remotePort << 16);
  row[at + FIELD.MSS] = (constState.remoteMss & 0xFFFF) | ((constState.sndWindScale & 0xF) << 16) | ((constState.rcvWindScale & 0xF) << 20);
  row[at + FIELD.HASH] = constState.hashValue;
  row[at + FIELD.CONST_FLAGS] = constState.flags;
  row[at + FIELD.RCV_WND] = 0;
}

/** Writes what the engine is given of the connection at the initiate. */
export function writeRecord(tcp: TcpObject, record: ConnectionRecord, delegated: TcpOffloadStateDelegated): void {
  writeSettings(tcp, record.settings, tcp.cached.flags);
  record.addresses = tcp.path.addresses;
  record.constFlags = tcp.number(FIELD.CONST_FLAGS);
  record.localPort = tcp.localPort;
  record.remotePort = tcp.remotePort;
  const mss = tcp.number(FIELD.MSS);
  record.remoteMss = mss & 0xFFFF;
  record.sndWindScale = (mss >>> 16) & 0xF;
  record.rcvWindScale = (mss >>> 20) & 0xF;
  record.hashValue = tcp.number(FIELD.HASH);
  record.state = delegated.state;
  record.rcvNxt = delegated.rcvNxt | 0;
  // What comes along takes its room.
  record.rcvWnd = Math.max(0, tcp.window - bytesOfList(delegated.bufferedData));
  tcp.adapter.connections.records.set(tcp.id, FIELD.RCV_WND, record.rcvWnd);
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

/** Writes the settings that hold now. @param flags with the commands of an update. */
export function writeSettings(tcp: TcpObject, settings: ConnectionSettings, flags: number): void {
  const { cached, path } = tcp;
  settings.flags = flags;
  settings.initialRcvWnd = cached.initialRcvWnd;
  settings.kaProbeCount = cached.kaProbeCount;
  settings.kaTimeout = cached.kaTimeout;
  settings.kaInterval = cached.kaInterval;
  settings.maxRT = cached.maxRT;
  settings.pathMtu = path.cached.pathMtu;
  writeHeaders(tcp, settings);
}

/** Writes what the headers of every frame hold. */
function writeHeaders({ cached, path: { neighbor } }: TcpObject, settings: ConnectionSettings): void {
  settings.flowLabel = cached.flowLabel;
  settings.ttlOrHopLimit = cached.ttlOrHopLimit;
  settings.tosOrTrafficClass = cached.tosOrTrafficClass;
  settings.userPriority = cached.userPriority;
  settings.vlanId = neighbor.constState.vlanId;
  settings.dlSourceAddress = neighbor.constState.dlSourceAddress;
  settings.dlDestinationAddress = neighbor.cached.dlDestinationAddress;
}

/** Writes the const state of a query. */
export function writeConst(tcp: TcpObject, to: TcpOffloadStateConst): void {
  const mss = tcp.number(FIELD.MSS);
  to.flags = tcp.number(FIELD.CONST_FLAGS);
  to.remotePort = tcp.remotePort;
  to.localPort = tcp.localPort;
  to.sndWindScale = (mss >>> 16) & 0xF;
  to.rcvWindScale = (mss >>> 20) & 0xF;
  to.remoteMss = mss & 0xFFFF;
  to.hashValue = tcp.number(FIELD.HASH);
}

/**
 * Writes the delegated state of a query or a terminate, without data: all pointers null, both backlog sizes
 * unsupported.
 */
export function writeDelegated(tcp: TcpObject, to: TcpOffloadStateDelegated, report: ConnectionReport): void {
  const { nowTicks } = tcp.adapter;
  const sndMax = tcp.sndMaxOf(report);
  const rtt = tcp.number(FIELD.RTT);
  to.state = (report.state as TCP_OFFLOAD_CONNECTION_STATE | undefined) ?? tcp.dataPath?.send.stateGiven(sndMax) ?? tcp.state;
  to.flags = 0;
  to.rcvNxt = tcp.rcvNxt;
  to.rcvWnd = tcp.window;
  to.sndUna = tcp.sndUna;
  to.sndNxt = report.sndNxt === undefined ? tcp.sndUna : report.sndNxt | 0;
  to.sndMax = sndMax;
  to.sndWnd = report.sndWnd ?? tcp.number(FIELD.SND_WND);
  to.maxSndWnd = report.maxSndWnd ?? tcp.number(FIELD.MAX_SND_WND);
  to.sendWL1 = report.sendWL1 ?? tcp.number(FIELD.SEND_WL1);
  to.cWnd = report.cWnd ?? tcp.number(FIELD.C_WND);
  to.ssThresh = report.ssThresh ?? tcp.number(FIELD.SS_THRESH);
  to.sRtt = report.sRtt ?? rtt & 0xFFFF;
  to.rttVar = report.rttVar ?? rtt >>> 16;
  to.tsRecent = report.tsRecent ?? tcp.number(FIELD.TS_RECENT);
  to.tsRecentAge = report.tsRecentAge ?? (nowTicks - tcp.number(FIELD.TS_RECENT_AT)) | 0;
  to.tsTime = report.tsTime ?? timestampAt(nowTicks, tcp.number(FIELD.TS_DELTA));
  to.totalRT = report.totalRT ?? tcp.number(FIELD.TOTAL_RT);
  to.dupAckCount = report.dupAckCount ?? 0;
  to.sndWndProbeCount = report.sndWndProbeCount ?? 0;
  to.keepAlive.probeCount = report.keepAliveProbeCount ?? 0;
  to.keepAlive.timeoutDelta = report.keepAliveTimeoutDelta ?? TIMEOUT_DELTA_NOT_RUNNING;
  to.retransmit.count = report.retransmitCount ?? 0;
  to.retransmit.timeoutDelta = report.retransmitTimeoutDelta ?? TIMEOUT_DELTA_NOT_RUNNING;
  to.dWnd = report.dWnd ?? tcp.number(FIELD.D_WND);
  to.sendDataHead = null;
  to.sendDataTail = null;
  to.sendBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
  to.bufferedData = null;
  to.receiveBacklogSize = BACKLOG_SIZE_UNSUPPORTED;
}
