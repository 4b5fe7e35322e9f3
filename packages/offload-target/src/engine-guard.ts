import type { ConnectionEngine } from './connection-engine.ts';
import type { ConnectionRecord, ConnectionSettings } from './connection-record.ts';
import type { OffloadAdapter } from './offload-adapter.ts';

/**
 * The way commands take to the engine: one that throws ends its connection the way of failed hardware, and nothing else.
 */
export class EngineGuard {
  private readonly engine: ConnectionEngine;
  private readonly adapter: OffloadAdapter;

  constructor(engine: ConnectionEngine, adapter: OffloadAdapter) {
    this.engine = engine;
    this.adapter = adapter;
  }

  open(id: number, record: ConnectionRecord): void {
    try {
      this.engine.open(id, record);
    } catch (error) {
      this.adapter.faults.commandThrew('open', id, error);
    }
  }

  send(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void {
    try {
      this.engine.send(id, buffer, byteOffset, byteCount, flags);
    } catch (error) {
      this.adapter.faults.commandThrew('send', id, error);
    }
  }

  finish(id: number): void {
    try {
      this.engine.finish(id);
    } catch (error) {
      this.adapter.faults.commandThrew('finish', id, error);
    }
  }

  abort(id: number): void {
    try {
      this.engine.abort(id);
    } catch (error) {
      this.adapter.faults.commandThrew('abort', id, error);
    }
  }

  window(id: number, edge: number): void {
    try {
      this.engine.window(id, edge);
    } catch (error) {
      this.adapter.faults.commandThrew('window', id, error);
    }
  }

  forward(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    try {
      this.engine.forward(id, buffer, byteOffset, byteCount);
    } catch (error) {
      this.adapter.faults.commandThrew('forward', id, error);
    }
  }

  update(id: number, settings: ConnectionSettings): void {
    try {
      this.engine.update(id, settings);
    } catch (error) {
      this.adapter.faults.commandThrew('update', id, error);
    }
  }

  hold(id: number): void {
    try {
      this.engine.hold(id);
    } catch (error) {
      this.adapter.faults.commandThrew('hold', id, error);
    }
  }

  resume(id: number): void {
    try {
      this.engine.resume(id);
    } catch (error) {
      this.adapter.faults.commandThrew('resume', id, error);
    }
  }

  query(id: number): void {
    try {
      this.engine.query(id);
    } catch (error) {
      this.adapter.faults.commandThrew('query', id, error);
    }
  }

  export(id: number): void {
    try {
      this.engine.export(id);
    } catch (error) {
      this.adapter.faults.commandThrew('export', id, error);
    }
  }

  /** The connection is given up already, so that there is nothing to end when this throws. */
  close(id: number): void {
    try {
      this.engine.close(id);
    } catch (error) {
      this.adapter.faults.threw('close', error);
    }
  }

  run(nowMs: number): void {
    try {
      this.engine.run?.(nowMs);
    } catch (error) {
      this.adapter.faults.threw('run', error);
    }
  }

  get hasOrdinaryTraffic(): boolean {
    return this.engine.transmit !== undefined;
  }

  transmit(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void {
    try {
      this.engine.transmit?.(buffer, byteOffset, byteCount);
    } catch (error) {
      this.adapter.faults.threw('transmit', error);
    }
  }

  halt(): void {
    try {
      this.engine.halt?.();
    } catch (error) {
      this.adapter.faults.threw('halt', error);
    }
  }
}
