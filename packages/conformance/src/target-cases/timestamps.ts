import { TCP_FLAG_TIMESTAMP_ENABLED } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { ConnectionWishes, TargetWorld } from '../world/target-world.ts';
import type { TargetCase } from './target-case.ts';

/** Just below the wrap. */
const FIRST_TS = -3;

/** A connection with timestamps, the next of which is this. */
function timestamped(tsTime: number): ConnectionWishes {
  return {
    change: (state) => {
      const constant = present(state.const);
      constant.flags |= TCP_FLAG_TIMESTAMP_ENABLED;
      const delegated = present(state.delegated);
      delegated.tsTime = tsTime;
      delegated.tsRecent = 0xABCD_EF01 | 0;
      delegated.tsRecentAge = 7;
    },
  };
}

/** When an operation was begun, and when its completion was there, in milliseconds: what it notes, it notes in between. */
interface Span {
  readonly begunMs: number;
  readonly overMs: number;
}

/** Makes an operation and looks at the clock before and after. */
async function timed<T>({ runtime: { clock } }: TargetWorld, operate: () => Promise<T>): Promise<Span & { readonly result: T }> {
  const begunMs = clock.now();
  const result = await operate();
  return { begunMs, overMs: clock.now(), result };
}

/** False when a clock that stood at `start` in one operation can stand at `found` in a later one; a tick may be under way. */
function isOff(found: number, start: number, from: Span, to: Span, ticksPerSecond: number): boolean {
  const passed = (found - start) | 0;
  const least = Math.floor(((to.begunMs - from.overMs) * ticksPerSecond) / 1000);
  const most = Math.ceil(((to.overMs - from.begunMs) * ticksPerSecond) / 1000);
  return passed < least || passed > Math.max(most, least + 1);
}

const rateCases: readonly TargetCase[] = [10, 100, 1000].map((ticksPerSecond): TargetCase => ({
  id: `target-timestamps-go-on-${ticksPerSecond}`,
  title: `At ${ticksPerSecond} ticks a second, TsTime goes on from the offload, over the wrap, to the upload`,
  rules: ['CHIM-TS-004', 'CHIM-TS-001', 'CHIM-TMR-001'],
  requirement: 'C-NDIS-TS',
  requires: ['virtual-time'],
  run: async (world) => {
    await world.setParameters((parameters) => {
      parameters.ticksPerSecond = ticksPerSecond;
      parameters.tcpPushTicks = ticksPerSecond / 2;
    });
    // The target's clock is anywhere when the connection comes.
    await world.advance(12_300);
    const offload = await timed(world, () => world.connect(timestamped(FIRST_TS)));
    await world.advance(4000);
    const query = await timed(world, () => offload.result.query());
    const queried = present(query.result.delegated).tsTime;
    check(!isOff(queried, FIRST_TS, offload, query, ticksPerSecond), `TsTime of a query is ${queried} 4 s after it was ${FIRST_TS}`);
    await world.advance(7000);
    const terminate = await timed(world, () => offload.result.terminate());
    const { tsTime } = terminate.result.delegated;
    check(!isOff(tsTime, FIRST_TS, offload, terminate, ticksPerSecond), `TsTime of a terminate is ${tsTime} 11 s after it was ${FIRST_TS}`);
  },
}));

/** Timestamps and round-trip times, as far as state shows them. */
export const timestampsCases: readonly TargetCase[] = [
  ...rateCases,
  {
    id: 'target-timestamps-own-delta',
    title: 'Each connection has its own TsTime, at its next offload too',
    rules: ['CHIM-TS-001', 'CHIM-TS-004'],
    requirement: 'C-NDIS-TS',
    requires: ['virtual-time'],
    run: async (world) => {
      const check1000 = (found: number, start: number, from: Span, to: Span): void => {
        check(!isOff(found, start, from, to, 1000), `TsTime of a connection that came with ${start} at ${from.overMs} ms is ${found} at ${to.overMs} ms`);
      };
      const one = await timed(world, () => world.connect(timestamped(1000)));
      await world.advance(500);
      const other = await timed(world, () => world.connect(timestamped(0x7FFF_FFF0)));
      await world.advance(500);
      const first = await timed(world, () => one.result.terminate());
      const { delegated } = first.result;
      check1000(delegated.tsTime, 1000, one, first);
      // The host's clock went on meanwhile, by less than the target's.
      delegated.tsTime += 100;
      const start = delegated.tsTime;
      await world.advance(400);
      const again = await timed(world, () => world.reconnect(one.result, first.result));
      await world.advance(300);
      const second = await timed(world, () => again.result.terminate());
      check1000(second.result.delegated.tsTime, start, again, second);
      const last = await timed(world, () => other.result.terminate());
      check1000(last.result.delegated.tsTime, 0x7FFF_FFF0, other, last);
    },
  },
  {
    id: 'target-timestamps-recent',
    title: 'TsRecent is given back as it came while no segment brings another, and its age goes on',
    rules: ['CHIM-TS-004', 'CHIM-TS-006'],
    requirement: 'C-NDIS-TS',
    requires: ['virtual-time'],
    run: async (world) => {
      const offload = await timed(world, () => world.connect(timestamped(1)));
      await world.advance(900);
      const terminate = await timed(world, () => offload.result.terminate());
      const { tsRecent, tsRecentAge } = terminate.result.delegated;
      checkEqual(tsRecent >>> 0, 0xABCD_EF01, 'TsRecent');
      check(!isOff(tsRecentAge, 7, offload, terminate, 1000), `TsRecentAge is ${tsRecentAge}, 900 ticks after it was 7`);
    },
  },
  {
    id: 'target-timestamps-rtt',
    title: 'SRtt and RttVar are given back in the units in which they came',
    rules: ['CHIM-TS-006'],
    requirement: 'C-NDIS-TS',
    run: async (world) => {
      const wishes: ConnectionWishes = {
        change: ({ delegated }) => {
          present(delegated).sRtt = 0xFF38;
          present(delegated).rttVar = 0x9C40;
        },
      };
      const idle = await world.connect(wishes);
      const queried = present((await idle.query()).delegated);
      checkEqual([queried.sRtt, queried.rttVar], [0xFF38, 0x9C40], 'SRtt and RttVar of a query, nothing having been measured');
      const { delegated } = await idle.terminate();
      checkEqual([delegated.sRtt, delegated.rttVar], [0xFF38, 0x9C40], 'SRtt and RttVar of a terminate, nothing having been measured');
      // One measurement changes SRtt by an eighth of the difference, and RttVar by a quarter (RFC 6298 section 2.3).
      const used = await world.connect(wishes);
      used.send(pattern(0, 10));
      await world.until(() => used.sendCompletions.length > 0, 'the completion of a send');
      const { sRtt, rttVar } = (await used.terminate()).delegated;
      check(sRtt >= 0xFF38 * 0.8 && sRtt <= 0xFFFF, `SRtt is ${sRtt} after one short round trip, and was 65336`);
      check(rttVar >= 0x9C40 * 0.7 && rttVar <= 0xFFFF, `RttVar is ${rttVar} after one round trip, and was 40000`);
    },
  },
];
