// A third target to try the kit on: it has no peers, but keeps forwarded segments that come out of sequence, and runs
// keepalive and FIN_WAIT_2 timers. What is sent is acknowledged after a while by nobody in particular; probes are not. It
// relies on its own copy of all that a connection came with, and says of it what it has.
import {
  TCP_SEGMENT,
  TcpSegment,
  createOffloadTarget,
  readTcpSegment,
  seqAdd,
  seqDelta,
  seqLess,
  type ConnectionEngine,
  type ConnectionRecord,
  type ConnectionReport,
  type ConnectionSettings,
  type EngineEnvironment,
  type OffloadTarget,
} from '@ndis-chimney/offload-target';
import { tapMiniportDriver } from '@ndis-chimney/target-faulty';
import {
  FIN_WAIT_2_TIMEOUT_SECONDS,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_UPLOAD_REASON,
  TIMEOUT_DELTA_NOT_RUNNING,
  timestampAt,
  timestampDelta,
  type OffloadTargetEnvironment,
  type Timer,
} from '@ndis-chimney/types';

import { interrupting } from './interrupting.ts';
import { Reassembly, type ReassemblyFlaws } from './reassembly.ts';

const { SYN, RST, URG, ACK, PSH } = TCP_SEGMENT;
const STATE = TCP_OFFLOAD_CONNECTION_STATE;
/** How long it takes until what is sent is acknowledged. */
const ROUND_TRIP_MS = 20;

/** What can be wrong with it, for tests that the kit notices. */
interface CarefulFlaws extends ReassemblyFlaws {
  /** Timers begin anew at the offload. */
  readonly restartsTimers?: boolean;
  /** Timers that are due at the offload do not expire. */
  readonly forgetsDueTimers?: boolean;
  /** A connection goes back in the state it came in when FIN_WAIT_2 is over. */
  readonly keepsStateInFinWait2?: boolean;
}

/** How it behaves. */
export interface CarefulOptions extends CarefulFlaws {
  /** It says what comes of segments either way outside of the adapter's DPC or while the host is being called, as an engine in another thread would. */
  readonly isDistant?: boolean;
}

/** What it was given of a connection and nothing here changes. */
type Given = Pick<ConnectionRecord, 'sndWnd' | 'maxSndWnd' | 'sendWL1' | 'cWnd' | 'ssThresh' | 'sRtt' | 'rttVar' | 'tsRecent' | 'dupAckCount' | 'sndWndProbeCount' | 'retransmitCount' | 'dWnd'>;

interface Connection {
  readonly given: Given;
  /** Tick in which its `TsRecent` came. */
  readonly tsRecentAt: number;
  readonly tsDelta: number;
  totalRT: number;
  readonly kaInterval: number;
  readonly kaProbeCount: number;
  readonly reassembly: Reassembly;
  readonly keepAlive: Timer;
  readonly finWait2: Timer;
  rcvNxt: number;
  edge: number;
  sndUna: number;
  sndMax: number;
  lent: number;
  isEnding: boolean;
  probeCount: number;
  isHeld: boolean;
}

class CarefulEngine implements ConnectionEngine {
  private readonly environment: EngineEnvironment;
  private readonly flaws: CarefulOptions;
  /** What was forwarded and not answered. */
  private readonly distant = new Map<number, () => void>();
  private readonly connections = new Map<number, Connection>();
  private readonly segment = new TcpSegment();
  private readonly ackTimer: Timer;
  private isAckDue = false;

  constructor(environment: EngineEnvironment, flaws: CarefulOptions) {
    this.environment = environment;
    this.flaws = flaws;
    this.ackTimer = environment.clock.createTimer({
      timerExpired: () => {
        this.isAckDue = true;
        if (flaws.isDistant === true) this.run();
        else environment.schedule();
      },
    });
  }

  open(id: number, record: ConnectionRecord): void {
    const { clock, events } = this.environment;
    const { sndWnd, maxSndWnd, sendWL1, cWnd, ssThresh, sRtt, rttVar, tsRecent, dupAckCount, sndWndProbeCount, retransmitCount, dWnd } = record;
    const connection: Connection = {
      given: { sndWnd, maxSndWnd, sendWL1, cWnd, ssThresh, sRtt, rttVar, tsRecent, dupAckCount, sndWndProbeCount, retransmitCount, dWnd },
      tsRecentAt: this.nowTicks - record.tsRecentAge,
      tsDelta: timestampDelta(record.tsTime, this.nowTicks),
      totalRT: record.totalRT,
      kaInterval: record.settings.kaInterval,
      kaProbeCount: record.settings.kaProbeCount,
      reassembly: new Reassembly(this.flaws),
      keepAlive: clock.createTimer({ timerExpired: () => { this.probe(id); } }),
      finWait2: clock.createTimer({ timerExpired: () => { this.giveUp(id); } }),
      rcvNxt: record.rcvNxt,
      edge: seqAdd(record.rcvNxt, record.rcvWnd),
      sndUna: record.sndUna,
      sndMax: record.sndMax,
      lent: 0,
      isEnding: false,
      probeCount: record.keepAliveProbeCount,
      isHeld: true,
    };
    this.connections.set(id, connection);
    const { settings, keepAliveTimeoutDelta, retransmitTimeoutDelta } = record;
    if ((settings.flags & TCP_FLAG_KEEP_ALIVE_ENABLED) !== 0) this.start(connection.keepAlive, keepAliveTimeoutDelta, settings.kaTimeout);
    if (record.state === STATE.TcpConnectionFinWait2) this.start(connection.finWait2, retransmitTimeoutDelta, FIN_WAIT_2_TIMEOUT_SECONDS * this.environment.ticksPerSecond);
    events.opened(id);
  }

