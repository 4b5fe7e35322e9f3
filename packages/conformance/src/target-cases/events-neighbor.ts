import {
  INDICATE_OFFLOAD_EVENT,
  IRQL,
  NDIS_STATUS_SUCCESS,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  createProtocolOffloadBlockList,
  type NeighborOffloadState,
  type OffloadHandle,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { ConnectionWishes, TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import type { TargetCase } from './target-case.ts';

/** What one reachability query brought. */
interface Query {
  readonly atMs: number;
  readonly irql: number;
  readonly indicationCode: number;
  readonly handle: OffloadHandle | null;
  readonly type: number;
  readonly isAlone: boolean;
  readonly status: number;
  readonly dlDestinationAddress: readonly number[];
  readonly vlanId: number | undefined;
  /** HRD and NRD, in ticks. */
  readonly hostDelta: number | undefined;
  readonly nicDelta: number | undefined;
}

/** Writes reachability queries down, and answers them. */
function answerQueries(world: TargetWorld, hostDelta: () => number): Query[] {
  const queries: Query[] = [];
  world.host.whenCalled = (entry) => {
    if (entry.kind !== 'offloadEvent') return;
    const { root, atMs, irql, indicationCode } = entry;
    const { const: constant, cached, delegated } = root.state as NeighborOffloadState;
    queries.push({
      atMs,
      irql,
      indicationCode,
      handle: root.offloadHandle,
      type: root.header.type,
      isAlone: root.nextBlock === null && root.dependentBlockList === null,
      status: root.status,
      dlDestinationAddress: [...(cached?.dlDestinationAddress ?? []).slice(0, 6)],
      vlanId: constant?.vlanId,
      hostDelta: cached?.hostReachabilityDelta,
      nicDelta: delegated?.nicReachabilityDelta,
    });
    if (cached !== null) cached.hostReachabilityDelta = hostDelta();
  };
  return queries;
}

/** Of a neighbor that was heard of so many ticks ago, by either side. */
function heardOf(ticksAgo: number): ConnectionWishes {
  return {
    changeNeighbor: ({ cached, delegated }) => {
      present(cached).hostReachabilityDelta = ticksAgo;
      present(delegated).nicReachabilityDelta = ticksAgo;
    },
  };
}

/** The block of the connection's neighbor. */
function neighborOf(connection: WorldConnection): OffloadHandle {
  for (const [handle, block] of connection.world.host.handles) if (block.dependentBlockList?.dependentBlockList === connection.block) return handle;
  throw new Error('the connection has no neighbor');
}

/** NRD as a query reports it, in ticks. */
async function nicDeltaOf(world: TargetWorld, neighbor: OffloadHandle): Promise<number> {
  const state = new OffloadBlockState(new NeighborOffloadStateConst(), new NeighborOffloadStateCached(), new NeighborOffloadStateDelegated());
  const block = await world.operate('query', createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, neighbor, state));
  checkEqual(block.status, NDIS_STATUS_SUCCESS, 'status of a query of a neighbor');
  return present(state.delegated).nicReachabilityDelta;
}

const STALE_TICKS = 100;
/** A hundred ticks a second, so that the target has to convert its clock. */
const TICK_MS = 10;

async function setTicks(world: TargetWorld): Promise<void> {
  await world.setParameters((parameters) => {
    parameters.ticksPerSecond = 1000 / TICK_MS;
    parameters.tcpPushTicks = 50;
    parameters.nceStaleTicks = STALE_TICKS;
  });
}

/** When a target asks whether a neighbor is still there. */
export const eventsNeighborCases: readonly TargetCase[] = [
  {
    id: 'target-neighbor-query',
    title: 'A neighbor is asked about before a transmission once it was not heard of for more than NceStaleTicks, with all three states',
    rules: ['CHIM-EVT-015', 'CHIM-EVT-016', 'CHIM-EVT-019', 'CHIM-EVT-020'],
    requirement: 'C-NEIGH-TS',
    requires: ['neighbor-query', 'round-trip', 'virtual-time'],
    wishes: { roundTripMs: 100_000 },
    run: async (world) => {
      await setTicks(world);
      const queries = answerQueries(world, () => 0);
      const connection = await world.connect(heardOf(50));
      await world.advance(50 * TICK_MS);
      connection.send(pattern(0, 10));
      await world.settle();
      checkEqual(queries.length, 0, `queries about a neighbor that was heard of ${STALE_TICKS} ticks ago`);
      await world.advance(TICK_MS);
      connection.send(pattern(10, 10));
      await world.settle();
      checkEqual(queries.length, 1, `queries about a neighbor that was heard of ${STALE_TICKS + 1} ticks ago`);
      const { indicationCode, irql, handle, type, isAlone, status, hostDelta, nicDelta, vlanId, dlDestinationAddress } = present(queries[0]);
      checkEqual(indicationCode, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery, 'indication code');
      checkEqual(irql, IRQL.DISPATCH_LEVEL, 'IRQL of a query');
      check(handle === neighborOf(connection), 'the query does not name the neighbor by the handle it was offered with');
      checkEqual([type, isAlone, status], [OFFLOAD_STATE_TYPE.NeighborOffloadState, true, NDIS_STATUS_SUCCESS], 'type of the block, whether it is alone, and its status');
      checkEqual([hostDelta, nicDelta], [STALE_TICKS + 1, STALE_TICKS + 1], 'HostReachabilityDelta and NicReachabilityDelta of the query');
      checkEqual([vlanId, dlDestinationAddress], [0, [2, 0, 0, 0, 0, 2]], 'const and cached state in the query');
    },
  },
  {
    id: 'target-neighbor-query-of-two',
    title: 'A query has the state of the neighbor that it is about, and leaves others alone',
    rules: ['CHIM-EVT-016', 'CHIM-EVT-019'],
    requirement: 'C-NEIGH-TS',
    requires: ['neighbor-query', 'vlan-capacity', 'virtual-time'],
    wishes: { vlanCapacity: 4 },
    run: async (world) => {
      await setTicks(world);
      const queries = answerQueries(world, () => 0);
      const offer = (vlanId: number): Promise<WorldConnection> =>
        world.connect({
          changeNeighbor: (state) => {
            present(state.const).vlanId = vlanId;
            present(state.cached).dlDestinationAddress[5] = vlanId;
          },
        });
      const connections = [await offer(7), await offer(9)];
      await world.advance(2 * STALE_TICKS * TICK_MS);
      for (const connection of [...connections].reverse()) connection.send(pattern(0, 10));
      await world.settle();
      checkEqual(queries.map(({ vlanId, dlDestinationAddress }) => [vlanId, dlDestinationAddress[5]]).sort(([one = 0], [other = 0]) => other - one), [[9, 9], [7, 7]], 'VLANs and addresses of the neighbors that were asked about');
      for (const { handle, vlanId } of queries) {
        check(handle === neighborOf(present(connections[vlanId === 7 ? 0 : 1])), 'a query names one neighbor and has the state of another');
      }
    },
  },
  {
    id: 'target-neighbor-answer',
    title: 'The host\'s answer counts from when it was given: the next query comes when that gets stale too',
    rules: ['CHIM-EVT-017', 'CHIM-EVT-015'],
    requirement: 'C-NEIGH-TS',
    requires: ['neighbor-query', 'round-trip', 'virtual-time'],
    wishes: { roundTripMs: 100_000 },
    run: async (world) => {
      await setTicks(world);
      let answer = 0;
      const queries = answerQueries(world, () => answer);
      const connection = await world.connect(heardOf(0));
      const sendAfter = async (ticks: number, expected: number, what: string): Promise<void> => {
        await world.advance(ticks * TICK_MS);
        const before = queries.length;
        connection.send(pattern(0, 5));
        await world.settle();
        checkEqual(queries.length - before, expected, `queries ${what}`);
      };
      await sendAfter(STALE_TICKS + 1, 1, 'about a neighbor that got stale');
      await sendAfter(STALE_TICKS, 0, `${STALE_TICKS} ticks after the host answered 0`);
      answer = 20;
      await sendAfter(1, 1, `${STALE_TICKS + 1} ticks after the host answered 0`);
      checkEqual([queries[1]?.hostDelta, queries[1]?.nicDelta], [STALE_TICKS + 1, 2 * STALE_TICKS + 2], 'HostReachabilityDelta and NicReachabilityDelta of the second query');
      await sendAfter(STALE_TICKS - 20, 0, `${STALE_TICKS - 20} ticks after the host answered 20`);
      await sendAfter(1, 1, `${STALE_TICKS - 19} ticks after the host answered 20`);
    },
  },
  {
    id: 'target-neighbor-progress',
    title: 'What is acknowledged shows that the neighbor is there: nobody is asked while a connection gets on',
    rules: ['CHIM-EVT-018', 'CHIM-EVT-015'],
    requirement: 'C-NEIGH-TS',
    requires: ['neighbor-query', 'virtual-time'],
    run: async (world) => {
      await setTicks(world);
      const queries = answerQueries(world, () => 0);
      const connection = await world.connect(heardOf(0));
      for (let sends = 1; sends <= 6; sends++) {
        await world.advance(60 * TICK_MS);
        connection.send(pattern(0, 10));
        await world.until(() => connection.sendCompletions.length >= sends, 'the completion of a send');
      }
      checkEqual(queries.length, 0, 'queries about a neighbor that acknowledgments come from');
      const acknowledged = await nicDeltaOf(world, neighborOf(connection));
      check(acknowledged <= 10, `NicReachabilityDelta is ${acknowledged} ticks right after an acknowledgment`);
      await world.advance(30 * TICK_MS);
      checkEqual(await nicDeltaOf(world, neighborOf(connection)), acknowledged + 30, 'NicReachabilityDelta 30 ticks later');
    },
  },
  {
    id: 'target-neighbor-progress-noted',
    title: 'An acknowledgment sets back the age of the neighbor it came from, and of no other',
    rules: ['CHIM-EVT-018'],
    requirement: 'C-NEIGH-TS',
    requires: ['virtual-time'],
    run: async (world) => {
      const connection = await world.connect(heardOf(0));
      const other = await world.connect(heardOf(0));
      await world.advance(20_000);
      const idle = await nicDeltaOf(world, neighborOf(connection));
      check(idle >= 20_000 && idle <= 21_000, `NicReachabilityDelta is ${idle} ticks after 20 s in which nothing came`);
      connection.send(pattern(0, 10));
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
      const age = await nicDeltaOf(world, neighborOf(connection));
      check(age >= 0 && age <= 100, `NicReachabilityDelta is ${age} ticks right after an acknowledgment`);
      check((await nicDeltaOf(world, neighborOf(other))) >= 20_000, 'the age of a neighbor was set back that nothing came from');
      checkEqual(world.host.entries('offloadEvent').length, 0, 'queries about neighbors that do not get stale');
    },
  },
  {
    id: 'target-neighbor-wrap',
    title: 'Ages of neighbors are counted modulo 2^32, from before the target\'s clock began',
    rules: ['CHIM-EVT-015'],
    requirement: 'C-NEIGH-TS',
    requires: ['virtual-time'],
    run: async (world) => {
      for (const age of [0, 50, 0x7000_0000]) {
        const connection = await world.connect(heardOf(age));
        await world.advance(300);
        const older = (await nicDeltaOf(world, neighborOf(connection))) - age;
        check(older >= 300 && older <= 400, `NicReachabilityDelta went on by ${older} in 300 ticks, from ${age} at the offload`);
      }
    },
  },
];
