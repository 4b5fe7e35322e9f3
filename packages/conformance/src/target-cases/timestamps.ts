import { TCP_FLAG_TIMESTAMP_ENABLED } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { ConnectionWishes } from '../world/target-world.ts';
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

/** What is left over of a difference when so many ticks are right, and one more may be under way. */
function isOff(found: number, expected: number): boolean {
  const over = (found - expected) | 0;
  return over < 0 || over > 1;
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
    const connection = await world.connect(timestamped(FIRST_TS));
    const start = world.runtime.clock.now();
    const expected = (): number => (FIRST_TS + ((world.runtime.clock.now() - start) * ticksPerSecond) / 1000) | 0;
    await world.advance(4000);
    const queried = present((await connection.query()).delegated).tsTime;
    check(!isOff(queried, expected()), `TsTime of a query is ${queried}, and should be ${expected()}`);
    await world.advance(7000);
    const { tsTime } = (await connection.terminate()).delegated;
    check(!isOff(tsTime, expected()), `TsTime of a terminate is ${tsTime}, and should be ${expected()}`);
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
      const one = await world.connect(timestamped(1000));
      await world.advance(500);
      const other = await world.connect(timestamped(0x7FFF_FFF0));
      await world.advance(500);
      const uploaded = await one.terminate();
      check(!isOff(uploaded.delegated.tsTime, 2000), `TsTime of a connection that came with 1000 is ${uploaded.delegated.tsTime} after 1000 ticks`);
      // The host's clock went on meanwhile, by less than the target's.
      uploaded.delegated.tsTime += 100;
      await world.advance(400);
      const again = await world.reconnect(one, uploaded);
      await world.advance(300);
      const second = (await again.terminate()).delegated.tsTime;
      check(!isOff(second, uploaded.delegated.tsTime + 300), `TsTime of a connection that came with ${uploaded.delegated.tsTime} is ${second} after 300 ticks`);
      const wrapped = (await other.terminate()).delegated.tsTime;
      check(!isOff(wrapped, (0x7FFF_FFF0 + 1200) | 0), `TsTime of a connection that came with 2147483632 is ${wrapped} after 1200 ticks`);
    },
  },
  {
    id: 'target-timestamps-recent',
    title: 'TsRecent is given back as it came while no segment brings another, and its age goes on',
    rules: ['CHIM-TS-004', 'CHIM-TS-006'],
    requirement: 'C-NDIS-TS',
    requires: ['virtual-time'],
    run: async (world) => {
      const connection = await world.connect(timestamped(1));
      await world.advance(900);
      const { tsRecent, tsRecentAge } = (await connection.terminate()).delegated;
      checkEqual(tsRecent >>> 0, 0xABCD_EF01, 'TsRecent');
      check(!isOff(tsRecentAge, 907), `TsRecentAge is ${tsRecentAge}, 900 ticks after it was 7`);
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
