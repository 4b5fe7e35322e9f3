import {
  NumberTable,
  TcpSegment,
  TrafficCounts,
  readTcpSegment,
  seqAdd,
  type ConnectionAddresses,
  type ConnectionEngine,
  type ConnectionRecord,
  type ConnectionReport,
  type ConnectionSettings,
  type EngineEnvironment,
  type EngineEvents,
} from '@ndis-chimney/offload-target';
import { NDIS_STATUS_SUCCESS, TCP_FLAG_UPDATE_RCV_WND, TCP_OFFLOAD_CONNECTION_STATE, type Clock } from '@ndis-chimney/types';

import { IdQueue } from './id-queue.ts';
import { RegionPool } from './lent-bytes.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { ResolvedOptions } from './options.ts';
import type { PeerRegistry } from './peer-registry.ts';
import { Wire } from './wire.ts';

/** What is kept of a connection that nobody has used: the columns of its row. */
const COLUMN = { STATE: 0, SND_UNA: 1, SND_NXT: 2, SND_MAX: 3, SND_WND: 4, MAX_SND_WND: 5, SEND_WL1: 6, RCV_NXT: 7, EDGE: 8, PORTS: 9, MSS: 10, MTU: 11 } as const;
const COLUMNS = 12;

/** Bytes of an IP and a TCP header without options. */
const HEADER_BYTES_4 = 40;
const HEADER_BYTES_6 = 60;

const NO_ADDRESSES: ConnectionAddresses = { isIPv6: false, source: new Uint8Array(0), destination: new Uint8Array(0) };

/** What the engine says of a connection: what it knows better than the target. One object for all. */
class MemoryReport implements ConnectionReport {
  sndNxt = 0;
  sndMax = 0;
  sndWnd = 0;
  maxSndWnd = 0;
  sendWL1 = 0;
}

/**
 * The engine of the memory target: connections lead to peers in the same process. A connection that nobody has used is
 * a row of numbers; a {@link MemoryConnection} and a peer are made when it is.
 */
export class MemoryEngine implements ConnectionEngine {
  readonly events: EngineEvents;
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly registry: PeerRegistry;
  readonly wire: Wire;
  readonly regions: RegionPool = new RegionPool();
  readonly counts4: TrafficCounts = new TrafficCounts(false);
  readonly counts6: TrafficCounts = new TrafficCounts(true);
  /** Connections that run, oldest first; and those of them that nobody has accepted. */
  readonly live: IdQueue = new IdQueue();
  readonly unaccepted: IdQueue = new IdQueue();
  private readonly environment: EngineEnvironment;
  private readonly table: NumberTable = new NumberTable(COLUMNS);
  private readonly addresses: (ConnectionAddresses | null)[] = [];
  private readonly connections: (MemoryConnection | null)[] = [];
  /** Connections that the target has stopped. */
  private readonly held = new Set<number>();
  private readonly report: MemoryReport = new MemoryReport();
  private readonly segment: TcpSegment = new TcpSegment();
  private readyHead: MemoryConnection | null = null;
  private readyTail: MemoryConnection | null = null;

  constructor(environment: EngineEnvironment, options: ResolvedOptions, registry: PeerRegistry) {
    this.environment = environment;
    this.events = environment.events;
    this.clock = environment.clock;
    this.options = options;
    this.registry = registry;
    this.wire = new Wire(options.latencyMs, options.jitterMs, environment.random.fork('jitter'));
    registry.add(this);
  }

  // --- what is known of a connection ---

  addressesOf(id: number): ConnectionAddresses {
    return this.addresses[id] ?? NO_ADDRESSES;
  }

  localPortOf(id: number): number {
    return this.table.get(id, COLUMN.PORTS) & 0xFFFF;
  }

  remotePortOf(id: number): number {
    return this.table.get(id, COLUMN.PORTS) >>> 16;
  }

  /** Most bytes of data in one segment: of the target, of what the peer announced, of the path. */
  segmentBytes(id: number, remoteMss: number): number {
    const pathMtu = this.table.get(id, COLUMN.MTU);
    const headerBytes = this.addressesOf(id).isIPv6 ? HEADER_BYTES_6 : HEADER_BYTES_4;
    let bytes = this.options.maxSegmentBytes;
    if (remoteMss !== 0) bytes = Math.min(bytes, remoteMss);
    if (pathMtu !== 0) bytes = Math.min(bytes, pathMtu - headerBytes);
    return Math.max(1, bytes);
  }

  /** What moves the connection's data, made at the first use. */
  connectionOf(id: number): MemoryConnection {
    const known = this.connections[id];
    if (known !== null && known !== undefined) return known;
    const { table } = this;
    const connection = new MemoryConnection(this, id, this.addressesOf(id).isIPv6, {
      state: table.get(id, COLUMN.STATE),
      sndUna: table.get(id, COLUMN.SND_UNA),
      sndNxt: table.get(id, COLUMN.SND_NXT),
      sndMax: table.get(id, COLUMN.SND_MAX),
      sndWnd: table.get(id, COLUMN.SND_WND),
      maxSndWnd: table.get(id, COLUMN.MAX_SND_WND),
      sendWL1: table.get(id, COLUMN.SEND_WL1),
      rcvNxt: table.get(id, COLUMN.RCV_NXT),
      edge: table.get(id, COLUMN.EDGE),
      remoteMss: table.get(id, COLUMN.MSS),
    });
    this.connections[id] = connection;
    if (this.live.has(id) && !this.held.has(id)) connection.resume();
    return connection;
  }

  /** The same, or null when the connection was never used. */
  usedConnection(id: number): MemoryConnection | null {
    return this.connections[id] ?? null;
  }

