import { NDIS_STATUS_SUCCESS, formatNdisStatus, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { DataOperationName, NblPicture, StateOperationName } from '../world/journal.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';

/** How a request ended, or is to end: its status, the bytes it reports, and those left before the end of its data. */
export interface Outcome {
  readonly status: NDIS_STATUS;
  readonly bytesTransferred: number;
  readonly dataLength: number;
}

/** An outcome as text, so that lists of them can be compared and read. */
export function textOfOutcome({ status, bytesTransferred, dataLength }: Outcome): string {
  return `${formatNdisStatus(status)}, ${bytesTransferred} bytes transferred, ${dataLength} left`;
}

/** @throws ConformanceFailure unless these NBLs were completed, all of them, in this order, once each, and with these outcomes. */
export function checkOutcomes(what: string, pictures: readonly NblPicture[], nbls: readonly NetBufferList[], expected: readonly Outcome[]): void {
  checkEqual(pictures.map(({ nbl }) => nbls.indexOf(nbl)), nbls.map((_, at) => at), `the order of completion of ${what}`);
  checkEqual(pictures.map(textOfOutcome), expected.map(textOfOutcome), `how ${what} ended`);
}

/** Requests of these lengths when so many bytes of them were acknowledged: those that have all of theirs are done. */
export function outcomesOf(lengths: readonly number[], acked: number, statusOfTheRest: NDIS_STATUS): Outcome[] {
  let left = acked;
  let isDone = true;
  return lengths.map((length) => {
    const bytesTransferred = Math.min(left, length);
    left -= bytesTransferred;
    // One without data is done when those before it are.
    isDone &&= bytesTransferred === length;
    return { status: isDone ? NDIS_STATUS_SUCCESS : statusOfTheRest, bytesTransferred, dataLength: length - bytesTransferred };
  });
}

/** Sends that the far end did not take whole, because nobody reads there. */
export interface PendingSends {
  readonly nbls: readonly NetBufferList[];
  readonly lengths: readonly number[];
  /** Bytes that are acknowledged. */
  readonly acked: number;
}

/** Bytes that the far end takes while nobody reads there. */
export function windowBytesOf(world: TargetWorld): number {
  return present(world.options.peerWindowBytes);
}

/** Sends NBLs of these lengths in one call, and waits until the far end takes no more of them. */
export async function sendBeyondWindow(world: TargetWorld, connection: WorldConnection, ...lengths: number[]): Promise<PendingSends> {
  let at = 0;
  const contents = lengths.map((length) => pattern((at += length) - length, length));
  const nbls = connection.send(...contents);
  return { nbls, lengths, acked: await windowFilled(world, connection) };
}

/** Waits until the far end, at which nobody has read, takes no more. @returns the bytes it took. */
export async function windowFilled(world: TargetWorld, connection: WorldConnection): Promise<number> {
  const windowBytes = windowBytesOf(world);
  let acked = await connection.acknowledged();
  for (let waitedMs = 0; acked < windowBytes && waitedMs < 60_000; waitedMs += 50) {
    await world.advance(50);
    acked = await connection.acknowledged();
  }
  check(acked === windowBytes, `of sends that are pending ${acked} bytes are acknowledged by a far end that takes ${windowBytes}`);
  return acked;
}

/** The MDL chains of an NBL and all of the memory they are in, by NET_BUFFER: what no completion changes. */
export function layoutOf(nbl: NetBufferList): string[][] {
  const netBuffers: string[][] = [];
  for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) {
    const mdls: string[] = [];
    for (let mdl = nb.mdlChain; mdl !== null; mdl = mdl.next) mdls.push(`${mdl.byteOffset}+${mdl.byteCount} of ${mdl.buffer.join(' ')}`);
    netBuffers.push(mdls);
  }
  return netBuffers;
}

/** Operations whose completions a host gets. */
type OperationName = DataOperationName | StateOperationName;

/** @throws ConformanceFailure unless every completion of one kind came before the first of another. */
export function checkBefore(world: TargetWorld, earlier: OperationName, later: OperationName): void {
  const kinds = world.host.journal.map((entry) => (entry.kind === 'dataComplete' || entry.kind === 'stateComplete' ? entry.operation : null));
  check(kinds.includes(later), `no ${later} was completed`);
  check(kinds.lastIndexOf(earlier) < kinds.indexOf(later), `a ${earlier} was completed after a ${later}`);
}

/** @throws ConformanceFailure unless a disconnect was completed once, by itself, and like this. */
export function checkDisconnect(connection: WorldConnection, nbl: NetBufferList, expected: Outcome): void {
  const entries = connection.world.host.entries('dataComplete').filter(({ operation, nbls }) => operation === 'disconnect' && nbls.some((each) => each.nbl === nbl));
  checkEqual(entries.length, 1, 'calls that completed a disconnect');
  checkEqual(entries.flatMap(({ nbls }) => nbls).length, 1, 'NBLs that came with the completion of a disconnect');
  checkEqual(entries.flatMap(({ nbls }) => nbls).map(textOfOutcome), [textOfOutcome(expected)], 'how a disconnect ended');
}
