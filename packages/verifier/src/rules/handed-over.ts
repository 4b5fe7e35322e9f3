import { NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, TCP_FLAG_TIMESTAMP_ENABLED, type OffloadBlockState, type OffloadHandle, type TcpOffloadState } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { StateOperationName } from '../record/tree-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { elapsedTicks } from './ticks.ts';

/** Delegated state of a connection: a copy of the numbers. */
export interface Numbers {
  readonly state: number;
  readonly sndUna: number;
  readonly sndMax: number;
  readonly sndWnd: number;
  readonly dupAckCount: number;
  readonly sRtt: number;
  readonly rttVar: number;
  readonly tsTime: number;
  /** Ticks, int32: -1 for one that does not run. */
  readonly retransmitDelta: number;
}

/** A connection as it was handed over to a target, and since when. */
export interface HandedOver {
  readonly numbers: Numbers;
  readonly hasTimestamps: boolean;
  /** Ticks per second of the adapter, then. */
  readonly rate: number;
  readonly downMs: number;
  /** When the initiate was completed; null before. */
  upMs: number | null;
}

/** Delegated numbers of a TCP block; null when it has none. */
function numbersOf(state: OffloadBlockState | null): Numbers | null {
  const { delegated } = (state ?? {}) as Partial<TcpOffloadState>;
  if (delegated == null) return null;
  const { sndUna, sndMax, sndWnd, dupAckCount, sRtt, rttVar, tsTime } = delegated;
  return { state: delegated.state, sndUna, sndMax, sndWnd, dupAckCount, sRtt, rttVar, tsTime, retransmitDelta: delegated.retransmit.timeoutDelta };
}

/** Least and most ticks that may have passed since the target took a connection over; null when its clock is not known. */
export function ticksSince({ rate, downMs, upMs }: HandedOver, nowMs: number, rateNow: number): readonly [least: number, most: number] | null {
  if (rate === 0 || rate !== rateNow || upMs === null) return null;
  return [elapsedTicks(nowMs - upMs, rate), elapsedTicks(nowMs - downMs, rate)];
}

/**
 * Follows connections from hand-over to hand-over, right above targets.
 * @param judge told what a query or a terminate that has succeeded says of a connection, as it goes up.
 */
export function watchHandOvers(
  { clock, parametersOf }: Watch,
  judge: (object: ObjectRecord, before: HandedOver, now: Numbers, operation: StateOperationName, rate: number) => void,
): RuleHooks {
  const handedOver = new WeakMap<OffloadHandle, HandedOver>();
  return {
    treeDown: ({ operation, edge, blocks }) => {
      if (operation !== 'initiate' || edge.lowerRole !== 'target') return;
      for (const { role, layer, handle, state } of blocks) {
        const numbers = role === 'new' && layer === 'tcp' ? numbersOf(state) : null;
        if (numbers === null || handle === null) continue;
        const flags = (state as TcpOffloadState | null)?.const?.flags ?? 0;
        const rate = parametersOf(edge)?.ticksPerSecond ?? 0;
        handedOver.set(handle, { numbers, hasTimestamps: (flags & TCP_FLAG_TIMESTAMP_ENABLED) !== 0, rate, downMs: clock.now(), upMs: null });
      }
    },
    treeUp: ({ operation, edge, blocks }) => {
      if (edge.lowerRole !== 'target') return;
      for (const { object, handle, layer, block } of blocks) {
        const before = handle === null || layer !== 'tcp' ? undefined : handedOver.get(handle);
        if (before === undefined || object === null) continue;
        const { status } = block;
        if (operation === 'initiate') {
          if (status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) before.upMs = clock.now();
        } else if ((operation === 'query' || operation === 'terminate') && status === NDIS_STATUS_SUCCESS) {
          const now = numbersOf(block.state);
          if (now !== null) judge(object, before, now, operation, parametersOf(edge)?.ticksPerSecond ?? 0);
        }
      }
    },
  };
}
