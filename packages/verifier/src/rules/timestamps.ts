import { NDIS_STATUS_SUCCESS, TCP_FLAG_TIMESTAMP_ENABLED, type TcpOffloadState } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { Rule } from '../rule.ts';
import { ticksSince, watchHandOvers } from './handed-over.ts';
import { elapsedTicks, slackTicks } from './ticks.ts';

const DELTA = 'calculating-the-timestamp-delta.md';
const WIRE = 'The timestamps themselves: the verifier does not see the wire.';

/** A connection with timestamps that has come back, and where its clock and its streams were. */
interface CameBack {
  readonly atMs: number;
  readonly rate: number;
  readonly tsTime: number;
  readonly rcvNxt: number;
  readonly sndUna: number;
}

/** Sequence numbers that are this far ahead or less are those of the same connection, later on. */
const SAME_CONNECTION = 1 << 30;

/** True when `later` is a state of the same connection at a later time. */
function isLater(earlier: CameBack, later: { readonly rcvNxt: number; readonly sndUna: number }): boolean {
  const received = (later.rcvNxt - earlier.rcvNxt) | 0;
  const sent = (later.sndUna - earlier.sndUna) | 0;
  return received >= 0 && received < SAME_CONNECTION && sent >= 0 && sent < SAME_CONNECTION;
}

/** What tells a connection from others of its edge, path apart; null for one without timestamps. */
function keyOf(state: TcpOffloadState | null): string | null {
  const constant = state?.const;
  return constant == null || (constant.flags & TCP_FLAG_TIMESTAMP_ENABLED) === 0 ? null : `${constant.localPort} ${constant.remotePort}`;
}

