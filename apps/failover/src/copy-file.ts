import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';

import { firstValueFrom } from 'rxjs';

import type { MovingConnection } from './moving-connection.ts';

/** Chunks on their way to the peer. */
const CHUNKS_IN_FLIGHT = 8;

/** What was sent and what came back. */
export interface CopyOutcome {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly sha256Sent: string;
  readonly sha256Received: string;
}

/** Told how many bytes the peer has acknowledged in all. */
export type ProgressListener = (acknowledgedBytes: number) => void;

/** Sends a file to a peer that echoes it, with a FIN, and reads until the peer's FIN. */
export async function copyFile(connection: MovingConnection, file: string, chunkBytes: number, onProgress: ProgressListener): Promise<CopyOutcome> {
  const finished = firstValueFrom(connection.end$);
  const receiver = new Receiver();
  const receiving = receiver.run(connection, chunkBytes);
  // Of what fails together the first is told; the others must not end the process.
  finished.catch(ignore);
  receiving.catch(ignore);
  const sent = await sendFile(connection, file, chunkBytes, onProgress);
  await connection.end();
  if (!(await finished)) throw new Error('the connection was reset before the peer had sent everything');
  const { state } = await connection.close();
  await receiving;
  receiver.take(state.bufferedData);
  return { ...sent, bytesReceived: receiver.bytes, sha256Received: receiver.hash.digest('hex') };
}

async function sendFile(
  connection: MovingConnection,
  file: string,
  chunkBytes: number,
  onProgress: ProgressListener,
): Promise<Pick<CopyOutcome, 'bytesSent' | 'sha256Sent'>> {
  const hash = createHash('sha256');
  const inFlight: Promise<void>[] = [];
  let bytesSent = 0;
  let acknowledged = 0;
  const handle = await open(file);
  try {
    for (;;) {
      if (inFlight.length >= CHUNKS_IN_FLIGHT) await inFlight.shift();
      // A buffer of its own for each chunk: bytes are lent until they are acknowledged.
      const buffer = new Uint8Array(chunkBytes);
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      bytesSent += bytesRead;
      const write = connection.write(chunk).then(() => {
        acknowledged += bytesRead;
        onProgress(acknowledged);
      });
      write.catch(ignore);
      inFlight.push(write);
    }
    await Promise.all(inFlight);
  } finally {
    await handle.close();
  }
  return { bytesSent, sha256Sent: hash.digest('hex') };
}

class Receiver {
  readonly hash: Hash = createHash('sha256');
  bytes = 0;

  async run(connection: MovingConnection, chunkBytes: number): Promise<void> {
    const buffer = new Uint8Array(chunkBytes);
    for (let length = await connection.read(buffer); length !== null; length = await connection.read(buffer)) this.take(buffer.subarray(0, length));
  }

  take(bytes: Uint8Array<ArrayBufferLike>): void {
    this.hash.update(bytes);
    this.bytes += bytes.length;
  }
}

function ignore(): void {
  // Whoever waits for it is told.
}
