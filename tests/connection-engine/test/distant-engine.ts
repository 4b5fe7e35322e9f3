// An engine on the far side of two queues, as one in another thread would be: commands take a while to get there, events
// to come back, each in their order. What it is is a loop: bytes come back to the connection that sent them.
import { seqAdd, seqDelta, type ConnectionEngine, type ConnectionRecord, type EngineEnvironment } from '@ndis-chimney/offload-target';
import { NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED, NDIS_STATUS_SUCCESS, TCP_UPLOAD_REASON, type Timer, type TimerRoutine } from '@ndis-chimney/types';

type Message = () => void;

/** Messages in order, each of which takes up to so many milliseconds. */
class Line implements TimerRoutine {
  private readonly messages: { readonly dueMs: number; readonly message: Message }[] = [];
  private readonly timer: Timer;
  private readonly environment: EngineEnvironment;
  private lastDueMs = 0;

  constructor(environment: EngineEnvironment) {
    this.environment = environment;
    this.timer = environment.clock.createTimer(this);
  }

  push(message: Message): void {
    const { clock, random } = this.environment;
    this.lastDueMs = Math.max(this.lastDueMs, clock.now() + random.nextInt(4));
    this.messages.push({ dueMs: this.lastDueMs, message });
    if (!this.timer.isRunning) this.timer.start(this.lastDueMs - clock.now());
  }

  timerExpired(): void {
    const { clock } = this.environment;
    for (let [first] = this.messages; first !== undefined && first.dueMs <= clock.now(); [first] = this.messages) {
      this.messages.shift();
      first.message();
    }
    const [next] = this.messages;
    if (next !== undefined) this.timer.start(next.dueMs - clock.now());
  }
}

interface Lent {
  readonly buffer: Uint8Array<ArrayBufferLike>;
  at: number;
  left: number;
  readonly flags: number;
}

class Loop {
  rcvNxt: number;
  edge: number;
  sndUna: number;
  lent: Lent[] = [];
  isFinDue = false;
  isHeld = true;

  constructor({ rcvNxt, rcvWnd, sndUna }: ConnectionRecord) {
    this.rcvNxt = rcvNxt;
    this.edge = seqAdd(rcvNxt, rcvWnd);
    this.sndUna = sndUna;
  }
}

export class DistantEngine implements ConnectionEngine {
  private readonly environment: EngineEnvironment;
  private readonly loops = new Map<number, Loop>();
  private readonly down: Line;
  private readonly up: Line;

  constructor(environment: EngineEnvironment) {
    this.environment = environment;
    this.down = new Line(environment);
    this.up = new Line(environment);
  }

  /** Connections the far side knows. */
  get size(): number {
    return this.loops.size;
  }

  /** A command for a connection, on its way there. */
  private command(id: number, how: (loop: Loop) => void): void {
    this.down.push(() => {
      const loop = this.loops.get(id);
      if (loop === undefined) throw new Error(`a command for ${id}, which is not open`);
      how(loop);
      this.work(id, loop);
    });
  }

  /** The far side does a little, and stops at random. */
  private work(id: number, loop: Loop): void {
    const { events, random } = this.environment;
    while (!loop.isHeld && loop.lent.length > 0) {
      const [first] = loop.lent;
      const room = seqDelta(loop.edge, loop.rcvNxt);
      if (first === undefined || room <= 0 || random.nextInt(10) === 0) break;
      const here = Math.min(first.left, room, 1 + random.nextInt(400));
      const bytes = first.buffer.slice(first.at, first.at + here);
      first.at += here;
      first.left -= here;
      if (first.left === 0) loop.lent.shift();
      loop.rcvNxt = seqAdd(loop.rcvNxt, here);
      loop.sndUna = seqAdd(loop.sndUna, here);
      const flags = first.left === 0 ? first.flags : 0;
      this.up.push(() => {
        events.received(id, bytes, 0, bytes.length, flags);
        bytes.fill(0xEE);
        events.acked(id, here);
      });
    }
    if (loop.isHeld) return;
    if (loop.lent.length > 0) {
      // The rest another time, if there is one.
      if (seqDelta(loop.edge, loop.rcvNxt) > 0) this.later(id);
    } else if (loop.isFinDue) {
      loop.isFinDue = false;
      this.up.push(() => {
        events.finAcked(id);
        events.fin(id);
      });
    }
  }

  private later(id: number): void {
    this.down.push(() => {
      const loop = this.loops.get(id);
      if (loop !== undefined) this.work(id, loop);
    });
  }

  open(id: number, record: ConnectionRecord): void {
    const loop = new Loop(record);
    const isRefused = record.localPort === 1;
    this.down.push(() => {
      if (!isRefused) this.loops.set(id, loop);
      this.up.push(() => {
        if (isRefused) this.environment.events.failed(id, NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED);
        else this.environment.events.opened(id);
      });
    });
  }

  send(id: number, buffer: Uint8Array<ArrayBufferLike>, at: number, left: number, flags: number): void {
    this.command(id, ({ lent }) => lent.push({ buffer, at, left, flags }));
  }

  finish(id: number): void {
    this.command(id, (loop) => (loop.isFinDue = true));
  }

  window(id: number, edge: number): void {
    this.command(id, (loop) => (loop.edge = edge));
  }

  resume(id: number): void {
    this.command(id, (loop) => (loop.isHeld = false));
  }

  hold(id: number): void {
    this.stop(id, () => {
      this.environment.events.held(id);
    });
  }

  abort(id: number): void {
    this.stop(id, () => {
      this.environment.events.aborted(id);
    });
  }

  private stop(id: number, answer: Message): void {
    this.command(id, (loop) => {
      loop.isHeld = true;
      loop.lent = [];
      loop.isFinDue = false;
      this.up.push(answer);
    });
  }

  forward(id: number): void {
    this.command(id, () => {
      this.up.push(() => {
        this.environment.events.forwarded(id, NDIS_STATUS_SUCCESS);
      });
    });
  }

  update(id: number): void {
    this.command(id, () => {
      this.up.push(() => {
        this.environment.events.updated(id, NDIS_STATUS_SUCCESS);
      });
    });
  }

  query(id: number): void {
    this.command(id, () => {
      this.up.push(() => {
        this.environment.events.queried(id, {});
      });
    });
  }

  export(id: number): void {
    this.down.push(() => {
      this.loops.delete(id);
      this.up.push(() => {
        this.environment.events.exported(id, {});
      });
    });
  }

  close(id: number): void {
    this.down.push(() => this.loops.delete(id));
  }

  /** Something happens at the far side by itself. */
  happen(id: number, what: 'reset' | 'upload' | 'fail'): void {
    const { events } = this.environment;
    this.down.push(() => {
      const loop = this.loops.get(id);
      if (loop === undefined) return;
      if (what === 'upload') {
        this.up.push(() => {
          events.uploadWanted(id, TCP_UPLOAD_REASON.TimeoutExpiration);
        });
        return;
      }
      loop.isHeld = true;
      loop.lent = [];
      loop.isFinDue = false;
      this.up.push(() => {
        if (what === 'reset') events.reset(id);
        else events.failed(id, -1);
      });
    });
  }
}