  /** Goes on with what is left of a timer, or starts it with its whole time. */
  private start(timer: Timer, left: number, ticks: number): void {
    if (left === 0 && this.flaws.forgetsDueTimers === true) return;
    const isInherited = left !== TIMEOUT_DELTA_NOT_RUNNING && this.flaws.restartsTimers !== true;
    timer.start(((isInherited ? left : ticks) * 1000) / this.environment.ticksPerSecond);
  }

  /** Nobody answers probes here. */
  private probe(id: number): void {
    const connection = this.connectionOf(id);
    connection.probeCount++;
    if (connection.probeCount > connection.kaProbeCount) this.environment.events.uploadWanted(id, TCP_UPLOAD_REASON.TimeoutExpiration, true);
    else connection.keepAlive.start((connection.kaInterval * 1000) / this.environment.ticksPerSecond);
  }

  private giveUp(id: number): void {
    this.environment.events.uploadWanted(id, TCP_UPLOAD_REASON.TimeoutExpiration, this.flaws.keepsStateInFinWait2 !== true);
  }

  forward(id: number, buffer: Uint8Array, byteOffset: number, byteCount: number): void {
    if (this.flaws.isDistant !== true) {
      this.process(id, buffer, byteOffset, byteCount);
      return;
    }
    const answer = (): void => {
      if (this.distant.get(id) !== answer) return;
      this.distant.delete(id);
      this.process(id, buffer, byteOffset, byteCount);
    };
    this.distant.set(id, answer);
    void Promise.resolve().then(answer);
  }

  /** Says what it has not said yet. */
  speakUp(): void {
    for (const answer of [...this.distant.values()]) answer();
  }

