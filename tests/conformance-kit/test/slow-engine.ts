// An engine far away: what it is told reaches another engine later, and what that one says comes later still, as of an
// engine in another thread or on a card. Answers take their time, and nothing overtakes them.
import { ConnectionRecord, ConnectionSettings, type ConnectionEngine, type ConnectionReport, type EngineEnvironment, type EngineEvents, type EngineFactory } from '@ndis-chimney/offload-target';
import type { Timer } from '@ndis-chimney/types';

/** Where an engine far away is, and how it can be brought near for a moment. */
export interface SlowEngine {
  readonly engine: ConnectionEngine;
  /** Carries out what it was told and has not heard of. */
  catchUp(): void;
}

/** How far away it is. */
export interface Distance {
  /** Milliseconds that an answer takes. */
  readonly answerMs: number;
}

/** Makes an engine slow that is not. */
export function slowEngine(environment: EngineEnvironment, createEngine: EngineFactory, { answerMs }: Distance): SlowEngine {
  const events = new LateEvents(environment, answerMs);
  const near = createEngine({
    name: environment.name,
    clock: environment.clock,
    random: environment.random,
    events,
    get ticksPerSecond() {
      return environment.ticksPerSecond;
    },
    schedule: () => {
      environment.schedule();
    },
  });
  return new LateCommands(environment, near, events);
}

/** What was said and not heard, in its order. */
class LateEvents implements EngineEvents {
  private readonly environment: EngineEnvironment;
  private readonly answerMs: number;
  private readonly waiting: { readonly dueMs: number; readonly say: (events: EngineEvents) => void }[] = [];
  private readonly timer: Timer;

  constructor(environment: EngineEnvironment, answerMs: number) {
    this.environment = environment;
    this.answerMs = answerMs;
    this.timer = environment.clock.createTimer({
      timerExpired: () => {
        // Sometimes outside of the adapter's DPC: an engine may speak up anywhere.
        if (environment.random.nextUint32() % 2 === 0) this.deliver();
        else environment.schedule();
      },
    });
  }

  private answer(say: (events: EngineEvents) => void): void {
    this.later(say, this.answerMs);
  }

  /** What is no answer is heard as soon as what was said before. */
  private later(say: (events: EngineEvents) => void, delayMs = 0): void {
    const nowMs = this.environment.clock.now();
    const dueMs = Math.max(nowMs + delayMs, this.waiting.at(-1)?.dueMs ?? 0);
    this.waiting.push({ dueMs, say });
    if (!this.timer.isRunning) this.timer.start(dueMs - nowMs);
  }

  /** Says what is due. What that leads to is due later. */
  deliver(): void {
    const { waiting, environment } = this;
    const nowMs = environment.clock.now();
    for (let next = waiting[0]; next !== undefined && next.dueMs <= nowMs; next = waiting[0]) {
      waiting.shift();
      next.say(environment.events);
    }
    if (waiting[0] !== undefined && !this.timer.isRunning) this.timer.start(waiting[0].dueMs - nowMs);
  }

  stop(): void {
    this.timer.cancel();
  }

  opened(id: number): void {
    this.answer((events) => { events.opened(id); });
  }

  /** An acknowledgment of several bytes comes as two: of the first of them, and of the others. */
  acked(id: number, byteCount: number): void {
    if (byteCount > 1) this.later((events) => { events.acked(id, 1); });
    this.later((events) => { events.acked(id, byteCount > 1 ? byteCount - 1 : byteCount); });
  }

  finAcked(id: number): void {
    this.answer((events) => { events.finAcked(id); });
  }

