import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  formatNdisStatus,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, siblings, under } from '../probes/trees.ts';
import { FULL } from '../world/case-host.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { concat, type WorldConnection } from '../world/world-connection.ts';
import { linkTo, newTreeOf, referencesTo } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import type { TargetCase } from './target-case.ts';

const { TcpIndicateAbort, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;
/** Long enough for whatever a target would send. */
const LONG_MS = 20_000;

/** Invalidates. @throws ConformanceFailure unless every block succeeds. */
async function invalidate(world: TargetWorld, root: ProtocolOffloadBlockList): Promise<void> {
  await world.operate('invalidate', root);
  for (const { status, header } of blocksOf(root)) check(status === NDIS_STATUS_SUCCESS, `a block of type ${header.type} of an invalidate ended with ${formatNdisStatus(status)}`);
}

function sendFrom(connections: readonly WorldConnection[]): void {
  for (const connection of connections) connection.send(pattern(0, 100));
}

/** What each layer's invalidate concerns of connections 0 and 1 on one path, 2 on another of the same neighbor, 3 elsewhere. */
const LAYERS = [
  { layer: 'connection', concerned: [0] },
  { layer: 'path', concerned: [0, 1] },
  { layer: 'neighbor', concerned: [0, 1, 2] },
] as const;

export const invalidateCases: readonly TargetCase[] = [
  {
    id: 'target-invalidate-stops-sends',
    title: 'After an invalidate no send succeeds on what depends on the object, and every send on what does not',
    rules: ['CHIM-INV-002'],
    requirement: 'C-NDIS-INV',
    requires: ['virtual-time', 'strict-invalidate'],
    run: async (world) => {
      for (const { layer, concerned } of LAYERS) {
        const { root, neighbors, paths, connections } = newTreeOf(world, [[2, 1], [1]]);
        await offer(world, root);
        await invalidate(world, linkTo(present({ connection: connections[0]?.block, path: paths[0], neighbor: neighbors[0] }[layer])));
        sendFrom(connections);
        await world.advance(LONG_MS);
        connections.forEach(({ sendCompletions }, at) => {
          const statuses = sendCompletions.map(({ status }) => status);
          if ((concerned as readonly number[]).includes(at)) check(statuses.every((status) => status === NDIS_STATUS_UPLOAD_IN_PROGRESS), `a send on something that depends on an invalid ${layer} ended with ${formatNdisStatus(statuses[0] ?? 0)}`);
          else checkEqual(statuses, [NDIS_STATUS_SUCCESS], `how a send ended on a connection that has nothing to do with an invalid ${layer}`);
        });
      }
    },
  },
  {
    id: 'target-invalidate-silence',
    title: 'After an invalidate nothing more reaches the peer: no data that waited, none that is posted, no end, no reset',
    rules: ['CHIM-INV-002'],
    requirement: 'C-NDIS-INV',
    requires: ['peer', 'virtual-time', 'strict-invalidate'],
    run: async (world) => {
      const { root, paths, connections } = newTreeOf(world, [[1], [1]]);
      await offer(world, root);
      const window = world.options.peerWindowBytes ?? 0;
      const [stopped, other] = connections.map((connection) => connection);
      const peers = [await present(stopped).peer(), await present(other).peer()] as const;
      present(stopped).send(pattern(0, window), pattern(window, 1000));
      await world.advance(LONG_MS);
      await invalidate(world, linkTo(present(paths[0])));
      await world.advance(LONG_MS);
      // What has reached the peer so far makes room when it is read.
      const read = new Set<number>();
      let got = 0;
      const collect = async (): Promise<void> => {
        for (;;) {
          const bytes = await peers[0].read();
          if (bytes === null) throw new Error('the end of the stream reached the peer');
          got += bytes.length;
          read.add(got);
        }
      };
      let ended = '';
      void collect().catch((error: unknown) => {
        ended = String(error);
      });
      await world.settle();
      const before = got;
      check(before <= window, `the peer has taken ${before} bytes, though it has room for ${window}`);
      await world.advance(LONG_MS);
      present(stopped).send(pattern(window + 1000, 500));
      present(stopped).disconnect();
      present(other).send(pattern(0, 10));
      await world.advance(LONG_MS);
      checkEqual([got - before, ended], [0, ''], 'what reached the peer of a connection whose path is invalid');
      checkBytes(Uint8Array.from(present(await world.wait(peers[1].read(), 'bytes at the other peer'))), pattern(0, 10), 'what reached the peer of a connection whose path is valid');
    },
  },
  {
    id: 'target-invalidate-event',
    title: 'The upload of each connection is asked for that has to send and depends on something invalid, and of no other',
    rules: ['CHIM-INV-003'],
    requirement: 'C-NDIS-INV',
    run: async (world) => {
      for (const { layer, concerned } of LAYERS) {
        const { root, neighbors, paths, connections } = newTreeOf(world, [[2, 1], [1]]);
        await offer(world, root);
        const tree = linkTo(present({ connection: connections[0]?.block, path: paths[0], neighbor: neighbors[0] }[layer]));
        await invalidate(world, tree);
        sendFrom(connections);
        for (const at of concerned) {
          const { events } = present(connections[at]);
          await world.until(() => (connections[at]?.events.length ?? events.length) > 0, `the request for the upload of connection ${at}, which depends on an invalid ${layer},`);
        }
        await world.until(() => connections.every(({ sendCompletions }, at) => (concerned as readonly number[]).includes(at) || sendCompletions.length > 0), 'the completion of sends that nothing stops');
        const { InvalidState } = TCP_UPLOAD_REASON;
        connections.forEach(({ events }, at) => {
          const isConcerned = (concerned as readonly number[]).includes(at);
          const first = events.slice(0, 1).map(({ eventType, information }) => [eventType, information]);
          checkEqual(first, isConcerned ? [[TcpIndicateRetrieve, InvalidState]] : [], `the first event of connection ${at} after its ${layer} or another was invalidated`);
        });
        const completedAt = world.host.journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.root === tree);
        check(connections.every(({ events }) => events.every((event) => world.host.journal.indexOf(event) > completedAt)), 'an upload was asked for before the invalidate was completed');
      }
    },
  },
  {
    id: 'target-invalidate-keeps',
    title: 'What is invalid keeps everything until it is taken back: its context, its state, its data',
    rules: ['CHIM-INV-004', 'CHIM-ST-005', 'CHIM-ST-004'],
    requirement: 'C-NDIS-INV',
    run: async (world) => {
      world.host.appetite = FULL;
      const { root, neighbors, connections } = newTreeOf(world, [[1]], { buffered: [300] });
      await offer(world, root);
      const connection = present(connections[0]);
      const sent = connection.send(pattern(0, 700), pattern(700, 300));
      const context = connection.handle.miniportOffloadContext;
      await invalidate(world, linkTo(present(neighbors[0])));
      check(connection.handle.miniportOffloadContext === context && connection.isOffloaded, 'a connection lost its context when its neighbor was invalidated');
      const { const: constant, delegated } = await connection.query();
      checkEqual(constant?.localPort, connection.hostPort, 'the port of a connection that depends on something invalid');
      checkEqual(delegated?.rcvNxt, connection.rcvNxt, 'RcvNxt of a connection that depends on something invalid');
      const uploaded = await connection.terminate();
      checkBytes(concat([connection.received, uploaded.buffered]), patternBefore(300), 'received data of a connection that depended on something invalid');
      const back = [...connection.sendCompletions.map(({ nbl }) => nbl), ...uploaded.chain];
      checkEqual(back.map((nbl) => sent.indexOf(nbl)), [0, 1], 'sends that were completed or came back, in order');
      const acknowledged = connection.sendCompletions.filter(({ status }) => status === NDIS_STATUS_SUCCESS).reduce((sum, { bytesTransferred }) => sum + bytesTransferred, 0);
      const una = (uploaded.delegated.sndUna - connection.sndUna) | 0;
      check(una >= acknowledged && una <= 1000, `SndUna came back ${una} bytes on, though ${acknowledged} bytes were completed as sent`);
    },
  },
  {
    id: 'target-invalidate-tree',
    title: 'A tree of several layers is invalidated whole, placeholders included, and can be taken back whole',
    rules: ['CHIM-INV-004', 'CHIM-BLK-005', 'CHIM-BLK-006'],
    requirement: 'C-NDIS-INV',
    run: async (world) => {
      const tree = newTreeOf(world, [[1, 1], [2]]);
      await offer(world, tree.root);
      const { root } = referencesTo(tree);
      root.nextBlock = under(neighborBlock(null), present(root.nextBlock?.dependentBlockList));
      await invalidate(world, root);
      const handles = blocksOf(tree.root).map((block) => present(block.offloadHandle));
      checkEqual(handles.map(({ invalid }) => invalid), [true, true, true, true, true, false, true, true, true], 'which objects are invalid after an invalidate');
      await world.operate('terminate', present(siblings(...tree.connections.map((connection) => connection.terminateBlock()))));
      checkEqual(tree.connections.map(({ handle }) => handle.state), ['dead', 'dead', 'dead', 'dead'], 'states of connections that were invalid, after their terminate');
    },
  },
  {
    id: 'target-invalidate-hardware-failure',
    title: 'An invalidate that finds the hardware broken fails, then come HardwareFailure and the abort',
    rules: ['CHIM-INV-005', 'CHIM-ST-005'],
    requirement: 'C-NDIS-INV',
    requires: ['hardware-failure'],
    run: async (world) => {
      const { root, paths, connections } = newTreeOf(world, [[1], [1]]);
      await offer(world, root);
      const [broken, sound] = connections.map((connection) => connection);
      const connection = present(broken);
      const sent = connection.send(pattern(0, 500));
      const posted = connection.post([100]);
      world.subject.failHardware?.(connection.hostPort, connection.peerPort);
      const tree = present(siblings(connection.reference()));
      await world.operate('invalidate', tree);
      checkEqual(formatNdisStatus(tree.status), formatNdisStatus(NDIS_STATUS_FAILURE), 'the status of an invalidate of a connection whose hardware is broken');
      await world.until(() => connection.events.length >= 2, 'the events of a hardware failure');
      checkEqual(connection.events.map(({ eventType, information }) => [eventType, eventType === TcpIndicateRetrieve ? information : 0]), [[TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure], [TcpIndicateAbort, 0]], 'events after an invalidate that failed');
      const completedAt = world.host.journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.root === tree);
      check(world.host.journal.indexOf(present(connection.events[0])) > completedAt, 'the hardware failure was told before the invalidate that found it was completed');
      await world.operate('terminate', connection.terminateBlock());
      const ended = [...connection.sendCompletions, ...connection.receiveCompletions].map(({ status }) => status);
      checkEqual(ended, [...sent, ...posted].map(() => NDIS_STATUS_REQUEST_ABORTED), 'statuses of a send and a receive whose hardware failed');
      present(sound).send(pattern(0, 10));
      await world.until(() => (sound?.sendCompletions.length ?? 0) > 0, 'a send on the connection that is sound');
      checkEqual([sound?.events.length, paths[1]?.offloadHandle?.state], [0, 'offloaded'], 'events of the connection that is sound, and the state of its path');
    },
  },
];
