// An engine that notes every command and does what the test says: answer at once, later, wrongly, or not at all.
import { ConnectionRecord, seqAdd, type ConnectionEngine, type ConnectionReport, type EngineEnvironment, type EngineEvents } from '@ndis-chimney/offload-target';
import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

/** A region of bytes that the engine was lent, and what it was then. */
export interface Lent {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly flags: number;
}

export class ScriptedEngine implements ConnectionEngine {
  readonly environment: EngineEnvironment;
  readonly events: EngineEvents;
  /** Commands in order, as `name id`. */
  readonly commands: string[] = [];
  readonly lent: Lent[] = [];
  readonly records = new Map<number, ConnectionRecord>();
  /** Ports at the host's end, of every connection that was offered. */
  readonly offeredPorts: number[] = [];
  readonly edges = new Map<number, number>();
  /** Frames of the host. */
  readonly frames: Uint8Array[] = [];
  /** Commands that get no answer. */
  readonly silent = new Set<string>();
  /** Commands that throw. */
  readonly throwing = new Set<string>();
  /** What open answers, by port at the host's end; 0 otherwise. */
  readonly refusals = new Map<number, number>();
  /** Bytes acknowledged inside every send. */
  ackedInside = 0;
  /** What the engine says of every connection. */
  report: ConnectionReport = {};
  whenRun: (nowMs: number) => void = () => undefined;

  constructor(environment: EngineEnvironment) {
    this.environment = environment;
    this.events = environment.events;
  }

  /** Notes a command. @returns true when it is to be answered. */
  private note(command: string, id: number, more = ''): boolean {
    this.commands.push(`${command} ${id}${more}`);
    if (this.throwing.has(command)) throw new Error(`${command} is broken`);
    return !this.silent.has(command);
  }

  open(id: number, record: ConnectionRecord): void {
    const copy = Object.assign(new ConnectionRecord(), record);
    Object.assign(copy.settings, record.settings);
    this.records.set(id, copy);
    this.offeredPorts.push(record.localPort);
    this.edges.set(id, seqAdd(record.rcvNxt, record.rcvWnd));
    if (!this.note('open', id)) return;
    const refusal = this.refusals.get(record.localPort) ?? NDIS_STATUS_SUCCESS;
    if (refusal === NDIS_STATUS_SUCCESS) this.events.opened(id);
    else this.events.failed(id, refusal);
  }

  send(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void {
    this.lent.push({ id, bytes: buffer.slice(byteOffset, byteOffset + byteCount), flags });
    this.note('send', id, ` ${byteCount}`);
    if (this.ackedInside > 0) this.events.acked(id, this.ackedInside);
  }

  finish(id: number): void {
    this.note('finish', id);
  }

  abort(id: number): void {
    if (this.note('abort', id)) this.events.aborted(id);
  }

  window(id: number, edge: number): void {
    this.edges.set(id, edge);
    this.note('window', id);
  }

  forward(id: number, _buffer: Uint8Array<ArrayBufferLike>, _byteOffset: number, byteCount: number): void {
    if (this.note('forward', id, ` ${byteCount}`)) this.events.forwarded(id, NDIS_STATUS_SUCCESS);
  }

  update(id: number): void {
    if (this.note('update', id)) this.events.updated(id, NDIS_STATUS_SUCCESS);
  }

  hold(id: number): void {
    if (this.note('hold', id)) this.events.held(id, this.report);
  }

  resume(id: number): void {
    this.note('resume', id);
  }

  query(id: number): void {
    if (this.note('query', id)) this.events.queried(id, this.report);
  }

  export(id: number): void {
    if (this.note('export', id)) this.events.exported(id, this.report);
  }

  close(id: number): void {
    this.note('close', id);
  }

  run(nowMs: number): void {
    if (this.throwing.has('run')) throw new Error('run is broken');
    this.whenRun(nowMs);
  }

  transmit(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    this.frames.push(buffer.slice(byteOffset, byteOffset + byteCount));
  }
}
