import type { ChimneyConnection, ChimneyHost, ConnectionState, TransferResult, UploadResult } from '@ndis-chimney/host';
import { NDIS_STATUS_PAUSED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE, formatNdisStatus } from '@ndis-chimney/types';
import { Subject, filter, firstValueFrom, type Subscription } from 'rxjs';

/** A write that the peer has not acknowledged to the end. */
interface Write {
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection that outlives its offloads: whenever it is taken back it is offered again with everything that came back,
 * and goes on. Whoever writes and reads does not notice, as the peer does not.
 */
export class MovingConnection {
  /** How often it was offloaded again. */
  moves = 0;
  /** Emits true with the peer's FIN, false when the connection was reset; fails when it cannot go on. */
  readonly end$: Subject<boolean> = new Subject<boolean>();
  private readonly host: ChimneyHost;
  private readonly uploads: Subscription;
  private connection: Promise<ChimneyConnection>;
  private isClosing = false;
  private isFinWanted = false;
  private readonly writes: Write[] = [];
  private failure: Error | null = null;

  /** Offloads a connection that is established. */
  constructor(host: ChimneyHost, state: ConnectionState) {
    this.host = host;
    this.connection = this.offload(state);
    this.uploads = host.uploads$.subscribe((upload) => {
      if (!this.isClosing) this.move(upload);
    });
    this.connection.catch(this.fail);
  }

  private async offload(state: ConnectionState): Promise<ChimneyConnection> {
    const resumed = firstValueFrom(this.host.adapterEvents$.pipe(filter(({ type }) => type === 'offloadResume')));
    resumed.catch(ignore);
    const { status, connection } = await this.host.offload(state);
    if (status === NDIS_STATUS_PAUSED) {
      // No adapter takes anything just now.
      await resumed;
      return this.offload(state);
    }
    if (connection === null) throw new Error(`the connection was refused: ${formatNdisStatus(status)}`);
    connection.events$.subscribe(({ type }) => {
      if (type === 'disconnect' || type === 'abort') this.end$.next(type === 'disconnect');
    });
    for (const inherited of connection.inheritedSends) void inherited.then((result) => { this.acknowledge(result); });
    return connection;
  }

  /** Everything that came back goes down again, as soon as there is an adapter for it. */
  private move({ state, status }: UploadResult): void {
    const tcpState = state.delegated.state;
    if (tcpState === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionTimeWait || tcpState === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed) {
      // Both sides have closed: there is nothing left for a target to do.
      if (this.writes.length > 0) this.fail(new Error('the connection ended before everything was acknowledged'));
      return;
    }
    if (status !== NDIS_STATUS_SUCCESS) {
      this.connection = Promise.reject(new Error(`the connection was lost with its adapter: ${formatNdisStatus(status)}`));
    } else {
      this.moves++;
      this.connection = this.offload(state).then((connection) => {
        if (this.isFinWanted && state.isFinPending) void connection.disconnect();
        return connection;
      });
    }
    this.connection.catch(this.fail);
  }

  /** The connection cannot go on: whoever waits for an acknowledgment is told, for none will come. */
  private readonly fail = (error: Error): void => {
    if (this.failure !== null) return;
    this.failure = error;
    for (const { reject } of this.writes.splice(0)) reject(error);
    this.end$.error(error);
  };

  /**
   * Sends bytes, lent until this resolves: when the peer has acknowledged them, through whichever adapter.
   * @throws Error when the connection cannot go on.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.failure !== null) throw this.failure;
    const acknowledged = new Promise<void>((resolve, reject) => {
      this.writes.push({ left: bytes.byteLength, resolve, reject });
    });
    // It may fail while something else is waited for here.
    acknowledged.catch(ignore);
    let connection = await this.connection;
    // What is sent while the connection is on its way back comes back with it; afterwards it is the next one's.
    while (connection.offloadState === 'InHost') {
      const next = await this.connection;
      if (next === connection) throw new Error('the connection is closed');
      connection = next;
    }
    this.acknowledge(await connection.send(bytes));
    return acknowledged;
  }

  /** Acknowledgments are in order, whatever carried the bytes; what an upload interrupted goes on after the next offload. */
  private acknowledge({ status, bytesTransferred }: TransferResult): void {
    if (status !== NDIS_STATUS_SUCCESS && status !== NDIS_STATUS_UPLOAD_IN_PROGRESS) {
      this.fail(new Error(`a send ended with ${formatNdisStatus(status)}`));
      return;
    }
    let left = bytesTransferred;
    for (let first = this.writes[0]; first !== undefined && left >= first.left; first = this.writes[0]) {
      left -= first.left;
      this.writes.shift();
      first.resolve();
    }
    if (this.writes[0] !== undefined) this.writes[0].left -= left;
  }

  /** Fills a buffer. @returns how many bytes; null when nothing will come any more. */
  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      const connection = await this.connection;
      const { status, bytesTransferred } = await connection.receive(buffer);
      if (bytesTransferred > 0) return bytesTransferred;
      if (this.isClosing) return null;
      // On its way back: the next offload goes on.
      if (status === NDIS_STATUS_UPLOAD_IN_PROGRESS) await connection.terminate();
      else if (status !== NDIS_STATUS_SUCCESS && connection === (await this.connection)) return null;
    }
  }

  /** Sends a FIN. */
  async end(): Promise<void> {
    this.isFinWanted = true;
    const connection = await this.connection;
    await connection.disconnect();
  }

  /** Takes the connection back for good. */
  async close(): Promise<UploadResult> {
    this.isClosing = true;
    const connection = await this.connection;
    const result = await connection.terminate();
    this.uploads.unsubscribe();
    return result;
  }
}

function ignore(): void {
  // Whoever waits for it is told.
}