  received(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void {
    const bytes = buffer.slice(byteOffset, byteOffset + byteCount);
    this.later((events) => {
      events.received(id, bytes, 0, byteCount, flags);
      // The memory was the engine's own: the target has read it.
      bytes.fill(0);
    });
  }

  fin(id: number): void {
    this.later((events) => { events.fin(id); });
  }

  reset(id: number): void {
    this.later((events) => { events.reset(id); });
  }

  aborted(id: number): void {
    this.answer((events) => { events.aborted(id); });
  }

  held(id: number, report: ConnectionReport = {}): void {
    const copy = { ...report };
    this.answer((events) => { events.held(id, copy); });
  }

  updated(id: number, status: number): void {
    this.answer((events) => { events.updated(id, status); });
  }

  queried(id: number, report: ConnectionReport): void {
    const copy = { ...report };
    this.answer((events) => { events.queried(id, copy); });
  }

  exported(id: number, report: ConnectionReport): void {
    const copy = { ...report };
    this.answer((events) => { events.exported(id, copy); });
  }

  forwarded(id: number, status: number): void {
    this.later((events) => { events.forwarded(id, status); });
  }

  uploadWanted(id: number, reason: number, isClosed?: boolean): void {
    this.later((events) => { events.uploadWanted(id, reason, isClosed); });
  }

  sendBacklog(id: number, byteCount: number): void {
    this.later((events) => { events.sendBacklog(id, byteCount); });
  }

  failed(id: number, status: number): void {
    this.answer((events) => { events.failed(id, status); });
  }

  get counted(): EngineEvents['counted'] {
    return this.environment.events.counted.bind(this.environment.events);
  }

  get frame(): EngineEvents['frame'] {
    return this.environment.events.frame.bind(this.environment.events);
  }
}

/** What was told and not carried out, in its order. */
class LateCommands implements ConnectionEngine, SlowEngine {
  private readonly environment: EngineEnvironment;
  private readonly near: ConnectionEngine;
  private readonly events: LateEvents;
  private waiting: ((engine: ConnectionEngine) => void)[] = [];

  constructor(environment: EngineEnvironment, near: ConnectionEngine, events: LateEvents) {
    this.environment = environment;
    this.near = near;
    this.events = events;
  }

  get engine(): ConnectionEngine {
    return this;
  }

  private later(carryOut: (engine: ConnectionEngine) => void): void {
    this.waiting.push(carryOut);
    this.environment.schedule();
  }

  catchUp(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const carryOut of waiting) carryOut(this.near);
  }

  run(nowMs: number): void {
    this.catchUp();
    this.near.run?.(nowMs);
    this.events.deliver();
  }

  open(id: number, record: ConnectionRecord): void {
    const copy = Object.assign(new ConnectionRecord(), record, { settings: copyOf(record.settings) });
    this.later((engine) => { engine.open(id, copy); });
  }

  send(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void {
    this.later((engine) => { engine.send(id, buffer, byteOffset, byteCount, flags); });
  }

  finish(id: number): void {
    this.later((engine) => { engine.finish(id); });
  }

  abort(id: number): void {
    this.later((engine) => { engine.abort(id); });
  }

  window(id: number, edge: number): void {
    this.later((engine) => { engine.window(id, edge); });
  }

  forward(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    this.later((engine) => { engine.forward(id, buffer, byteOffset, byteCount); });
  }

  update(id: number, settings: ConnectionSettings): void {
    const copy = copyOf(settings);
    this.later((engine) => { engine.update(id, copy); });
  }

  hold(id: number): void {
    this.later((engine) => { engine.hold(id); });
  }

  resume(id: number): void {
    this.later((engine) => { engine.resume(id); });
  }

  query(id: number): void {
    this.later((engine) => { engine.query(id); });
  }

  export(id: number): void {
    this.later((engine) => { engine.export(id); });
  }

  close(id: number): void {
    this.later((engine) => { engine.close(id); });
  }

  halt(): void {
    this.catchUp();
    this.events.stop();
    this.near.halt?.();
  }
}

function copyOf(settings: ConnectionSettings): ConnectionSettings {
  return Object.assign(new ConnectionSettings(), settings);
}
