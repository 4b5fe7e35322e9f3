import type { Clock, Random } from '@ndis-chimney/types';

import type { ConnectionRecord, ConnectionReport, ConnectionSettings } from './connection-record.ts';
import type { TrafficCounts } from './traffic-counts.ts';

/** Bits of the argument `flags` of {@link ConnectionEngine.send} and {@link EngineEvents.received}. */
export const REGION = {
  /**
   * The last byte is one after which the receiver should not be made to wait: the end of a NET_BUFFER_LIST going down,
   * PSH of a segment coming up.
   */
  PUSH: 0x01,
} as const;

/**
 * What moves the bytes: the one part of a target that its author writes. There is one engine per adapter. It knows
 * connections by small numbers, and nothing of NDIS: no lists, no trees, no completions, no indications.
 *
 * It is made of messages. Commands return nothing, what they lead to are events, and arguments are numbers, byte regions
 * and flat records; so an engine can live in another thread. Commands come one after the other, at DISPATCH_LEVEL, and
 * never from inside an event. Events may be raised in answer, inside the command, or later, from `run` or from anywhere.
 *
 * **Lending.** Bytes of `send` are the host's. They are the engine's to read, never to write, until they are
 * acknowledged, or until it says `held`, `aborted`, `reset`, `exported` or `failed`, or is told `close`.
 *
 * **Life of a number.** `open` makes it, held: nothing is sent or raised for it yet, until `resume`. It ends with the
 * event `exported`, with `failed` in answer to `open`, or with `close`. Then it may come again.
 *
 * A command that throws counts as `failed` for its connection, and is reported against the engine (`CHIM-ENG-002`).
 */
export interface ConnectionEngine {
  /**
   * Takes a connection over, held. Answer: `opened`, or `failed` with the status for its block.
   * @param record valid during the call; one object for all connections.
   */
  open(id: number, record: ConnectionRecord): void;
  /**
   * Lends the next bytes of the stream, from `sndUna` of the record on. The engine takes them all, and sends when it can.
   * @param flags {@link REGION} bits.
   */
  send(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void;
  /** A FIN is to follow what was lent; nothing will be lent after it. Event: `finAcked`. */
  finish(id: number): void;
  /** Sends an RST, and stops. Answer: `aborted`. */
  abort(id: number): void;
  /** There is room for received bytes before this sequence number. It only ever grows. */
  window(id: number, edge: number): void;
  /**
   * A segment that the host received elsewhere, from the TCP header on, to be processed as if it had come from the
   * wire; `readTcpSegment` takes it apart. Lent until the answer, `forwarded`, and one at a time.
   */
  forward(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void;
  /** Other settings hold from now on. Answer: `updated`. @param settings valid during the call. */
  update(id: number, settings: ConnectionSettings): void;
  /**
   * Stop sending, receiving and acknowledging, and forget the bytes that were lent and not acknowledged, and the FIN.
   * Answer: `held`. What was given back is lent again after `resume`, if at all.
   */
  hold(id: number): void;
  /** Go: after `open`, and after `hold`. */
  resume(id: number): void;
  /** Answer: `queried`. Nothing changes. */
  query(id: number): void;
  /** The connection goes back to the host. Send what acknowledgments are held back, and forget it. Answer: `exported`. */
  export(id: number): void;
  /** Forget the connection, without an answer: the target has given up waiting for one. */
  close(id: number): void;
  /** Does what is due, once after each {@link EngineEnvironment.schedule}. @param nowMs the clock's milliseconds. */
  run?(nowMs: number): void;
  /**
   * Ordinary traffic: a frame of the host's, valid during the call. Without it such frames are lost, and counted.
   */
  transmit?(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void;
  /** The adapter is halted. No connection is open, no command follows. */
  halt?(): void;
}

/**
 * What an engine tells its target. Every argument is checked: what cannot be is reported against the engine by its rule
 * (`CHIM-ENG-…`), the connection ends the way of failed hardware, and the others go on.
 */
export interface EngineEvents {
  /** Answer to `open`. */
  opened(id: number): void;
  /** The peer has acknowledged so many more bytes. */
  acked(id: number, byteCount: number): void;
  /** The peer has acknowledged the FIN, all bytes before it. */
  finAcked(id: number): void;
  /**
   * In-sequence bytes, acknowledged or about to be. They are read before the call returns.
   * @param flags {@link REGION} bits.
   */
  received(id: number, buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number, flags: number): void;
  /** The peer's FIN, all bytes before it received. */
  fin(id: number): void;
  /** An acceptable RST. Nothing follows for the connection but answers. */
  reset(id: number): void;
  /** Answer to `abort`: the RST was sent. */
  aborted(id: number): void;
  /** Answer to `hold`. @param report at least `sndMax`, if a FIN may not have been sent. */
  held(id: number, report?: ConnectionReport): void;
  /** Answer to `update`. @param status NDIS_STATUS_SUCCESS, or NDIS_STATUS_FAILURE: the old settings hold. */
  updated(id: number, status: number): void;
  /** Answer to `query`. */
  queried(id: number, report: ConnectionReport): void;
  /** Answer to `export`, to whatever else is open, and the last event of the connection. */
  exported(id: number, report: ConnectionReport): void;
  /**
   * Answer to `forward`.
   * @param status NDIS_STATUS_SUCCESS, also for a segment that was dropped; NDIS_STATUS_UPLOAD_IN_PROGRESS when the host
   * is to process it after the upload; NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_FAILURE.
   */
  forwarded(id: number, status: number): void;
  /**
   * The connection should go back to the host.
   * @param reason a `TCP_UPLOAD_REASON`.
   * @param isClosed true when TCP has given it up without an RST: it goes back in CLOSED. The reason is one the host must
   * heed then.
   */
  uploadWanted(id: number, reason: number, isClosed?: boolean): void;
  /** Bytes that should be outstanding for full speed have changed. The target tells the host of great changes. */
  sendBacklog(id: number, byteCount: number): void;
  /**
   * Answer to `open`: why it cannot be. Answer to anything else, or out of the blue: the engine's record of the
   * connection is corrupt. It has forgotten it.
   */
  failed(id: number, status: number): void;
  /** Traffic of offloaded connections since the last time. The counts are read before the call returns. */
  counted(isIPv6: boolean, counts: TrafficCounts): void;
  /** A frame that no connection of the engine takes, or may take any more: it goes up the ordinary way. Copied. */
  frame(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number, byteCount: number): void;
}

/** What an engine may use of the world. Time and chance come from here and from nowhere else. */
export interface EngineEnvironment {
  /** Names the engine: its target and adapter. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EngineEvents;
  /** Ticks per second of the state structures: what the host has set last. */
  readonly ticksPerSecond: number;
  /** Has `run` called, soon and once: in the pass under way when that has yet to get there, otherwise in the next. */
  schedule(): void;
}

/** Makes the engine of one adapter: the default export of an `engineModule`. Options are plain data. */
export type CreateEngine<Options extends object = Record<string, unknown>> = (environment: EngineEnvironment, options: Options) => ConnectionEngine;
