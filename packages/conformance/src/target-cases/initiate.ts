import {
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  formatNdisStatus,
  netBufferListBytes,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf, pathBlock, neighborBlock, siblings, tcpBlock, under } from '../probes/trees.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { WorldConnection, concat } from '../world/world-connection.ts';
import { linkTo, newTreeOf, takeBack } from './case-tree.ts';
import { UNWRITTEN, checkRefused, isOffloaded, offer, poisoned, statusesOf } from './initiate-outcome.ts';
import type { TargetCase } from './target-case.ts';

/** Has each connection send something, to see that it is there. */
async function checkAlive(world: TargetWorld, connections: readonly WorldConnection[]): Promise<void> {
  for (const connection of connections) connection.send(pattern(0, 40));
  for (const connection of connections) {
    await world.until(() => connection.sendCompletions.length > 0, `the completion of a send on the connection of port ${connection.hostPort}`);
    const { status, bytesTransferred } = present(connection.sendCompletions.at(-1));
    checkEqual([status, bytesTransferred], [NDIS_STATUS_SUCCESS, 40], `status and bytes of a send on the connection of port ${connection.hostPort}`);
  }
}

/** A new connection below a path that is offloaded already. */
function another(world: TargetWorld): WorldConnection {
  return new WorldConnection(world, world.tcp());
}

const { TcpConnectionEstablished, TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck } = TCP_OFFLOAD_CONNECTION_STATE;

const IN_PART = formatNdisStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);

/** What a state becomes when the FIN is acknowledged. */
const NEXT_WHEN_ACKED: Readonly<Record<number, number>> = {
  [TcpConnectionFinWait1]: TcpConnectionFinWait2,
  [TcpConnectionClosing]: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionTimeWait,
  [TcpConnectionLastAck]: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed,
};

