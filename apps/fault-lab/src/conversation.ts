import { describeConnection, type ChimneyConnection, type ChimneyHost, type ConnectionState, type UploadResult, type UploadedState } from '@ndis-chimney/host';
import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, formatNdisStatus, type Clock, type Timer } from '@ndis-chimney/types';

import type { Work } from './experiment.ts';
import type { Logbook } from './logbook.ts';

const FIRST_PORT = 49_152;
const ECHO_PORT = 7;
/** Of the bytes of a stream, number n is n modulo this, a prime: each tells its place. */
const PERIOD = 251;

/** How a conversation ended, in the words of somebody who only has the application to look at. */
export type Ending = 'finished' | 'stuck' | 'cut off' | 'wrong data' | 'refused';

/**
 * One connection as an application sees it: it sends messages, wants each of them back, and knows nothing of chimneys.
 * Behind it the connection moves between host and target as often as somebody wants.
 */
export class Conversation {
  readonly hostPort: number;
  ending: Ending | null = null;
  /** Why, when it did not finish. */
  why = '';
  /** Times it was offered to the target, and times it came back. */
  offers = 0;
  uploads = 0;
  sentBytes = 0;
  echoedBytes = 0;
  /** The longest time from a message to the last byte of its echo. */
  slowestMs = 0;
  /** Since when it has been waiting for the echo of what it sent. */
  waitingSinceMs: number;
  private readonly host: ChimneyHost;
  private readonly work: Work;
  private readonly clock: Clock;
  private readonly logbook: Logbook;
  private readonly pace: Timer;
  private readonly offerAgain: Timer;
  private readonly reading: Timer;
  private connection: ChimneyConnection | null = null;
  private homeState: ConnectionState | UploadedState;
  /** When each message went out. */
  private readonly sentAtMs: number[] = [];
  private echoedMessages = 0;
  private isClosing = false;

  constructor(index: number, host: ChimneyHost, work: Work, clock: Clock, logbook: Logbook) {
    this.hostPort = FIRST_PORT + index;
    this.host = host;
    this.work = work;
    this.clock = clock;
    this.logbook = logbook;
    this.waitingSinceMs = clock.now();
    this.homeState = describeConnection({ local: { address: '192.0.2.1', port: this.hostPort }, remote: { address: '192.0.2.2', port: ECHO_PORT } });
    this.pace = clock.createTimer({
      timerExpired: () => {
        this.sendNext();
      },
    });
    this.reading = clock.createTimer({
      timerExpired: () => {
        this.readNext();
      },
    });
    this.offerAgain = clock.createTimer({
      timerExpired: () => {
        void this.offer();
      },
    });
  }

  /** Whether the target has it now. */
  get isOffloaded(): boolean {
    return this.connection?.offloadState === 'Offloaded';
  }

  /** Offers the connection and begins to talk. */
  async offer(): Promise<void> {
    if (this.ending !== null) return;
    this.offers++;
    const { status, connection } = await this.host.offload(this.homeState);
    if (connection === null) {
      this.logbook.note('host', `the offer of connection ${this.hostPort} was refused: ${formatNdisStatus(status)}`);
      this.comeHome(this.homeState);
      return;
    }
    this.connection = connection;
    if (this.work.readEveryMs !== null) connection.limitReceived(0);
    connection.received$.subscribe({
      next: (bytes) => {
        this.take(bytes);
      },
    });
    void connection.uploaded.then((result) => {
      if (this.ending === null) this.uploads++;
      this.connection = null;
      this.logbook.note('host', `connection ${this.hostPort} came back (${result.reason})`);
      this.uploaded(result);
    });
    this.sendNext();
    this.readNext();
  }

  private uploaded({ state, status, reason }: UploadResult): void {
    const { bufferedData, delegated } = state;
    // The application reads from its own stack what the target had not delivered.
    this.take(Uint8Array.from(bufferedData));
    if (this.ending !== null) return;
    if (status !== NDIS_STATUS_SUCCESS) this.end('cut off', `the target lost its state: ${formatNdisStatus(status)}`);
    else if (reason === 'abort' || delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed) this.end('cut off', 'existing connection was forcibly closed');
    else this.comeHome({ ...state, bufferedData: new Uint8Array(0) });
  }

