import { TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, TIMEOUT_DELTA_NOT_RUNNING, TCP_FLAG_KEEP_ALIVE_ENABLED } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import { checkRequest, checkRequests } from './received.ts';
import type { TargetCase } from './target-case.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;
const NOTHING = new Uint8Array(0);
/** How exact timers have to be. */
const EXACT_MS = 10;

/** The push timer takes as long at each clock rate: so many ticks of so many a second (GV-TMR-5). */
const pushCases: readonly TargetCase[] = [[10, 5], [100, 50], [1000, 500]].map(([ticksPerSecond = 0, pushTicks = 0]): TargetCase => ({
  id: `target-timers-push-${ticksPerSecond}`,
  title: `At ${ticksPerSecond} ticks a second, a push timer of ${pushTicks} ticks ends a partly filled request after 500 ms`,
  rules: ['CHIM-TMR-004', 'CHIM-TMR-001', 'CHIM-RCV-006'],
  requirement: 'C-NDIS-TMR',
  requires: ['forward', 'virtual-time'],
  run: async (world) => {
    await world.setParameters((parameters) => {
      parameters.ticksPerSecond = ticksPerSecond;
      parameters.tcpPushTicks = pushTicks;
    });
    const connection = await world.connect();
    const posted = connection.post([1000]);
    // An idle request has no timer.
    await world.advance(2000);
    connection.forward({ at: 0, length: 400 });
    // The clock of 10 ticks a second may round to the next tick.
    const tickMs = 1000 / ticksPerSecond;
    await world.advance(500 - Math.min(tickMs, 100) - 1);
    checkEqual(connection.receiveCompletions.length, 0, 'requests completed before the push timer was due');
    await world.advance(Math.min(tickMs, 100) + 1 + Math.max(tickMs, EXACT_MS));
    checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 400) }]);
  },
}));

