// A second target to try the kit on, unlike the memory target in what it can be made to do and be made to suffer: peers
// that take everything and never say anything, an engine that acknowledges later or at once and is exact about what it is
// told, limits, and hardware that can break.
import { createOffloadTarget, seqAdd, seqDelta, type ConnectionEngine, type ConnectionRecord, type ConnectionReport, type EngineEnvironment, type OffloadTarget, type TargetLimits } from '@ndis-chimney/offload-target';
import { tapMiniportDriver } from '@ndis-chimney/target-faulty';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, TCP_UPLOAD_REASON, type OffloadTargetEnvironment, type Timer, type TimerRoutine } from '@ndis-chimney/types';

import { Offered, unchangedReport } from './offered.ts';

/** How long a peer takes to acknowledge. */
const ROUND_TRIP_MS = 20;

interface Sink {
  readonly localPort: number;
  readonly remotePort: number;
  /** Where the window ends. */
  edge: number;
  /** Bytes that were lent and are not acknowledged. */
  lent: number;
  isEnding: boolean;
  /** True once the hardware's record is lost. */
  isLost: boolean;
  /** What it came with, as long as nothing has happened to it. */
  report: ConnectionReport;
}

/** How it behaves. */
export interface SinkOptions extends TargetLimits {
  /** What is lent is acknowledged inside the call that lends it, byte by byte at first. */
  readonly isImmediate?: boolean;
}

class SinkEngine implements ConnectionEngine, TimerRoutine {
  private readonly environment: EngineEnvironment;
  private readonly isImmediate: boolean;
  private readonly offered: Offered;
  private readonly sinks = new Map<number, Sink>();
  private readonly timer: Timer;
  private isDue = false;
  private hasForgotten = false;

  constructor(environment: EngineEnvironment, offered: Offered, isImmediate: boolean) {
    this.environment = environment;
    this.offered = offered;
    this.isImmediate = isImmediate;
    this.timer = environment.clock.createTimer(this);
  }

  /** Loses the record of a connection: whatever is asked about it next fails. */
  lose(localPort: number, remotePort: number): void {
    for (const sink of this.sinks.values()) if (sink.localPort === localPort && sink.remotePort === remotePort) sink.isLost = true;
  }

  /** Loses the record of a connection and says so, in either of the two ways there are. */
  alarm(localPort: number, remotePort: number): void {
    for (const [id, sink] of this.sinks) {
      if (sink.localPort !== localPort || sink.remotePort !== remotePort) continue;
      this.hasForgotten = !this.hasForgotten;
      if (this.hasForgotten) {
        this.sinks.delete(id);
        this.environment.events.failed(id, NDIS_STATUS_FAILURE);
      } else {
        this.environment.events.uploadWanted(id, TCP_UPLOAD_REASON.HardwareFailure);
      }
    }
  }

  changeBacklog(localPort: number, remotePort: number, byteCount: number): void {
    for (const [id, sink] of this.sinks) if (sink.localPort === localPort && sink.remotePort === remotePort) this.environment.events.sendBacklog(id, byteCount);
  }

  open(id: number, record: ConnectionRecord): void {
    this.offered.check(record);
    const { localPort, remotePort } = record;
    this.sinks.set(id, { localPort, remotePort, edge: seqAdd(record.rcvNxt, record.rcvWnd), lent: 0, isEnding: false, isLost: false, report: unchangedReport(record) });
    this.environment.events.opened(id);
  }

  send(id: number, _buffer: Uint8Array, _byteOffset: number, byteCount: number): void {
    const sink = this.sinkOf(id);
    sink.report = {};
    if (this.isImmediate && !sink.isLost) {
      const { events } = this.environment;
      events.acked(id, 1);
      if (byteCount > 1) events.acked(id, byteCount - 1);
      return;
    }
    sink.lent += byteCount;
    this.startTimer();
  }

  finish(id: number): void {
    const sink = this.sinkOf(id);
    sink.report = {};
    if (this.isImmediate && !sink.isLost) {
      this.environment.events.finAcked(id);
      return;
    }
    sink.isEnding = true;
    this.startTimer();
  }