  private comeHome(state: ConnectionState | UploadedState): void {
    this.homeState = state;
    const { offerAgainMs } = this.work;
    if (offerAgainMs !== null) this.offerAgain.start(offerAgainMs);
  }

  private sendNext(): void {
    const { connection, work } = this;
    if (connection === null || this.ending !== null || this.pace.isRunning) return;
    if (this.sentAtMs.length === work.messages) {
      this.closeWhenDone();
      return;
    }
    if (this.sentAtMs.length - this.echoedMessages >= work.inFlight) return;
    if (this.sentBytes === this.echoedBytes) this.waitingSinceMs = this.clock.now();
    const message = Uint8Array.from({ length: work.messageBytes }, (_, at) => (this.sentBytes + at) % PERIOD);
    this.sentAtMs.push(this.clock.now());
    this.sentBytes += message.length;
    this.pace.start(work.intervalMs);
    connection.send(message).then(
      ({ status }) => {
        // What did not get out comes back with the connection, and goes out with the next offer.
        if (status !== NDIS_STATUS_SUCCESS) this.logbook.note('application', `a send on ${this.hostPort} ended with ${formatNdisStatus(status)}`);
      },
      (error: unknown) => {
        this.logbook.note('application', `a send on ${this.hostPort} was refused: ${String(error)}`);
      },
    );
  }

  /** Asks for one message more, and for the next one later. */
  private readNext(): void {
    const { connection, work } = this;
    if (work.readEveryMs === null || connection === null || this.ending !== null || this.reading.isRunning) return;
    connection.limitReceived(work.messageBytes);
    this.reading.start(work.readEveryMs);
  }

  private take(bytes: Uint8Array): void {
    if (this.ending !== null) return;
    for (let at = 0; at < bytes.length; at++) {
      const place = this.echoedBytes + at;
      if (bytes[at] === place % PERIOD && place < this.sentBytes) continue;
      this.end('wrong data', place < this.sentBytes ? `byte ${place} of the echo is ${bytes[at]}, not ${place % PERIOD}` : `byte ${place} came back and was never sent`);
      return;
    }
    this.echoedBytes += bytes.length;
    this.waitingSinceMs = this.clock.now();
    for (; (this.echoedMessages + 1) * this.work.messageBytes <= this.echoedBytes; this.echoedMessages++) {
      this.slowestMs = Math.max(this.slowestMs, this.waitingSinceMs - (this.sentAtMs[this.echoedMessages] ?? 0));
    }
    this.sendNext();
  }

  private closeWhenDone(): void {
    const { connection } = this;
    if (connection === null || this.isClosing || this.echoedBytes < this.sentBytes) return;
    this.isClosing = true;
    void connection.disconnect().then(async () => {
      await connection.terminate();
      this.end('finished', '');
    });
  }

  /** The application gives up, or is done. */
  private end(ending: Ending, why: string): void {
    if (this.ending !== null) return;
    this.ending = ending;
    this.why = why;
    this.pace.cancel();
    this.offerAgain.cancel();
    this.reading.cancel();
    if (ending !== 'finished') this.logbook.note('application', `connection ${this.hostPort}: ${ending}, ${why}`);
  }

  /** Nobody waits any longer: what has not ended is stuck. */
  giveUp(): void {
    if (this.ending !== null) return;
    const waitedMs = this.clock.now() - this.waitingSinceMs;
    const where = this.connection === null ? 'in the host' : `${this.connection.offloadState}, which looks established`;
    const missing = this.sentBytes - this.echoedBytes;
    if (this.isClosing) this.end('stuck', `its disconnect never ended; it is ${where}`);
    else if (this.offers > 0 && this.sentBytes === 0) this.end('refused', 'it was never taken');
    else this.end('stuck', `${missing} bytes of the echo are missing for ${(waitedMs / 1000).toFixed(1)} s; it is ${where}`);
  }
}
