import type { WriteOutput } from './peer-output.ts';
import type { PeerEndpoint } from './peer-endpoint.ts';

/** One end of a connection. */
export interface SocketAddress {
  /** An IP address as text. */
  readonly address: string;
  readonly port: number;
}

/**
 * Where a peer stands. `open`: its connection is offloaded to the target. `uploaded`: the connection is the host's, and
 * nothing moves until it is offloaded again. `closed`: both directions ended. `reset`: somebody sent an RST, or the
 * connection is gone for another reason.
 */
export type MemoryPeerState = 'open' | 'uploaded' | 'closed' | 'reset';

/** Most bytes that one read gives out. */
const CHUNK_BYTES = 65_536;

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The far end of one offloaded connection, for your code to read from and write to. With the option `peer: 'manual'`
 * the stream is yours; otherwise the target reads and writes by itself, and you may only watch and `reset`.
 *
 * ```
 * for await (const chunk of peer) await peer.write(chunk);
 * await peer.end();
 * ```
 *
 * The peer does not notice an upload, as a peer would not: what it waits for then goes on waiting, and goes on when the
 * connection is offloaded to the target again, through whichever adapter, with the same addresses, ports and sequence
 * numbers. A peer that cannot go on ends with an error: after {@link MemoryPeer.reset}, an RST of the host, the halt of
 * the target's last adapter, or when another connection takes its addresses and ports.
 */
export class MemoryPeer implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** The peer's end: the host's destination. */
  readonly local: SocketAddress;
  /** The host's end. */
  readonly remote: SocketAddress;
  private readonly endpoint: PeerEndpoint;
  private readers: Waiter<Uint8Array<ArrayBuffer> | null>[] = [];
  private enders: Waiter<void>[] = [];

  /** @internal Peers come from {@link MemoryTarget.accept} and its like. */
  constructor(endpoint: PeerEndpoint, local: SocketAddress, remote: SocketAddress) {
    this.endpoint = endpoint;
    this.local = local;
    this.remote = remote;
  }

  get state(): MemoryPeerState {
    const { endpoint } = this;
    if (endpoint.resetReason !== null) return 'reset';
    if (endpoint.isOver) return 'closed';
    return endpoint.connection === null ? 'uploaded' : 'open';
  }

  /** Bytes that arrived from the host. */
  get bytesReceived(): number {
    return this.endpoint.bytesReceived;
  }

  /** Bytes that the target has acknowledged. */
  get bytesSent(): number {
    return this.endpoint.bytesSent;
  }

  /**
   * What the host sent, as far as it has arrived: a copy of up to 64 KiB; null when the host has sent its FIN and
   * everything before it was read. Waits while there is nothing. Reading opens the receive window.
   * @throws Error when the connection was reset, TypeError unless the peer is `manual`.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const error = this.whyNotManual('read');
    if (error !== null) return Promise.reject(error);
    if (!this.hasNews) {
      return new Promise((resolve, reject) => {
        this.readers.push({ resolve, reject });
      });
    }
    const { resetReason } = this.endpoint;
    return resetReason === null ? Promise.resolve(this.take()) : Promise.reject(resetReason);
  }

  /** Reads to the end. Leaving the loop early closes nothing: another may go on. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array<ArrayBuffer>, undefined> {
    return {
      next: async () => {
        const chunk = await this.read();
        return chunk === null ? { done: true, value: undefined } : { done: false, value: chunk };
      },
    };
  }

  /**
   * Sends bytes; the last segment of them carries PSH. The bytes are lent: they must stay as they are until the target
   * has acknowledged all of them, which is when the promise resolves. The target acknowledges what it has put into
   * posted requests, indicated or buffered, so a host that wants nothing makes writers wait.
   * @param options `copy`: take a copy at once, so that the caller may go on using its array.
   * @throws Error when the peer has ended or was reset, TypeError for anything but a Uint8Array, or unless the peer is
   * `manual`.
   */
  write(bytes: Uint8Array<ArrayBufferLike>, options: { readonly copy?: boolean } = {}): Promise<void> {
    const { endpoint } = this;
    let error = this.whyNotManual('write');
    if (error === null && !(bytes instanceof Uint8Array)) error = new TypeError(`MemoryPeer.write: bytes is ${typeof bytes}, not a Uint8Array`);
    error ??= endpoint.resetReason;
    if (error === null && endpoint.isEnded) error = new Error(`connection ${endpoint.name}: its peer writes after its end`);
    if (error !== null) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      (endpoint.output as WriteOutput).write(options.copy === true ? bytes.slice() : bytes, resolve, reject);
      endpoint.connection?.schedule();
    });
  }

  /**
   * Sends a FIN after everything written. Resolves when the target has received it. Reading goes on.
   * @throws Error when the connection was reset, TypeError unless the peer is `manual`.
   */
  end(): Promise<void> {
    const { endpoint } = this;
    const error = this.whyNotManual('end') ?? endpoint.resetReason;
    if (error !== null) return Promise.reject(error);
    if (endpoint.isEndAcknowledged) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.enders.push({ resolve, reject });
      endpoint.isEnding = true;
      endpoint.connection?.schedule();
    });
  }

  /** Sends an RST. Whatever waits on the peer ends with an error. Nothing happens when the connection is over. */
  reset(): void {
    if (!this.endpoint.isOver) this.endpoint.wantReset();
  }

  private whyNotManual(call: string): Error | null {
    const { mode } = this.endpoint.settings;
    return mode === 'manual' ? null : new TypeError(`MemoryPeer.${call}: the target answers by itself (option peer is '${mode}')`);
  }

  /** True when a read does not have to wait. */
  private get hasNews(): boolean {
    const { endpoint } = this;
    return endpoint.input.length > 0 || endpoint.hasFin || endpoint.resetReason !== null;
  }

  private take(): Uint8Array<ArrayBuffer> | null {
    const { input } = this.endpoint;
    if (input.length === 0) return null;
    const chunk = new Uint8Array(Math.min(input.length, CHUNK_BYTES));
    input.read(chunk, 0, chunk.length);
    this.endpoint.noteRead();
    return chunk;
  }

  /** @internal Something happened to the endpoint: wakes who waited for it. */
  notify(): void {
    const { endpoint } = this;
    const { resetReason } = endpoint;
    while (this.readers.length > 0 && this.hasNews) {
      const reader = this.readers.shift()!;
      if (resetReason === null) reader.resolve(this.take());
      else reader.reject(resetReason);
    }
    if (resetReason === null && !endpoint.isEndAcknowledged) return;
    for (const ender of this.enders) {
      if (resetReason === null) ender.resolve();
      else ender.reject(resetReason);
    }
    this.enders = [];
    if (resetReason !== null && endpoint.settings.mode === 'manual') (endpoint.output as WriteOutput).fail(resetReason);
  }
}