  private process(id: number, buffer: Uint8Array, byteOffset: number, byteCount: number): void {
    const { events } = this.environment;
    const connection = this.connectionOf(id);
    const { segment } = this;
    const isWhole = readTcpSegment(segment, buffer, byteOffset, byteCount);
    const { flags } = segment;
    const known = segment.knownBytes(connection.rcvNxt);
    if (!isWhole) {
      events.forwarded(id, NDIS_STATUS_SUCCESS);
    } else if ((flags & RST) !== 0) {
      events.forwarded(id, NDIS_STATUS_SUCCESS);
      if (known === 0) events.reset(id);
    } else if ((flags & SYN) !== 0) {
      if (known === 0) events.uploadWanted(id, TCP_UPLOAD_REASON.UploadRequested, true);
      events.forwarded(id, NDIS_STATUS_SUCCESS);
    } else if (!isInWindow(connection, segment) || !isAcceptableAck(connection, segment)) {
      events.forwarded(id, NDIS_STATUS_SUCCESS);
    } else if ((flags & URG) !== 0) {
      events.uploadWanted(id, TCP_UPLOAD_REASON.ReceivedUrgentData);
      events.forwarded(id, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    } else {
      this.accept(id, connection, buffer);
      events.forwarded(id, NDIS_STATUS_SUCCESS);
    }
  }

  private accept(id: number, connection: Connection, buffer: Uint8Array): void {
    const { events } = this.environment;
    const { segment } = this;
    const { reassembly } = connection;
    if ((segment.flags & ACK) !== 0) this.acknowledged(id, connection, segment.ack);
    const room = seqDelta(connection.edge, connection.rcvNxt);
    for (const piece of reassembly.take(segment, buffer, connection.rcvNxt, room)) {
      connection.rcvNxt = seqAdd(connection.rcvNxt, piece.bytes.length + Number(piece.hasFin));
      if (piece.bytes.length > 0) events.received(id, piece.bytes, 0, piece.bytes.length, (piece.flags & PSH) === 0 ? 0 : 1);
      if (!piece.hasFin) continue;
      connection.finWait2.cancel();
      events.fin(id);
    }
  }

  private acknowledged(id: number, connection: Connection, ack: number): void {
    const count = Math.min(seqDelta(ack, connection.sndUna), connection.lent);
    if (count <= 0) return;
    connection.totalRT = 0;
    connection.lent -= count;
    connection.sndUna = seqAdd(connection.sndUna, count);
    this.environment.events.acked(id, count);
  }

  send(id: number, _buffer: Uint8Array, _byteOffset: number, byteCount: number): void {
    const connection = this.connectionOf(id);
    connection.lent += byteCount;
    this.noteSent(connection);
  }

  finish(id: number): void {
    const connection = this.connectionOf(id);
    connection.isEnding = true;
    this.noteSent(connection);
  }

  private noteSent(connection: Connection): void {
    const end = seqAdd(connection.sndUna, connection.lent + Number(connection.isEnding));
    if (seqLess(connection.sndMax, end)) connection.sndMax = end;
    if (!this.ackTimer.isRunning) this.ackTimer.start(ROUND_TRIP_MS);
  }

  run(): void {
    if (!this.isAckDue) return;
    this.isAckDue = false;
    for (const [id, connection] of this.connections) {
      this.acknowledged(id, connection, seqAdd(connection.sndUna, connection.lent));
      if (!connection.isEnding) continue;
      connection.isEnding = false;
      connection.sndUna = seqAdd(connection.sndUna, 1);
      this.environment.events.finAcked(id);
    }
  }

  window(id: number, edge: number): void {
    this.connectionOf(id).edge = edge;
  }

  resume(id: number): void {
    this.connectionOf(id).isHeld = false;
  }

  hold(id: number): void {
    const connection = this.connectionOf(id);
    connection.isHeld = true;
    this.distant.delete(id);
    connection.lent = 0;
    connection.isEnding = false;
    stopTimers(connection);
    this.environment.events.held(id);
  }

  abort(id: number): void {
    const connection = this.connectionOf(id);
    this.distant.delete(id);
    connection.lent = 0;
    stopTimers(connection);
    this.environment.events.aborted(id);
  }

  update(id: number, { flags }: ConnectionSettings): void {
    if ((flags & TCP_FLAG_MAX_RT_RESTART) !== 0) this.connectionOf(id).totalRT = 0;
    this.environment.events.updated(id, NDIS_STATUS_SUCCESS);
  }

  query(id: number): void {
    this.environment.events.queried(id, this.reportOf(id));
  }

  export(id: number): void {
    const report = this.reportOf(id);
    this.close(id);
    this.environment.events.exported(id, report);
  }

  close(id: number): void {
    stopTimers(this.connectionOf(id));
    this.distant.delete(id);
    this.connections.delete(id);
  }

  halt(): void {
    this.ackTimer.cancel();
  }

  private reportOf(id: number): ConnectionReport {
    const { given, tsRecentAt, tsDelta, totalRT, keepAlive, finWait2, probeCount } = this.connectionOf(id);
    return {
      ...given,
      tsRecentAge: this.nowTicks - tsRecentAt,
      tsTime: timestampAt(this.nowTicks, tsDelta),
      totalRT,
      keepAliveProbeCount: probeCount,
      keepAliveTimeoutDelta: this.ticksLeft(keepAlive),
      retransmitTimeoutDelta: this.ticksLeft(finWait2),
    };
  }

  private get nowTicks(): number {
    return Math.floor((this.environment.clock.now() * this.environment.ticksPerSecond) / 1000) | 0;
  }

  private ticksLeft({ isRunning, dueMs }: Timer): number {
    if (!isRunning) return TIMEOUT_DELTA_NOT_RUNNING;
    return Math.ceil(((dueMs - this.environment.clock.now()) * this.environment.ticksPerSecond) / 1000);
  }

  private connectionOf(id: number): Connection {
    const connection = this.connections.get(id);
    if (connection === undefined) throw new Error(`connection ${id} is not open`);
    return connection;
  }
}

function stopTimers({ keepAlive, finWait2 }: Connection): void {
  keepAlive.cancel();
  finWait2.cancel();
}

function isInWindow({ rcvNxt, edge }: Connection, segment: TcpSegment): boolean {
  const known = segment.knownBytes(rcvNxt);
  return known <= segment.payloadBytes && (known >= 0 || -known < seqDelta(edge, rcvNxt));
}

function isAcceptableAck({ sndUna, sndMax, given }: Connection, { flags, ack }: TcpSegment): boolean {
  return (flags & ACK) === 0 || (!seqLess(sndMax, ack) && seqDelta(sndUna, ack) <= given.maxSndWnd);
}

/** Makes one. */
export function createCarefulTarget(environment: OffloadTargetEnvironment, flaws: CarefulOptions = {}): OffloadTarget {
  const engines: CarefulEngine[] = [];
  const target = createOffloadTarget(environment, {
    name: 'target-careful',
    createEngine: (engineEnvironment) => {
      const engine = new CarefulEngine(engineEnvironment, flaws);
      engines.push(engine);
      return engine;
    },
    limits: { bufferBytes: 65_536 },
  });
  const speakUp = (): void => {
    for (const engine of engines) engine.speakUp();
  };
  if (flaws.isDistant === true) tapMiniportDriver(target, interrupting(speakUp));
  return target;
}