  hold(id: number): void {
    this.answer(id, (sink) => {
      sink.lent = 0;
      sink.isEnding = false;
      sink.report = {};
      this.environment.events.held(id);
    });
  }

  abort(id: number): void {
    this.answer(id, (sink) => {
      sink.lent = 0;
      this.environment.events.aborted(id);
    });
  }

  query(id: number): void {
    this.answer(id, ({ report }) => {
      this.environment.events.queried(id, report);
    });
  }

  update(id: number): void {
    this.answer(id, (sink) => {
      sink.report = {};
      this.environment.events.updated(id, NDIS_STATUS_SUCCESS);
    });
  }

  forward(id: number): void {
    this.environment.events.forwarded(id, NDIS_STATUS_SUCCESS);
  }

  export(id: number): void {
    this.answer(id, ({ report }) => {
      this.sinks.delete(id);
      this.environment.events.exported(id, report);
    });
  }

  close(id: number): void {
    this.sinks.delete(id);
  }

  resume(): void {
    // What was given back is lent again.
  }

  window(id: number, edge: number): void {
    // Nothing ever comes into it.
    const sink = this.sinkOf(id);
    if (seqDelta(edge, sink.edge) <= 0) throw new Error(`the window of connection ${id} does not grow`);
    sink.edge = edge;
  }

  halt(): void {
    this.timer.cancel();
  }

  run(): void {
    if (!this.isDue) return;
    this.isDue = false;
    for (const [id, sink] of this.sinks) if (!sink.isLost) this.acknowledge(id, sink);
  }

  timerExpired(): void {
    this.isDue = true;
    this.environment.schedule();
  }

  private acknowledge(id: number, sink: Sink): void {
    const { events } = this.environment;
    const { lent } = sink;
    sink.lent = 0;
    if (lent > 0) events.acked(id, lent);
    if (!sink.isEnding) return;
    sink.isEnding = false;
    events.finAcked(id);
  }

  private answer(id: number, how: (sink: Sink) => void): void {
    const sink = this.sinkOf(id);
    if (!sink.isLost) {
      how(sink);
      return;
    }
    this.sinks.delete(id);
    this.environment.events.failed(id, NDIS_STATUS_FAILURE);
  }

  private startTimer(): void {
    if (!this.timer.isRunning) this.timer.start(ROUND_TRIP_MS);
  }

  private sinkOf(id: number): Sink {
    const sink = this.sinks.get(id);
    if (sink === undefined) throw new Error(`connection ${id} is not open`);
    return sink;
  }
}

/** A sink target and what its hardware can suffer. */
export interface SinkTarget {
  readonly target: OffloadTarget;
  readonly lose: (localPort: number, remotePort: number) => void;
  readonly alarm: (localPort: number, remotePort: number) => void;
  readonly changeBacklog: (localPort: number, remotePort: number, byteCount: number) => void;
}

/** Makes one. */
export function createSinkTarget(environment: OffloadTargetEnvironment, { isImmediate = false, ...limits }: SinkOptions): SinkTarget {
  const engines: SinkEngine[] = [];
  const offered = new Offered(limits.bufferBytes ?? Infinity);
  const target = createOffloadTarget(environment, {
    name: 'target-sink',
    createEngine: (engineEnvironment) => {
      const engine = new SinkEngine(engineEnvironment, offered, isImmediate);
      engines.push(engine);
      return engine;
    },
    limits,
  });
  tapMiniportDriver(target, {
    miniportInitiateOffload: (next, context, tree) => {
      offered.note(tree);
      next(context, tree);
    },
  });
  return {
    target,
    lose: (localPort, remotePort) => {
      for (const engine of engines) engine.lose(localPort, remotePort);
    },
    alarm: (localPort, remotePort) => {
      for (const engine of engines) engine.alarm(localPort, remotePort);
    },
    changeBacklog: (localPort, remotePort, byteCount) => {
      for (const engine of engines) engine.changeBacklog(localPort, remotePort, byteCount);
    },
  };
}