export const timestampsRules: readonly Rule[] = [
  {
    id: 'CHIM-TS-001',
    actors: ['target'],
    severity: 'error',
    page: DELTA,
    holds: 'After the offload NicDelta is TsTime minus NicTime.',
    why: 'With another one the timestamps of the connection jump, and the peer drops segments as too old.',
    cause: 'Look when NicTime is read: when TsTime is taken over, not when the tree was passed down.',
    example: 'The first timestamp after the offload is smaller than the last one before.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TS-002',
    actors: ['target'],
    severity: 'error',
    page: 'generating-a-timestamp.md',
    holds: 'Each timestamp that is sent is NicTime plus NicDelta; those of one connection never decrease, across offload and upload.',
    why: 'The peer drops what is older than what it has seen (RFC 1323).',
    cause: 'Look for a second clock, and for sums that are compared signed.',
    example: 'A retransmission is sent with the timestamp of the host\'s clock.',
    observed: ['wire', 'time'],
    decidedBy: 'nobody',
    missing: WIRE,
  },
  {
    id: 'CHIM-TS-003',
    actors: ['target'],
    severity: 'error',
    page: 'calculating-the-merged-round-trip-time.md',
    holds: 'The round trip that an echoed timestamp measures is NicTime plus NicDelta minus TsEchoed.',
    why: 'Wrong round trips make retransmission timeouts that are far too long, or too short.',
    cause: 'The sum is modulo 2^32: look for a cast to a wider type before the subtraction.',
    example: 'SRtt is four billion ticks after the clock has wrapped.',
    observed: ['wire', 'memory'],
    decidedBy: 'nobody',
    missing: 'What was echoed, and when: the verifier does not see the wire.',
  },
  {
    id: 'CHIM-TS-004',
    actors: ['target'],
    severity: 'error',
    page: DELTA,
    holds: 'TsTime that a terminate returns is NicTime plus NicDelta: what was handed over, and the ticks since.',
    why: 'The host goes on from it: a smaller one takes the connection\'s clock back, and the peer drops its segments.',
    cause: 'Look whether TsTime is written at all, with the delta, and in the ticks that were set.',
    example: 'A connection comes back after ten seconds with the TsTime it was handed over with.',
    observed: ['memory', 'time'],
    decidedBy: 'verifier',
    watch: (watch) =>
      watchHandOvers(watch, (object, before, now, operation, rate) => {
        const elapsed = before.hasTimestamps && operation === 'terminate' ? ticksSince(before, watch.clock.now(), rate) : null;
        if (elapsed === null) return;
        const [least, most] = elapsed;
        const passed = (now.tsTime - before.numbers.tsTime) | 0;
        const slack = slackTicks(most);
        if (passed >= least - slack && passed <= most + slack) return;
        watch.broken(object.edge.lower, `returns ${object.name} with a TsTime that is ${passed} ticks past the one it took over, after ${Math.round(most)} ticks`, object.handle);
      }),
  },
  {
    id: 'CHIM-TS-005',
    actors: ['host'],
    severity: 'error',
    page: 'examples-of-timestamp-processing.md',
    holds: 'After an upload StackDelta is TsTime minus StackTime; TsTime of the next offload, like every timestamp in between, is StackTime plus StackDelta.',
    why: 'The connection has one clock, whoever has it: taken back, the peer drops its segments.',
    cause: 'Look whether StackDelta is computed when the connection comes back, and added when it goes.',
    example: 'A connection comes back with TsTime 150, and is offloaded again 50 ticks later with the host\'s bare clock.',
    observed: ['down', 'memory', 'time', 'wire'],
    decidedBy: 'verifier',
    missing: 'Timestamps the host sends itself: the verifier does not see the wire.',
    watch: ({ broken, clock, parametersOf }) => {
      const cameBack = new WeakMap<EdgeRecord, Map<string, CameBack>>();
      return {
        treeUp: ({ operation, edge, blocks }) => {
          if (operation !== 'terminate' || edge.upperRole !== 'host') return;
          for (const { block, layer, object } of blocks) {
            const state = layer === 'tcp' && block.status === NDIS_STATUS_SUCCESS ? (block.state as TcpOffloadState | null) : null;
            const key = keyOf(state);
            const rate = parametersOf(edge)?.ticksPerSecond ?? 0;
            if (key === null || object === null || state?.delegated == null || rate === 0) continue;
            const { tsTime, rcvNxt, sndUna } = state.delegated;
            const known = cameBack.get(edge) ?? new Map<string, CameBack>();
            cameBack.set(edge, known.set(key, { atMs: clock.now(), rate, tsTime, rcvNxt, sndUna }));
          }
        },
        treeDown: ({ operation, edge, blocks }) => {
          const known = operation === 'initiate' && edge.upperRole === 'host' ? cameBack.get(edge) : undefined;
          if (known === undefined) return;
          for (const { block, layer, role, handle } of blocks) {
            const state = layer === 'tcp' && role === 'new' ? (block.state as TcpOffloadState | null) : null;
            const key = keyOf(state);
            const before = key === null ? undefined : known.get(key);
            if (key === null || before === undefined || state?.delegated == null) continue;
            known.delete(key);
            const { tsTime } = state.delegated;
            if (!isLater(before, state.delegated) || before.rate !== parametersOf(edge)?.ticksPerSecond) continue;
            const elapsed = elapsedTicks(clock.now() - before.atMs, before.rate);
            const passed = (tsTime - before.tsTime) | 0;
            if (Math.abs(passed - elapsed) <= slackTicks(elapsed)) continue;
            broken(edge.upper, `offloads a connection again with a TsTime that is ${passed} ticks past the one it came back with, after ${Math.round(elapsed)} ticks`, block, handle);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-TS-006',
    actors: ['target'],
    severity: 'error',
    page: 'offload-state-objects.md',
    holds: 'SRtt is exchanged as 8 times its value, RttVar as 4 times, and segments carry a timestamp exactly when TCP_FLAG_TIMESTAMP_ENABLED is set.',
    why: 'Without the factors the host\'s retransmission timeout shrinks to an eighth, and it retransmits everything.',
    cause: 'Look whether the factors are taken out on the way in and put back on the way out.',
    example: 'SRtt is handed over as 800, nothing is acknowledged, and it comes back as 100.',
    observed: ['memory', 'wire'],
    decidedBy: 'verifier',
    missing: `What was measured once something is acknowledged. ${WIRE}`,
    watch: (watch) =>
      watchHandOvers(watch, (object, before, now, operation) => {
        const { numbers } = before;
        // Round trips are measured by what acknowledges data.
        if (now.sndUna !== numbers.sndUna || object.bytesAcknowledged > 0 || (now.sRtt === numbers.sRtt && now.rttVar === numbers.rttVar)) return;
        watch.broken(object.edge.lower, `says by a ${operation} that SRtt and RttVar of ${object.name} are ${now.sRtt} and ${now.rttVar}: it took them over as ${numbers.sRtt} and ${numbers.rttVar}, and nothing was acknowledged since`, object.handle);
      }),
  },
];
