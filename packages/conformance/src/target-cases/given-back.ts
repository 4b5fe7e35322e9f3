import { NDIS_STATUS_UPLOAD_IN_PROGRESS, hasUnacknowledgedFin, netBufferListBytes, type NetBufferList } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { pattern } from '../world/pattern.ts';
import { concat, type Uploaded, type WorldConnection } from '../world/world-connection.ts';
import { outcomesOf, textOfOutcome } from './outcomes.ts';

/** What a terminate is to have done with sends. */
export interface GivenBackWishes {
  /** Bytes that were acknowledged, where that is known. */
  readonly acked?: number;
  /** Bytes and numbers that were sent and go back another way: those of a disconnect. Default 0. */
  readonly beyond?: number;
}

/**
 * Checks that sends, which held {@link pattern} from the beginning, have gone back with a terminate: every one once, by
 * completion or in the chain, in order, with what was acknowledged of it and no more, and that the sequence numbers say
 * the same.
 * @returns the bytes that were acknowledged.
 */
export function checkGivenBack(connection: WorldConnection, sends: readonly NetBufferList[], lengths: readonly number[], { delegated, chain }: Uploaded, wishes: GivenBackWishes = {}): number {
  const completed = connection.sendCompletions;
  const from = (number: number): number => (number - connection.sndUna) | 0;
  const acked = from(delegated.sndUna);
  if (wishes.acked !== undefined) checkEqual(acked, wishes.acked, 'bytes acknowledged, as the SndUna of a terminate says');
  const places = [...completed.map(({ nbl }) => nbl), ...chain].map((nbl) => sends.indexOf(nbl));
  checkEqual(places, sends.map((_, at) => at), 'sends that were completed, and then those in the chain of a terminate');
  const expected = outcomesOf(lengths, acked, NDIS_STATUS_UPLOAD_IN_PROGRESS).map(textOfOutcome);
  checkEqual(completed.map(textOfOutcome), expected.slice(0, completed.length), 'how the sends ended that were completed');
  checkNumbers(delegated.sndUna, delegated.sndNxt, delegated.sndMax);
  const bytes = concat(chain.map(netBufferListBytes));
  // What went back by completion the host numbers anew, from SndUna on.
  const most = bytes.length + Number(hasUnacknowledgedFin(delegated.state));
  check(from(delegated.sndNxt) - acked <= most, `SndNxt is ${from(delegated.sndNxt) - acked} bytes after SndUna, the chain of the terminate has ${bytes.length}`);
  if (chain.length === 0) return acked;
  const left = lengths.slice(0, completed.length).reduce((sum, length) => sum + length, 0);
  check(acked >= left, `a terminate completed sends in part, ${left} bytes of which ${acked} were acknowledged, and gave others back in its chain`);
  checkBytes(bytes, pattern(acked, lengths.reduce((sum, length) => sum + length, 0) - acked), 'the chain of a terminate, whose first byte has the number SndUna');
  checkEqual(chain.map(({ firstNetBuffer }) => (firstNetBuffer === null ? 0 : firstNetBuffer.next === null ? 1 : 2)), chain.map(() => 1), 'NET_BUFFERs of each NBL in the chain of a terminate (2 for several)');
  check(from(delegated.sndMax) - acked <= bytes.length + (wishes.beyond ?? 0), `SndMax is ${from(delegated.sndMax) - acked} bytes after SndUna, the chain of the terminate has ${bytes.length}`);
  check(delegated.sendDataHead === chain[0], 'SendDataHead is not the first NBL of the chain');
  check(delegated.sendDataTail === chain.at(-1), 'SendDataTail is not the last NBL of the chain');
  return acked;
}

/** @throws ConformanceFailure unless SndUna, SndNxt and SndMax are in this order. */
function checkNumbers(sndUna: number, sndNxt: number, sndMax: number): void {
  const next = (sndNxt - sndUna) | 0;
  const max = (sndMax - sndUna) | 0;
  check(next >= 0 && next <= max, `SndNxt is ${next} and SndMax ${max} bytes after SndUna: they are not in this order`);
}
