import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import type { ChimneyConnection, UploadResult } from '@ndis-chimney/host';
import { NDIS_STATUS_SUCCESS, formatNdisStatus } from '@ndis-chimney/types';
import { filter, firstValueFrom, map } from 'rxjs';

/** Chunks on their way to the peer, and buffers posted for what comes back. */
const CHUNKS_IN_FLIGHT = 32;
const POSTED_RECEIVES = 32;

/** What was sent and what came back. */
export interface TransferOutcome {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly sha256Sent: string;
  readonly sha256Received: string;
  /** What went wrong, in the order it was noticed; empty when all is well. */
  readonly problems: readonly string[];
}

/** Told how many bytes were acknowledged. */
export type ProgressListener = (bytes: number) => void;

/**
 * Sends a file over an offloaded connection to a peer that echoes, receives it back, disconnects gracefully and takes
 * the connection back.
 */
export async function transferFile(connection: ChimneyConnection, file: string, chunkBytes: number, onProgress: ProgressListener): Promise<TransferOutcome> {
  const problems: string[] = [];
  const receiver = new Receiver(connection, chunkBytes);
  const finished = peerFinished(connection);
  const receiving = receiver.run();
  const sent = await sendFile(connection, file, chunkBytes, onProgress, problems);
  const disconnected = await connection.disconnect();
  if (disconnected.status !== NDIS_STATUS_SUCCESS) problems.push(`the disconnect ended with ${formatNdisStatus(disconnected.status)}`);
  if (!(await finished)) problems.push('the connection ended before the peer had sent everything');
  const terminated = await connection.terminate();
  await receiving;
  const { bufferedData } = terminated.state;
  receiver.take(bufferedData, bufferedData.length);
  checkTerminate(terminated, problems);
  return {
    bytesSent: sent.bytes,
    sha256Sent: sent.sha256,
    bytesReceived: receiver.bytes,
    sha256Received: receiver.digest(),
    problems,
  };
}

/** The peer's FIN, once everything before it was received; false when the connection ends by other means. */
function peerFinished(connection: ChimneyConnection): Promise<boolean> {
  const last$ = connection.events$.pipe(filter(({ type }) => type === 'disconnect' || type === 'abort'));
  return firstValueFrom(last$.pipe(map(({ type }) => type === 'disconnect')), { defaultValue: false });
}

async function sendFile(
  connection: ChimneyConnection,
  file: string,
  chunkBytes: number,
  onProgress: ProgressListener,
  problems: string[],
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  const free: Uint8Array[] = [];
  const inFlight: Promise<void>[] = [];
  let bytes = 0;
  let made = 0;
  const handle = await open(file);
  try {
    for (;;) {
      // Bytes are lent until they are acknowledged, so a buffer is read into again only then.
      if (free.length === 0 && made >= CHUNKS_IN_FLIGHT) await inFlight.shift();
      const buffer = free.pop() ?? new Uint8Array(chunkBytes);
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes);
      if (bytesRead === 0) break;
      made = Math.min(CHUNKS_IN_FLIGHT, made + 1);
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      bytes += bytesRead;
      inFlight.push(
        connection.send(chunk).then((result) => {
          free.push(buffer);
          onProgress(result.bytesTransferred);
          if (result.status !== NDIS_STATUS_SUCCESS) problems.push(`a send ended with ${formatNdisStatus(result.status)} after ${result.bytesTransferred} bytes`);
        }),
      );
      if (problems.length > 0) break;
    }
    await Promise.all(inFlight);
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Keeps receive buffers posted and hashes what they are filled with, in order. */
class Receiver {
  bytes = 0;
  private readonly connection: ChimneyConnection;
  private readonly chunkBytes: number;
  private readonly hash = createHash('sha256');

  constructor(connection: ChimneyConnection, chunkBytes: number) {
    this.connection = connection;
    this.chunkBytes = chunkBytes;
  }

  /** Runs until a receive comes back unfilled, which happens when the connection is taken back. */
  async run(): Promise<void> {
    const posted = Array.from({ length: POSTED_RECEIVES }, () => this.post(new Uint8Array(this.chunkBytes)));
    for (let first = posted.shift(); first !== undefined; first = posted.shift()) {
      const { buffer, result } = first;
      const { status, bytesTransferred } = await result;
      this.take(buffer, bytesTransferred);
      if (status === NDIS_STATUS_SUCCESS) posted.push(this.post(buffer));
    }
  }

  private post(buffer: Uint8Array): { readonly buffer: Uint8Array; readonly result: ReturnType<ChimneyConnection['receive']> } {
    return { buffer, result: this.connection.receive(buffer) };
  }

  take(buffer: Uint8Array, length: number): void {
    this.hash.update(buffer.subarray(0, length));
    this.bytes += length;
  }

  digest(): string {
    return this.hash.digest('hex');
  }
}

/** A connection that came back whole has nothing on its way. */
function checkTerminate({ status, state: { delegated } }: UploadResult, problems: string[]): void {
  if (status !== NDIS_STATUS_SUCCESS) problems.push(`the terminate ended with ${formatNdisStatus(status)}`);
  if (delegated.sndUna !== delegated.sndMax) problems.push(`${(delegated.sndMax - delegated.sndUna) >>> 0} bytes were still unacknowledged when the connection came back`);
}
