// What the cases about received data look at.
import { IRQL, NDIS_STATUS_SUCCESS, formatNdisStatus, type NDIS_STATUS } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import type { NblPicture } from '../world/journal.ts';
import type { WorldConnection } from '../world/world-connection.ts';

/** What a receive request of `size` bytes is to come back with. */
export interface Ending {
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Default NDIS_STATUS_SUCCESS. */
  readonly status?: NDIS_STATUS;
}

/**
 * Checks everything a request is completed with.
 * @throws ConformanceFailure that says what is wrong with status, count, data start or bytes.
 */
export function checkRequest(completed: NblPicture | undefined, { size, bytes, status = NDIS_STATUS_SUCCESS }: Ending, which: string): void {
  check(completed !== undefined, `${which} was not completed`);
  checkEqual(formatNdisStatus(completed.status), formatNdisStatus(status), `status of ${which}`);
  checkEqual(completed.bytesTransferred, bytes.length, `TcpOffloadBytesTransferred of ${which}`);
  checkEqual(completed.dataLength, size - bytes.length, `bytes left behind the data start of ${which}`);
  checkBytes(completed.placed, bytes, `data of ${which}`);
}

/** Checks that the connection's requests ended so, in the order in which they were posted. */
export function checkRequests(connection: WorldConnection, posted: readonly NblPicture['nbl'][], endings: readonly Ending[]): void {
  const completed = connection.receiveCompletions;
  checkEqual(completed.map(({ nbl }) => posted.indexOf(nbl)), endings.map((_, at) => at), 'the order in which receive requests were completed');
  endings.forEach((ending, at) => {
    checkRequest(completed[at], ending, `receive request ${at}`);
  });
}

/**
 * Waits until the target has received so many bytes, delivered or not. That a segment is completed does not say so: a target
 * may keep it as the buffer of its data.
 */
export async function untilCounted(connection: WorldConnection, count: number): Promise<void> {
  const { world } = connection;
  for (let waitedMs = 0; (await connection.countReceived()) < count; waitedMs += 50) {
    check(waitedMs < 60_000, `RcvNxt counts ${await connection.countReceived()} bytes, and not ${count}`);
    await world.advance(50);
  }
}

/** Checks that receive completions and indications came one after the other, none inside another, at DISPATCH_LEVEL. */
export function checkInTurn(connection: WorldConnection): void {
  for (const entry of connection.world.host.journal) {
    if (entry.kind !== 'indicate' && !(entry.kind === 'dataComplete' && entry.operation === 'receive')) continue;
    const what = entry.kind === 'indicate' ? 'a receive indication' : 'a receive completion';
    checkEqual(entry.depth, 0, `calls of the host that ${what} was made inside of`);
    checkEqual(entry.irql, IRQL.DISPATCH_LEVEL, `IRQL of ${what}`);
  }
}
