import {
  BACKLOG_SIZE_UNSUPPORTED,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  formatNdisStatus,
  type NeighborOffloadState,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, siblings, under } from '../probes/trees.ts';
import { FULL } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { newTreeOf, referencesTo } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import { windowBytesOf, windowFilled } from './outcomes.ts';
import { fillTcp, pictureOfCached, pictureOfConst, pictureOfDelegated, pictureOfNeighbor, pictureOfPath, stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

const { TcpIndicateAbort, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;

function checkSucceeded(root: ProtocolOffloadBlockList): void {
  for (const { status, header } of blocksOf(root)) check(status === NDIS_STATUS_SUCCESS, `a block of type ${header.type} of a query ended with ${formatNdisStatus(status)}`);
}

/** Everything a query says of a connection whose data is at rest. */
function whole(state: TcpOffloadState): unknown[] {
  return [pictureOfConst(state), pictureOfCached(state), pictureOfDelegated(state)];
}

/** Ends of the host's stream as a query gives them, as places in it. */
function sendPlaces(connection: WorldConnection, { delegated }: TcpOffloadState): { una: number; next: number; max: number } {
  const { sndUna, sndNxt, sndMax } = present(delegated);
  return { una: (sndUna - connection.sndUna) | 0, next: (sndNxt - connection.sndUna) | 0, max: (sndMax - connection.sndUna) | 0 };
}

export const queryCases: readonly TargetCase[] = [
  {
    id: 'target-query-connection',
    title: 'A query gives every variable of an idle connection as it was handed over',
    rules: ['CHIM-QRY-001', 'CHIM-ST-004'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      for (const seed of [0, 2]) {
        const connection = await world.connect({
          change: (state) => {
            fillTcp(state, seed);
          },
        });
        const offered = connection.block.state as TcpOffloadState;
        const found = await connection.query();
        checkEqual(pictureOfConst(found), pictureOfConst(offered), 'constant state of a connection');
        checkEqual(pictureOfCached(found), pictureOfCached(offered), 'cached state of a connection');
        checkEqual(pictureOfDelegated(found), pictureOfDelegated(offered), 'delegated state of a connection');
      }
    },
  },
  {
    id: 'target-query-tree',
    title: 'A query of a tree gives the state of each object of each layer, not of another',
    rules: ['CHIM-QRY-001', 'CHIM-BLK-005'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const tree = newTreeOf(world, [[1, 1], [2]]);
      tree.neighbors.forEach(({ state }, at) => {
        present((state as NeighborOffloadState).cached).dlDestinationAddress.set([6, 5, 4, 3, 2, 1 + at]);
      });
      tree.paths.forEach(({ state }, at) => {
        const { const: constant, cached } = state as PathOffloadState;
        present(constant).sourceAddress = Uint8Array.of(198, 19, 1, at);
        present(cached).pathMtu = 1400 + at;
      });
      const offered = blocksOf(tree.root).map(({ state }) => state);
      await offer(world, tree.root);
      // The same tree once more, with room for everything.
      const blocks = blocksOf(tree.root);
      const asked = new Map(blocks.map((block) => [block, stateBlock(block, 'all')]));
      for (const [block, ask] of asked) {
        ask.nextBlock = block.nextBlock === null ? null : present(asked.get(block.nextBlock));
        ask.dependentBlockList = block.dependentBlockList === null ? null : present(asked.get(block.dependentBlockList));
      }
      const root = present(asked.get(tree.root));
      await world.operate('query', root);
      checkSucceeded(root);
      blocks.forEach((block, at) => {
        const { state } = present(asked.get(block));
        const was = offered[at];
        if (tree.neighbors.includes(block)) checkEqual(pictureOfNeighbor(state as NeighborOffloadState), pictureOfNeighbor(was as NeighborOffloadState), 'state of a neighbor');
        else if (tree.paths.includes(block)) checkEqual(pictureOfPath(state as PathOffloadState), pictureOfPath(was as PathOffloadState), 'state of a path');
        else checkEqual(whole(state as TcpOffloadState), whole(was as TcpOffloadState), 'state of a connection');
      });
    },
  },
  {
    id: 'target-query-parts',
    title: 'A query fills the structures that follow a block and makes no others',
    rules: ['CHIM-QRY-001', 'CHIM-BLK-004'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const tree = newTreeOf(world, [[1]]);
      await offer(world, tree.root);
      for (const [at, offered] of blocksOf(tree.root).entries()) {
        for (const which of ['const', 'cached', 'delegated'] as const) {
          const block = stateBlock(offered, which);
          await world.operate('query', block);
          checkSucceeded(block);
          const state = present(block.state);
          const there = (['const', 'cached', 'delegated'] as const).filter((name) => state[name] !== null);
          checkEqual(there, [which], 'the structures behind a block after a query');
        }
        // Whatever one structure has been filled with, the others agree with.
        const all = stateBlock(offered, 'all');
        const cached = stateBlock(offered, 'cached');
        await world.operate('query', present(siblings(all, cached)));
        const pictures = [all, cached].map(({ state }) => {
          if (at === 0) return [...present((state as NeighborOffloadState).cached).dlDestinationAddress];
          return at === 1 ? present((state as PathOffloadState).cached).pathMtu : pictureOfCached(state as TcpOffloadState);
        });
        checkEqual(pictures[1], pictures[0], 'cached state that was asked for alone');
      }
    },
  },
  {
    id: 'target-query-references',
    title: 'A query of blocks that nothing follows, and of placeholders, succeeds and changes nothing',
    rules: ['CHIM-QRY-001', 'CHIM-BLK-005'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const tree = newTreeOf(world, [[1], [2]]);
      await offer(world, tree.root);
      const before = await Promise.all(tree.connections.map((connection) => connection.query().then(whole)));
      const { root, paths } = referencesTo(tree);
      // A placeholder in the place of the neighbor at the root.
      const placeholder = under(neighborBlock(null), present(paths[0]));
      placeholder.nextBlock = root.nextBlock;
      await world.operate('query', placeholder);
      checkSucceeded(placeholder);
      check(blocksOf(placeholder).every(({ state }) => state === null), 'a query made structures behind blocks that had none');
      const after = await Promise.all(tree.connections.map((connection) => connection.query().then(whole)));
      checkEqual(after, before, 'state of the connections after a query');
    },
  },
  {
    id: 'target-query-overlapping',
    title: 'Queries of one object that are under way at the same time are each answered, and agree',
    rules: ['CHIM-QRY-002', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const tree = newTreeOf(world, [[1]]);
      await offer(world, tree.root);
      const [offered] = tree.connections;
      const alone = [1, 2, 3].map(() => stateBlock(present(offered).block, 'all'));
      const onNeighbor = [1, 2].map(() => stateBlock(tree.root, 'all'));
      const roots = [...alone, ...onNeighbor];
      for (const root of roots) world.begin('query', root);
      for (const root of roots) {
        await world.completed('query', root);
        checkSucceeded(root);
      }
      const found = alone.map(({ state }) => whole(state as TcpOffloadState));
      const expected = whole(present(offered).block.state as TcpOffloadState);
      checkEqual(found, [expected, expected, expected], 'what three queries of one connection gave');
      checkEqual(onNeighbor.map(({ state }) => pictureOfNeighbor(state as NeighborOffloadState)), [1, 2].map(() => pictureOfNeighbor(tree.root.state as NeighborOffloadState)), 'what two queries of one neighbor gave');
    },
  },
  {
    id: 'target-query-send-side',
    title: 'A query while sends are pending tells how far they are, and does not change that',
    rules: ['CHIM-QRY-001'],
    requirement: 'C-NDIS-QRY',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const size = 1000;
      const takes = Math.floor(windowBytesOf(world) / size);
      connection.send(...Array.from({ length: takes + 3 }, (_, at) => pattern(at * size, size)));
      await world.until(() => connection.sendCompletions.length >= takes, 'the completion of sends that the peer has room for');
      await windowFilled(world, connection);
      const first = await connection.query();
      const places = sendPlaces(connection, first);
      const done = connection.sendCompletions.length * size;
      check(places.una >= done && places.una <= (takes + 3) * size, `SndUna is ${places.una} bytes on, though ${done} bytes are acknowledged to the host`);
      check(places.una <= places.next && places.next <= places.max && places.max <= (takes + 3) * size, `SndUna, SndNxt and SndMax are ${places.una}, ${places.next} and ${places.max} bytes on`);
      // SndNxt and SndMax may move: a target may probe a window that is closed.
      checkEqual(sendPlaces(connection, await connection.query()).una, places.una, 'bytes acknowledged of sends while the far end has no room');
      for (let read = 0; read < (takes + 3) * size; ) {
        const bytes = present(await world.wait(peer.read(), 'bytes at the peer'));
        checkBytes(Uint8Array.from(bytes), pattern(read, bytes.length), 'what the peer got after queries');
        read += bytes.length;
      }
      await world.until(() => connection.sendCompletions.length === takes + 3, 'the completion of sends after queries');
    },
  },
  {
    id: 'target-query-receive-side',
    title: 'A query tells how many received bytes the target holds, as a count, and RcvNxt behind them',
    rules: ['CHIM-QRY-003', 'CHIM-QRY-001'],
    requirement: 'C-NDIS-QRY',
    requires: ['peer'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      const peer = await connection.peer();
      await world.wait(peer.write(pattern(0, 700)), 'the acknowledgment of 700 bytes');
      await world.until(() => connection.indications.length > 0, 'an indication of what the peer wrote');
      const held = present((await connection.query()).delegated);
      checkEqual((held.rcvNxt - connection.rcvNxt) | 0, 700, 'bytes between RcvNxt and the first one');
      check(held.receiveBacklogSize === 700 || held.receiveBacklogSize === BACKLOG_SIZE_UNSUPPORTED, `ReceiveBacklogSize is ${held.receiveBacklogSize} while 700 bytes are held`);
      check(held.bufferedData === null, 'a query gave data');
      connection.post([200]);
      await world.until(() => connection.receiveCompletions.length > 0, 'the completion of a request');
      const rest = present((await connection.query()).delegated);
      check(rest.receiveBacklogSize === 500 || rest.receiveBacklogSize === BACKLOG_SIZE_UNSUPPORTED, `ReceiveBacklogSize is ${rest.receiveBacklogSize} while 500 bytes are held`);
      checkEqual((rest.rcvNxt - connection.rcvNxt) | 0, 700, 'bytes between RcvNxt and the first one, after a part of them was delivered');
      checkEqual(held.receiveBacklogSize === BACKLOG_SIZE_UNSUPPORTED, rest.receiveBacklogSize === BACKLOG_SIZE_UNSUPPORTED, 'whether ReceiveBacklogSize is supported');
    },
  },
  {
    id: 'target-query-send-backlog',
    title: 'SendBacklogSize is a count of bytes that what is posted at the moment does not change',
    rules: ['CHIM-QRY-003'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const connection = await world.connect();
      const idle = present((await connection.query()).delegated);
      check(Number.isInteger(idle.sendBacklogSize) && idle.sendBacklogSize >= BACKLOG_SIZE_UNSUPPORTED, `SendBacklogSize is ${idle.sendBacklogSize}`);
      checkEqual([idle.receiveBacklogSize === 0 || idle.receiveBacklogSize === BACKLOG_SIZE_UNSUPPORTED, idle.sendDataHead, idle.sendDataTail], [true, null, null], 'the backlog and data of an idle connection');
      connection.send(pattern(0, 3000), pattern(3000, 3000));
      const busy = present((await connection.query()).delegated);
      // A target may want another amount, and says so when it does.
      checkEqual(busy.sendBacklogSize, connection.backlogs.at(-1) ?? idle.sendBacklogSize, 'SendBacklogSize while two sends are posted');
    },
  },
  {
    id: 'target-query-neighbor-age',
    title: 'The time since a neighbor was last known to be reachable goes on from what was handed over',
    rules: ['CHIM-QRY-001'],
    requirement: 'C-NDIS-QRY',
    requires: ['virtual-time'],
    run: async (world) => {
      const { root } = newTreeOf(world, [[1]]);
      const GIVEN = 5000;
      present((root.state as NeighborOffloadState).delegated).nicReachabilityDelta = GIVEN;
      const fromMs = world.runtime.clock.now();
      await offer(world, root);
      const ages: number[] = [];
      for (const waitMs of [0, 700, 1300]) {
        await world.advance(waitMs);
        const block = stateBlock(root, 'delegated');
        await world.operate('query', block);
        const age = present((block.state as NeighborOffloadState).delegated).nicReachabilityDelta - GIVEN;
        const passed = world.runtime.clock.now() - fromMs;
        // A tick is a millisecond; a target's clock is exact to ten.
        check(Math.abs(age - passed) <= 10, `NicReachabilityDelta has grown by ${age} ticks in ${passed} ms`);
        ages.push(age);
      }
      check(ages.every((age, at) => at === 0 || age > (ages[at - 1] ?? 0)), 'NicReachabilityDelta does not grow');
    },
  },
  {
    id: 'target-query-hardware-failure',
    title: 'A query that finds the hardware broken fails, then come HardwareFailure and the abort, and with the terminate every request aborted',
    rules: ['CHIM-QRY-004', 'CHIM-ST-005'],
    requirement: 'C-NDIS-QRY',
    requires: ['hardware-failure'],
    run: async (world) => {
      const [broken, sound] = await world.connectAll(2);
      const connection = present(broken);
      const sent = connection.send(pattern(0, 500), pattern(500, 10));
      const posted = connection.post([100, 200]);
      world.subject.failHardware?.(connection.hostPort, connection.peerPort);
      const block = stateBlock(connection.block, 'all');
      const beside = stateBlock(present(sound).block, 'all');
      const root = present(siblings(beside, block));
      await world.operate('query', root);
      checkEqual([formatNdisStatus(beside.status), formatNdisStatus(block.status)], [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE].map(formatNdisStatus), 'statuses of a query of one connection that is sound and one that is not');
      await world.until(() => connection.events.length >= 2, 'the events of a hardware failure');
      checkEqual(connection.events.map(({ eventType }) => eventType), [TcpIndicateRetrieve, TcpIndicateAbort], 'events after a query that failed');
      checkEqual(present(connection.events[0]).information, TCP_UPLOAD_REASON.HardwareFailure, 'the reason of the upload that is asked for');
      const { journal } = world.host;
      const completedAt = journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.root === root);
      check(journal.indexOf(present(connection.events[0])) > completedAt, 'the hardware failure was told before the query that found it was completed');
      checkEqual(present(sound).events.length, 0, 'events of the connection that is sound');
      const again = stateBlock(connection.block, 'delegated');
      await world.operate('query', again);
      checkEqual(formatNdisStatus(again.status), formatNdisStatus(NDIS_STATUS_FAILURE), 'the status of another query of a connection whose hardware is broken');
      await world.operate('terminate', connection.terminateBlock());
      const ended = [...connection.sendCompletions, ...connection.receiveCompletions].filter(({ nbl }) => [...sent, ...posted].includes(nbl));
      checkEqual(ended.map(({ status }) => status), [...sent, ...posted].map(() => NDIS_STATUS_REQUEST_ABORTED), 'statuses of two sends and two receives whose hardware failed');
    },
  },
];