/** Timers, as far as completions and state show them. */
export const timersCases: readonly TargetCase[] = [
  ...pushCases,
  {
    id: 'target-timers-exact',
    title: 'A timer is exact to 10 ms',
    rules: ['CHIM-TMR-004'],
    requirement: 'C-TIMER-10MS',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      await world.setParameters((parameters) => {
        parameters.ticksPerSecond = 1000;
        parameters.tcpPushTicks = 40;
      });
      for (let round = 0; round < 3; round++) {
        await world.advance(3);
        const connection = await world.connect();
        connection.post([1000]);
        connection.forward({ at: 0, length: 1 });
        await world.advance(39);
        checkEqual(connection.receiveCompletions.length, 0, 'requests completed 39 ms after the first byte, the push timer being 40 ms');
        await world.advance(1 + EXACT_MS);
        checkEqual(connection.receiveCompletions.length, 1, 'requests completed 50 ms after the first byte, the push timer being 40 ms');
      }
    },
  },
  {
    id: 'target-timers-push-restart',
    title: 'More data starts the push timer anew',
    rules: ['CHIM-TMR-004'],
    requirement: 'C-NDIS-TMR',
    requires: ['forward', 'virtual-time'],
    // The flowchart of `delivery-algorithm.md` starts a timer that is stopped, and leaves one that runs alone.
    weight: 'advice',
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000]);
      connection.forward({ at: 0, length: 400 });
      await world.advance(300);
      connection.forward({ at: 400, length: 100 });
      await world.advance(490);
      checkEqual(connection.receiveCompletions.length, 0, 'requests completed 490 ms after the last data');
      await world.advance(10 + EXACT_MS);
      checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 500) }]);
    },
  },
  {
    id: 'target-timers-push-posting',
    title: 'A request that is posted behind one with data in it does not start the push timer anew, and does not end it',
    rules: ['CHIM-TMR-004', 'CHIM-RCV-006'],
    requirement: 'C-NDIS-TMR',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      // Data that ends with PSH waits for a request first, and has nothing to do with what comes later.
      world.host.appetite = () => 0;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 100, flags: SEGMENT_FLAG.PSH });
      await world.settle();
      const posted = connection.post([100, 1000]);
      await world.settle();
      connection.forward({ at: 100, length: 400 });
      await world.advance(300);
      posted.push(...connection.post([1000]));
      await world.advance(190);
      checkEqual(connection.receiveCompletions.length, 1, 'requests completed 490 ms after the first byte of the second');
      await world.advance(10 + EXACT_MS);
      checkRequests(connection, posted, [{ size: 100, bytes: pattern(0, 100) }, { size: 1000, bytes: pattern(100, 400) }]);
    },
  },
  {
    id: 'target-timers-push-next-request',
    title: 'Each request has the push timer\'s whole time, from its own first byte on',
    rules: ['CHIM-TMR-004', 'CHIM-RCV-006'],
    requirement: 'C-NDIS-TMR',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([300, 300, 300]);
      connection.forward({ at: 0, length: 200 });
      await world.advance(400);
      connection.forward({ at: 200, length: 100 });
      // The first is full: the timer stops, and nothing is in the second.
      await world.advance(5000);
      checkRequests(connection, posted, [{ size: 300, bytes: pattern(0, 300) }]);
      connection.forward({ at: 300, length: 200 });
      await world.advance(490);
      checkEqual(connection.receiveCompletions.length, 1, 'requests completed 490 ms after the first byte of the second');
      await world.advance(10 + EXACT_MS);
      const two = [{ size: 300, bytes: pattern(0, 300) }, { size: 300, bytes: pattern(300, 200) }];
      checkRequests(connection, posted, two);
      connection.forward({ at: 500, length: 10 });
      await world.advance(500 + EXACT_MS);
      checkRequests(connection, posted, [...two, { size: 300, bytes: pattern(500, 10) }]);
    },
  },
  {
    id: 'target-timers-push-prefilled',
    title: 'A push request that comes with data in it has its push timer running from the start',
    rules: ['CHIM-RCV-013', 'CHIM-TMR-004'],
    requirement: 'C-NDIS-TMR',
    requires: ['virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([800], { alreadyThere: 1 });
      await world.advance(490);
      checkEqual(connection.receiveCompletions.length, 0, 'requests completed 490 ms after one was posted with data in it');
      await world.advance(10 + EXACT_MS);
      checkRequests(connection, posted, [{ size: 800, bytes: NOTHING }]);
    },
  },
  {
    id: 'target-timers-push-prefilled-no-push',
    title: 'A non-push request that comes with data in it has no timer',
    rules: ['CHIM-RCV-013', 'CHIM-RCV-007'],
    requirement: 'C-NDIS-TMR',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([800], { alreadyThere: 200, isNoPush: true });
      await world.advance(10_000);
      checkEqual(connection.receiveCompletions.length, 0, 'completions of a non-push request that came with data in it');
      connection.forward({ at: 0, length: 800 });
      await world.settle();
      checkRequest(connection.receiveCompletions[0], { size: 800, bytes: pattern(0, 800) }, 'a request that came with data in it');
      checkEqual(posted.length, connection.receiveCompletions.length, 'completions');
    },
  },
  {
    id: 'target-timers-not-running',
    title: 'Timers of an idle connection that did not run at the offload do not run at the upload',
    rules: ['CHIM-TMR-005', 'CHIM-TMR-006'],
    requirement: 'C-NDIS-TMR',
    run: async (world) => {
      const connection = await world.connect();
      await world.advance(500);
      const queried = present((await connection.query()).delegated);
      const { delegated } = await connection.terminate();
      for (const [when, state] of [['query', queried], ['terminate', delegated]] as const) {
        checkEqual([state.keepAlive.timeoutDelta, state.retransmit.timeoutDelta], [TIMEOUT_DELTA_NOT_RUNNING, TIMEOUT_DELTA_NOT_RUNNING], `TimeoutDelta of keepalive and retransmit in a ${when}`);
        checkEqual([state.keepAlive.probeCount, state.retransmit.count, state.sndWndProbeCount, state.totalRT], [0, 0, 0, 0], `counts of timers in a ${when}`);
      }
    },
  },
  {
    id: 'target-timers-keep-alive',
    title: 'Keepalive goes on with what is left of it, and is given back with what is left then',
    rules: ['CHIM-TMR-005', 'CHIM-TMR-006'],
    requirement: 'C-NDIS-TMR',
    requires: ['timers', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect({
        change: ({ cached, delegated }) => {
          present(cached).flags |= TCP_FLAG_KEEP_ALIVE_ENABLED;
          present(cached).kaTimeout = 7_200_000;
          present(cached).kaInterval = 1000;
          present(cached).kaProbeCount = 10;
          present(delegated).keepAlive.timeoutDelta = 5000;
          present(delegated).keepAlive.probeCount = 3;
        },
      });
      await world.advance(2000);
      const queried = present((await connection.query()).delegated).keepAlive;
      checkEqual(queried.probeCount, 3, 'ProbeCount in a query');
      check(Math.abs(queried.timeoutDelta - 3000) <= 2 * EXACT_MS, `TimeoutDelta of keepalive is ${queried.timeoutDelta} after 2000 of 5000 ticks`);
      await world.advance(1000);
      const { keepAlive } = (await connection.terminate()).delegated;
      checkEqual(keepAlive.probeCount, 3, 'ProbeCount in a terminate');
      check(Math.abs(keepAlive.timeoutDelta - 2000) <= 2 * EXACT_MS, `TimeoutDelta of keepalive is ${keepAlive.timeoutDelta} after 3000 of 5000 ticks`);
    },
  },
  {
    id: 'target-timers-keep-alive-at-once',
    title: 'Keepalive that comes with 0 ticks left expires at once',
    rules: ['CHIM-TMR-005'],
    requirement: 'C-NDIS-TMR',
    requires: ['timers', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect({
        change: ({ cached, delegated }) => {
          present(cached).flags |= TCP_FLAG_KEEP_ALIVE_ENABLED;
          present(cached).kaTimeout = 7_200_000;
          present(cached).kaInterval = 60_000;
          present(cached).kaProbeCount = 10;
          present(delegated).keepAlive.timeoutDelta = 0;
        },
      });
      await world.advance(EXACT_MS);
      const { probeCount, timeoutDelta } = present((await connection.query()).delegated).keepAlive;
      // A peer that answers the probe has it start from the beginning.
      const isProbed = probeCount === 1 && timeoutDelta <= 60_000;
      const isAnswered = probeCount === 0 && timeoutDelta > 60_000;
      check(isProbed || isAnswered, `ProbeCount is ${probeCount} and TimeoutDelta ${timeoutDelta} after keepalive had 0 ticks left`);
    },
  },
  {
    id: 'target-timers-fin-wait-2',
    title: 'The FIN_WAIT_2 timer goes on with what is left of it, and its expiry leads to an upload in CLOSED',
    rules: ['CHIM-TMR-005', 'CHIM-TMR-006', 'CHIM-TMR-008'],
    requirement: 'C-NDIS-TMR',
    requires: ['timers', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect({
        change: ({ delegated }) => {
          present(delegated).state = STATE.TcpConnectionFinWait2;
          present(delegated).retransmit.timeoutDelta = 30_000;
        },
      });
      await world.advance(20_000);
      const left = present((await connection.query()).delegated).retransmit.timeoutDelta;
      check(Math.abs(left - 10_000) <= 2 * EXACT_MS, `TimeoutDelta of FIN_WAIT_2 is ${left} after 20000 of 30000 ticks`);
      await world.advance(10_000 - 2 * EXACT_MS);
      checkEqual(connection.events.length, 0, 'events before FIN_WAIT_2 was over');
      await world.advance(4 * EXACT_MS);
      checkEqual(
        connection.events.map(({ eventType, information }) => [eventType, information]),
        [[TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.TimeoutExpiration]],
        'events when FIN_WAIT_2 was over',
      );
      checkEqual((await connection.terminate()).delegated.state, STATE.TcpConnectionClosed, 'TCP state that was given back');
    },
  },
];
