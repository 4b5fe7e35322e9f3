import type { TcpOffloadState } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import type { JournalEntry } from '../world/journal.ts';
import { patternBefore } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { WorldConnection, concat } from '../world/world-connection.ts';
import { newTreeOf } from './case-tree.ts';
import type { TargetCase } from './target-case.ts';

/** Overwrites the data that a connection brings along, as its host may once the initiate is completed. */
function scribble({ block }: WorldConnection): void {
  for (const nbl of membersOf(present((block.state as TcpOffloadState).delegated).bufferedData)) {
    for (let mdl = nbl.firstNetBuffer?.mdlChain ?? null; mdl !== null; mdl = mdl.next) mdl.buffer.fill(0xEE);
  }
}

/** Offers a connection with received data, and overwrites that data from inside the completion. */
async function connectWithBuffered(world: TargetWorld, sizes: readonly number[]): Promise<WorldConnection> {
  const connection = new WorldConnection(world, world.tcp({ buffered: sizes }));
  world.host.whenCalled = ({ kind }) => {
    if (kind === 'stateComplete') scribble(connection);
  };
  await world.operate('initiate', world.neighbor(world.path([connection.block])));
  world.host.whenCalled = null;
  check(connection.isOffloaded, 'a connection that brings 700 received bytes along was refused');
  return connection;
}

/** Kinds of callbacks that a target is advised not to make during an initiate. */
const INDICATIONS: readonly JournalEntry['kind'][] = ['status', 'event', 'indicate', 'offloadEvent'];

export const initiateDataCases: readonly TargetCase[] = [
  {
    id: 'target-initiate-buffered-copied',
    title: 'Received data that comes along is copied before the initiate completes: what the host does with its buffers then does not show',
    rules: ['CHIM-INI-015'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const connection = await connectWithBuffered(world, [300, 1, 399]);
      // What does not fit the first request is indicated.
      connection.post([100]);
      await world.until(() => connection.received.length >= 700, 'the delivery of 700 bytes that came along');
      checkBytes(connection.received, patternBefore(700), 'what was delivered of the data that came along');
      const { delegated, buffered } = await connection.terminate();
      checkEqual(delegated.rcvNxt, connection.rcvNxt, 'RcvNxt after data that came along was delivered');
      checkEqual(buffered.length, 0, 'bytes that came back though they were delivered');
    },
  },
  {
    id: 'target-initiate-buffered-to-requests',
    title: 'Received data that comes along fills requests that are posted while the host takes no indication',
    rules: ['CHIM-INI-015'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await connectWithBuffered(world, [300, 1, 399]);
      connection.post([250, 450]);
      await world.until(() => connection.receiveCompletions.length === 2, 'the completion of two requests of 700 bytes');
      checkBytes(connection.received, patternBefore(700), 'what two requests got of the data that came along');
    },
  },
  {
    id: 'target-initiate-buffered-in-pieces',
    title: 'Received data that comes along is taken over from however many NET_BUFFERs and MDLs it lies on',
    rules: ['CHIM-INI-015', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const bytes = patternBefore(700);
      const pieces = (from: number, ...sizes: readonly number[]): Uint8Array<ArrayBuffer>[] => sizes.map((size) => bytes.slice(from, (from += size)));
      world.host.appetite = FULL;
      const connection = await world.connect({
        change: ({ delegated }) => {
          present(delegated).bufferedData = link([world.host.inPieces(pieces(0, 100, 3, 197), pieces(300, 50, 50)), world.host.inPieces(pieces(400, 299, 1))]);
        },
      });
      connection.post([350]);
      await world.until(() => connection.receiveCompletions.length > 0, 'the completion of a request of 350 bytes');
      const { buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), bytes, 'what a request got of the data that came along, and what came back');
    },
  },
  {
    id: 'target-initiate-buffered-back',
    title: 'Received data that came along and that nobody took goes back with the connection, as it was',
    rules: ['CHIM-INI-015', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await connectWithBuffered(world, [300, 1, 399]);
      const { delegated, buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), patternBefore(700), 'what came back of the data that came along');
      checkEqual(delegated.rcvNxt, connection.rcvNxt, 'RcvNxt of a connection that received nothing');
    },
  },
  {
    id: 'target-initiate-indication-after-completion',
    title: 'Nothing is indicated for a connection before the completion of its initiate has returned',
    rules: ['CHIM-INI-016'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { root, connections } = newTreeOf(world, [[2]], { buffered: [500] });
      // A request that is posted inside the completion makes room; what does not fit is to be indicated then, but not yet.
      world.host.whenCalled = ({ kind }) => {
        if (kind === 'stateComplete') for (const connection of connections) connection.post([100]);
      };
      await world.operate('initiate', root);
      world.host.whenCalled = null;
      await world.until(() => connections.every(({ indications }) => indications.length > 0), 'the indication of what came along');
      const { journal } = world.host;
      const completedAt = journal.findIndex(({ kind }) => kind === 'stateComplete');
      for (const { indications } of connections) {
        const first = present(indications[0]);
        check(journal.indexOf(first) > completedAt, 'data was indicated before its initiate was completed');
        checkEqual(first.depth, 0, 'callbacks on the stack when data was indicated for the first time');
      }
    },
  },
  {
    id: 'target-initiate-quiet',
    title: 'While an initiate is under way the target indicates nothing',
    rules: ['CHIM-INI-017'],
    requirement: 'C-NDIS-INI',
    // Advice, of which a target may make less.
    weight: 'advice',
    run: async (world) => {
      const { root } = newTreeOf(world, [[2, 1], [1]], { buffered: [500] });
      const before = world.host.journal.length;
      await world.operate('initiate', root);
      const during = world.host.journal.slice(before).map(({ kind }) => kind);
      const completedAt = during.indexOf('stateComplete');
      checkEqual(during.slice(0, completedAt).filter((kind) => INDICATIONS.includes(kind)), [], 'indications while an initiate was under way');
    },
  },
];