  /** Gives a connection its turn. */
  addReady(connection: MemoryConnection): void {
    if (connection.isReady) return;
    connection.isReady = true;
    if (this.readyTail === null) this.readyHead = connection;
    else this.readyTail.nextReady = connection;
    this.readyTail = connection;
    this.environment.schedule();
  }

  // --- ConnectionEngine ---

  open(id: number, record: ConnectionRecord): void {
    const { table } = this;
    table.reserve(id);
    const row = table.chunkOf(id);
    const at = table.offsetOf(id);
    row[at + COLUMN.STATE] = record.state;
    row[at + COLUMN.SND_UNA] = record.sndUna;
    row[at + COLUMN.SND_NXT] = record.sndNxt;
    row[at + COLUMN.SND_MAX] = record.sndMax;
    row[at + COLUMN.SND_WND] = record.sndWnd;
    row[at + COLUMN.MAX_SND_WND] = record.maxSndWnd;
    row[at + COLUMN.SEND_WL1] = record.sendWL1;
    row[at + COLUMN.RCV_NXT] = record.rcvNxt;
    row[at + COLUMN.EDGE] = seqAdd(record.rcvNxt, record.rcvWnd);
    row[at + COLUMN.PORTS] = record.localPort | (record.remotePort << 16);
    row[at + COLUMN.MSS] = record.remoteMss;
    row[at + COLUMN.MTU] = record.settings.pathMtu;
    this.addresses[id] = record.addresses;
    this.connections[id] = null;
    this.events.opened(id);
  }

  send(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    this.connectionOf(id).send(buffer, byteOffset, byteCount);
  }

  finish(id: number): void {
    this.connectionOf(id).finish();
  }

  abort(id: number): void {
    this.connectionOf(id).abort(this.clock.now());
    this.events.aborted(id);
  }

  window(id: number, edge: number): void {
    this.table.set(id, COLUMN.EDGE, edge);
    this.usedConnection(id)?.openWindow(edge);
  }

  forward(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    const { segment } = this;
    const connection = this.connectionOf(id);
    const counts = this.addressesOf(id).isIPv6 ? this.counts6 : this.counts4;
    const isWhole = readTcpSegment(segment, buffer, byteOffset, byteCount);
    counts.countIn(isWhole ? segment.payloadBytes : 0);
    if (!isWhole || segment.sourcePort !== this.remotePortOf(id) || segment.destinationPort !== this.localPortOf(id)) {
      counts.countError();
      this.events.forwarded(id, NDIS_STATUS_SUCCESS);
      return;
    }
    const isReset = connection.isResetBy(segment);
    this.events.forwarded(id, connection.forward(segment, buffer));
    if (isReset) connection.forwardedReset();
  }

  update(id: number, settings: ConnectionSettings): void {
    this.table.set(id, COLUMN.MTU, settings.pathMtu);
    if ((settings.flags & TCP_FLAG_UPDATE_RCV_WND) !== 0) this.usedConnection(id)?.advertiseWindow();
    this.events.updated(id, NDIS_STATUS_SUCCESS);
  }

  hold(id: number): void {
    this.held.add(id);
    this.usedConnection(id)?.hold(this.clock.now());
    this.events.held(id, this.reportOf(id));
  }

  resume(id: number): void {
    const isNew = !this.live.has(id);
    this.held.delete(id);
    if (isNew) this.live.append(id);
    // What is in flight comes with `send` and `finish`.
    const isIdle = this.table.get(id, COLUMN.STATE) === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
    const connection = this.usedConnection(id);
    if (connection !== null) connection.resume();
    else if (!isIdle || this.registry.isEager(this, id)) this.connectionOf(id);
    if (isNew) this.registry.offer(this, id);
  }

  query(id: number): void {
    this.events.queried(id, this.reportOf(id));
  }

  export(id: number): void {
    const report = this.reportOf(id);
    this.close(id);
    this.events.exported(id, report);
  }

  close(id: number): void {
    const connection = this.usedConnection(id);
    this.live.remove(id);
    this.held.delete(id);
    this.unaccepted.remove(id);
    this.connections[id] = null;
    this.addresses[id] = null;
    if (connection === null) return;
    connection.detach();
    this.registry.keep(connection.peer);
  }

  run(nowMs: number): void {
    const last = this.readyTail;
    let connection = this.readyHead;
    while (connection !== null) {
      this.readyHead = connection.nextReady;
      if (this.readyHead === null) this.readyTail = null;
      connection.nextReady = null;
      connection.isReady = false;
      if (this.connections[connection.id] === connection) connection.run(nowMs);
      connection = connection === last ? null : this.readyHead;
    }
    this.reportCounts(this.counts4);
    this.reportCounts(this.counts6);
  }

  halt(): void {
    this.registry.remove(this);
  }

  private reportCounts(counts: TrafficCounts): void {
    if (!counts.isDue) return;
    this.events.counted(counts.isIPv6, counts);
    counts.clear();
  }

  private reportOf(id: number): ConnectionReport {
    const { report, table } = this;
    const { sndNxt, sndMax, sndWnd, maxSndWnd, sendWL1 } = this.usedConnection(id) ?? {
      sndNxt: table.get(id, COLUMN.SND_NXT),
      sndMax: table.get(id, COLUMN.SND_MAX),
      sndWnd: table.get(id, COLUMN.SND_WND),
      maxSndWnd: table.get(id, COLUMN.MAX_SND_WND),
      sendWL1: table.get(id, COLUMN.SEND_WL1),
    };
    report.sndNxt = sndNxt;
    report.sndMax = sndMax;
    report.sndWnd = sndWnd;
    report.maxSndWnd = maxSndWnd;
    report.sendWL1 = sendWL1;
    return report;
  }
}