export const initiateCases: readonly TargetCase[] = [
  {
    id: 'target-initiate-tree',
    title: 'A tree of several neighbors, paths and connections is taken over whole, and every connection in it works',
    rules: ['CHIM-INI-009', 'CHIM-INI-013', 'CHIM-INI-012'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { root, connections } = newTreeOf(world, [[2, 1], [2]]);
      await offer(world, root);
      checkEqual(statusesOf(blocksOf(root).filter((block) => !isOffloaded(block))), [], 'refusals in a tree that nothing speaks against');
      await checkAlive(world, connections);
      for (const connection of connections) checkEqual(present((await connection.query()).const).localPort, connection.hostPort, 'the port of the connection that a handle names');
    },
  },
  {
    id: 'target-initiate-nothing-above',
    title: 'Neighbors and paths are taken over with nothing above them, and connections follow later',
    rules: ['CHIM-INI-009', 'CHIM-INI-010', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { root, neighbors, paths } = newTreeOf(world, [[0, 0], []]);
      await offer(world, root);
      checkEqual(statusesOf(blocksOf(root).filter((block) => !isOffloaded(block))), [], 'refusals in a tree without connections');
      const later = [another(world), another(world)];
      await offer(world, linkTo(present(neighbors[0]), ...later.map(({ block }, at) => linkTo(present(paths[at]), block))));
      check(later.every(({ isOffloaded: isTaken }) => isTaken), 'a connection was refused on a path that was taken over without any');
      await checkAlive(world, later);
    },
  },
  {
    id: 'target-initiate-order',
    title: 'Connections are tried in the order of the tree, so that the first of them are those that find room',
    rules: ['CHIM-INI-006'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 3 },
    run: async (world) => {
      const { root, connections } = newTreeOf(world, [[2, 1], [2]]);
      await offer(world, root);
      checkEqual(connections.map(({ isOffloaded: isTaken }) => isTaken), [true, true, true, false, false], 'which of five connections were offloaded where three have room');
      await checkAlive(world, connections.slice(0, 3));
    },
  },
  {
    id: 'target-initiate-order-of-paths',
    title: 'Paths are tried in the order of the tree, and connections below the one that finds no room are not tried',
    rules: ['CHIM-INI-006', 'CHIM-INI-008'],
    requirement: 'C-NDIS-INI',
    requires: ['path-capacity'],
    wishes: { pathCapacity: 3 },
    run: async (world) => {
      const { root, paths, connections } = newTreeOf(world, [[1, 1], [1, 1]]);
      await offer(world, root);
      checkEqual(paths.map(isOffloaded), [true, true, true, false], 'which of four paths were offloaded where three have room');
      checkEqual(connections.map(({ isOffloaded: isTaken }) => isTaken), [true, true, true, false], 'which connections below them were offloaded');
    },
  },
  {
    id: 'target-initiate-partial',
    title: 'A path with one connection refused is offloaded in part; the neighbor below it is offloaded',
    rules: ['CHIM-INI-009', 'CHIM-INI-012', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 1 },
    run: async (world) => {
      const { root, paths, connections } = newTreeOf(world, [[2]]);
      await offer(world, root);
      const [taken, refused] = connections;
      check(present(taken).isOffloaded && !present(refused).isOffloaded, 'of two connections, not the first alone was offloaded where one has room');
      checkEqual(statusesOf(paths), [IN_PART], 'the status of a path with one connection refused');
      await checkAlive(world, [present(taken)]);
    },
  },
  {
    id: 'target-initiate-all-refused',
    title: 'A new path stays offloaded though every connection below it was refused, and takes others later',
    rules: ['CHIM-INI-009', 'CHIM-INI-012', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 1 },
    run: async (world) => {
      const first = await world.connect();
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1]]);
      await offer(world, root);
      check(!present(connections[0]).isOffloaded, 'a connection was offloaded that the target has no room for');
      check([...neighbors, ...paths].every(isOffloaded), 'a path or a neighbor was refused because the connection above it was');
      await takeBack(world, first);
      const next = another(world);
      const again = linkTo(present(neighbors[0]), linkTo(present(paths[0]), next.block));
      await offer(world, again);
      check(next.isOffloaded, 'the room of a connection that went back was not given to the next');
      await checkAlive(world, [next]);
    },
  },
  {
    id: 'target-initiate-linkers',
    title: 'A linker succeeds as much as those below it: all, some, none of them',
    rules: ['CHIM-INI-010'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 4 },
    run: async (world) => {
      const { root, neighbors, paths } = newTreeOf(world, [[1]]);
      await offer(world, root);
      const [neighbor, path] = [present(neighbors[0]), present(paths[0])];
      const expected = [[true, true], [true, false], [false, false]];
      for (const wanted of expected) {
        const connections = wanted.map(() => another(world));
        const link = linkTo(neighbor, linkTo(path, ...connections.map(({ block }) => block)));
        await offer(world, link);
        checkEqual(connections.map(({ isOffloaded: isTaken }) => isTaken), wanted, 'which of two connections below a linker were offloaded');
      }
      check(path.offloadHandle?.state === 'offloaded' && neighbor.offloadHandle?.state === 'offloaded', 'an object that a linker names is not offloaded any more');
    },
  },
  {
    id: 'target-initiate-new-path-below-linker',
    title: 'New paths can be hung below a neighbor that is offloaded already',
    rules: ['CHIM-INI-010', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const first = newTreeOf(world, [[1]]);
      await offer(world, first.root);
      const second = newTreeOf(world, [[2, 1]]);
      const link = linkTo(present(first.neighbors[0]), ...second.paths);
      await offer(world, link);
      checkEqual(statusesOf(blocksOf(link).filter((block) => block.status !== NDIS_STATUS_SUCCESS)), [], 'blocks below a linker that did not succeed');
      await checkAlive(world, second.connections);
    },
  },
  {
    id: 'target-initiate-placeholders',
    title: 'A placeholder succeeds whatever becomes of those below it, and without any',
    rules: ['CHIM-INI-011', 'CHIM-INI-010'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 2 },
    run: async (world) => {
      const { root, paths } = newTreeOf(world, [[1]]);
      await offer(world, root);
      const [taken, refused] = [another(world), another(world)];
      const emptyPath = pathBlock(null);
      const placeholders = [neighborBlock(null), neighborBlock(null), neighborBlock(null)] as const;
      under(placeholders[0], linkTo(present(paths[0]), taken.block));
      under(placeholders[1], linkTo(present(paths[0]), refused.block), under(emptyPath, tcpBlock(null)));
      await offer(world, present(siblings(...placeholders)));
      check(taken.isOffloaded && !refused.isOffloaded, 'of two connections below linkers below placeholders, not the first alone was offloaded where one has room');
      await checkAlive(world, [taken]);
    },
  },
  {
    id: 'target-initiate-refused-path',
    title: 'What depends on a refused path is not tried; what was stored before it stays',
    rules: ['CHIM-INI-008', 'CHIM-INI-009', 'CHIM-INI-006', 'CHIM-INI-012'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity', 'path-capacity'],
    wishes: { connectionCapacity: 1, pathCapacity: 1 },
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[2, 1]]);
      await offer(world, root);
      checkEqual(statusesOf([...neighbors, ...paths.slice(0, 1)]), [IN_PART, IN_PART], 'statuses of the neighbor and of the first path');
      checkEqual(connections.map(({ isOffloaded: isTaken }) => isTaken), [true, false, false], 'which connections were offloaded');
      checkRefused(present(paths[1]), NDIS_STATUS_OFFLOAD_PATH_ENTRIES, 'a path that the target has no room for');
      await takeBack(world, present(connections[0]));
      const next = another(world);
      await offer(world, linkTo(present(neighbors[0]), linkTo(present(paths[0]), next.block)));
      check(next.isOffloaded, 'what was below a refused path holds the room of a connection');
    },
  },
  {
    id: 'target-initiate-refused-root',
    title: 'When the root is refused nothing else of the tree is offloaded, not even what would find room beside it',
    rules: ['CHIM-INI-007', 'CHIM-INI-008', 'CHIM-INI-012'],
    requirement: 'C-NDIS-INI',
    requires: ['neighbor-capacity'],
    wishes: { neighborCapacity: 1 },
    run: async (world) => {
      const first = newTreeOf(world, [[1]]);
      await offer(world, first.root);
      const { root, paths, connections } = newTreeOf(world, [[2, 1]]);
      // Beside the root, and below something that is offloaded: nothing but the root speaks against it.
      const beside = another(world);
      root.nextBlock = linkTo(present(first.neighbors[0]), linkTo(present(first.paths[0]), beside.block));
      root.nextBlock.nextBlock = under(neighborBlock(null), pathBlock(null));
      await offer(world, root);
      checkRefused(root, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, 'a neighbor that the target has no room for');
      checkEqual([...paths, ...connections.map(({ block }) => block), beside.block].filter(isOffloaded).length, 0, 'objects that were offloaded though the root was refused');
      await checkAlive(world, first.connections);
    },
  },
  {
    id: 'target-initiate-refused-neighbor',
    title: 'A neighbor that is refused takes those above it along; the tree beside it is offloaded',
    rules: ['CHIM-INI-008', 'CHIM-INI-009', 'CHIM-INI-012'],
    requirement: 'C-NDIS-INI',
    requires: ['neighbor-capacity'],
    wishes: { neighborCapacity: 1 },
    run: async (world) => {
      const { root, neighbors, connections } = newTreeOf(world, [[1, 1], [2]]);
      await offer(world, root);
      checkEqual(neighbors.map(isOffloaded), [true, false], 'which of two neighbors were offloaded where one has room');
      checkEqual(connections.map(({ isOffloaded: isTaken }) => isTaken), [true, true, false, false], 'which connections were offloaded');
      await checkAlive(world, connections.slice(0, 2));
    },
  },
  {
    id: 'target-initiate-refused-chain',
    title: 'The send data of a connection that is refused is neither changed nor completed, and can be offered again',
    rules: ['CHIM-INI-014', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity', 'virtual-time'],
    wishes: { connectionCapacity: 1 },
    run: async (world) => {
      const first = await world.connect();
      const chain = world.host.list(pattern(0, 100), pattern(100, 1), pattern(101, 200));
      const nbls = membersOf(chain);
      for (const nbl of nbls) nbl.status = UNWRITTEN;
      const refused = new WorldConnection(world, world.tcp({ chain }));
      const root = world.neighbor(world.path([refused.block]));
      await offer(world, root);
      check(!refused.isOffloaded, 'a connection was offloaded that the target has no room for');
      await world.advance(5000);
      check(refused.block.netBufferListChain === chain, 'the chain of a connection that was refused is not in its block any more');
      checkEqual(membersOf(chain).map((nbl) => nbls.indexOf(nbl)), [0, 1, 2], 'the members of a chain that was refused');
      checkEqual(nbls.map(({ status }) => status), [UNWRITTEN, UNWRITTEN, UNWRITTEN], 'the statuses of NBLs whose connection was refused');
      checkBytes(concat(nbls.map(netBufferListBytes)), pattern(0, 301), 'the data of NBLs whose connection was refused');
      checkEqual(world.host.entries('dataComplete').length, 0, 'completions of NBLs whose connection was refused');
      await takeBack(world, first);
      const again = new WorldConnection(world, world.tcp({ chain }));
      await offer(world, world.neighbor(world.path([again.block])));
      await world.until(() => world.host.entries('dataComplete').flatMap((entry) => entry.nbls).length === 3, 'the completion of send data that was offered again');
      const completed = world.host.entries('dataComplete').flatMap((entry) => entry.nbls);
      checkEqual(completed.map(({ nbl, bytesTransferred, status }) => [nbls.indexOf(nbl), bytesTransferred, status]), [[0, 100, 0], [1, 1, 0], [2, 200, 0]], 'which NBLs, bytes and statuses were completed after they were offered again');
    },
  },
  {
    id: 'target-initiate-again-after-refusal',
    title: 'A refusal keeps nothing: as often as it happens, there is as much room as before',
    rules: ['CHIM-INI-013', 'CHIM-INI-012'],
    requirement: 'C-NDIS-INI',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 2 },
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[2]]);
      await offer(world, root);
      const [neighbor, path] = [present(neighbors[0]), present(paths[0])];
      const offerOne = async (): Promise<WorldConnection> => {
        const one = another(world);
        await offer(world, linkTo(neighbor, linkTo(path, one.block)));
        return one;
      };
      for (let time = 0; time < 3; time++) {
        checkRefused((await offerOne()).block, NDIS_STATUS_OFFLOAD_TCP_ENTRIES, 'a connection that there is no entry for');
      }
      await takeBack(world, ...connections);
      const next = [await offerOne(), await offerOne(), await offerOne()];
      checkEqual(next.map(({ isOffloaded: isTaken }) => isTaken), [true, true, false], 'which of three connections were offloaded where two have room');
      await checkAlive(world, next.slice(0, 2));
    },
  },
  {
    id: 'target-initiate-overlapping',
    title: 'Initiates that are under way at the same time are each completed, and each takes its own tree over',
    rules: ['CHIM-INI-013', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const trees = [newTreeOf(world, [[1]]), newTreeOf(world, [[1, 2]]), newTreeOf(world, [[1], [1]])];
      const checks = trees.map(({ root }) => poisoned(root));
      for (const { root } of trees) world.begin('initiate', root);
      for (const { root } of trees) await world.completed('initiate', root);
      for (const checkOutcome of checks) checkOutcome(world);
      const connections = trees.flatMap((tree) => tree.connections);
      check(connections.every(({ isOffloaded: isTaken }) => isTaken), 'a connection of overlapping initiates was not offloaded');
      await checkAlive(world, connections);
    },
  },
  {
    id: 'target-initiate-states',
    title: 'Connections are taken over in each of the six states from ESTABLISHED to LAST-ACK',
    rules: ['CHIM-INI-009', 'CHIM-ST-001'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const inFlight: readonly number[] = [TcpConnectionFinWait1, TcpConnectionClosing, TcpConnectionLastAck];
      const states = [TcpConnectionEstablished, TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck];
      for (const state of states) {
        const connection = await world.connect({
          change: ({ delegated }) => {
            present(delegated).state = state;
            if (!inFlight.includes(state)) return;
            // The FIN, which was sent and not acknowledged.
            present(delegated).sndNxt = (present(delegated).sndUna + 1) | 0;
            present(delegated).sndMax = present(delegated).sndNxt;
          },
        });
        const { delegated } = await connection.query();
        const after = present(delegated).state;
        // The peer may have acknowledged a FIN meanwhile, and nothing else happens by itself.
        if (!inFlight.includes(state)) checkEqual(after, state, 'the state of a connection right after the initiate');
        else check(after === state || after === NEXT_WHEN_ACKED[state], `a connection that came in state ${state} is in state ${after}`);
      }
    },
  },
  {
    id: 'target-initiate-closing',
    title: 'A connection that comes with its FIN under way goes on to close when the peer acknowledges it',
    rules: ['CHIM-INI-009', 'CHIM-ST-001'],
    requirement: 'C-NDIS-INI',
    requires: ['peer'],
    run: async (world) => {
      for (const [state, next] of Object.entries(NEXT_WHEN_ACKED)) {
        const connection = await world.connect({
          change: ({ delegated }) => {
            present(delegated).state = Number(state) as TCP_OFFLOAD_CONNECTION_STATE;
            present(delegated).sndNxt = (present(delegated).sndUna + 1) | 0;
            present(delegated).sndMax = present(delegated).sndNxt;
          },
        });
        const peer = await connection.peer();
        checkEqual(await world.wait(peer.read(), 'the FIN at the peer'), null, 'what the peer reads of a connection that came with its FIN under way');
        let now = Number(state);
        for (let waited = 0; waited < 100 && now === Number(state); waited++) {
          await world.advance(50);
          now = present((await connection.query()).delegated).state;
        }
        checkEqual(now, next, `the state of a connection that came in state ${state}, after its FIN reached the peer`);
        checkEqual((present((await connection.query()).delegated).sndUna - connection.sndUna) | 0, 1, 'sequence numbers that are acknowledged of a FIN');
      }
    },
  },
  {
    id: 'target-initiate-handles',
    title: 'Indications and completions name the handle that a connection was offered with, in a tree of many',
    rules: ['CHIM-INI-013', 'CHIM-EVT-019'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { root, connections } = newTreeOf(world, [[2], [2]]);
      connections.forEach(({ block }, at) => {
        present((block.state as TcpOffloadState).delegated).bufferedData = world.host.list(pattern(1000 * at, 10 + at));
      });
      await offer(world, root);
      // What does not fit its request is indicated.
      for (const connection of connections) connection.post([5]);
      for (const [at, connection] of connections.entries()) {
        await world.until(() => connection.received.length >= 10 + at, `the delivery of what connection ${at} brought along`);
        checkBytes(connection.received, pattern(1000 * at, 10 + at), `what was delivered to connection ${at}`);
      }
    },
  },
];
