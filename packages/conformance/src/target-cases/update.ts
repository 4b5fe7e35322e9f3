import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_FLAG_KEEP_ALIVE_RESTART,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_UPDATE_RCV_WND,
  TCP_OFFLOAD_EVENT_TYPE,
  formatNdisStatus,
  type NeighborOffloadState,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, siblings, under } from '../probes/trees.ts';
import { FULL } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { linkTo, newTreeOf } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import { fillCached, fillTcp, pictureOfCached, pictureOfConst, pictureOfDelegated, pictureOfNeighbor, pictureOfPath, stateBlock, type Picture } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** Makes an update. @throws ConformanceFailure unless every block succeeds. */
async function update(world: TargetWorld, root: ProtocolOffloadBlockList): Promise<void> {
  await world.operate('update', root);
  for (const { status, header } of blocksOf(root)) check(status === NDIS_STATUS_SUCCESS, `a block of type ${header.type} of an update ended with ${formatNdisStatus(status)}`);
}

/** Const and cached state of the object that a block offered, as a query gives it now. */
async function stateOf<State>(world: TargetWorld, offered: ProtocolOffloadBlockList): Promise<State> {
  const block = stateBlock(offered, 'all');
  await world.operate('query', block);
  checkEqual(formatNdisStatus(block.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a query around an update');
  return block.state as State;
}

const neighborNow = async (world: TargetWorld, offered: ProtocolOffloadBlockList): Promise<Picture> => pictureOfNeighbor(await stateOf<NeighborOffloadState>(world, offered));
const pathNow = async (world: TargetWorld, offered: ProtocolOffloadBlockList): Promise<Picture> => pictureOfPath(await stateOf<PathOffloadState>(world, offered));
const restNow = async (connection: WorldConnection): Promise<Picture[]> => {
  const state = await connection.query();
  return [pictureOfConst(state), pictureOfDelegated(state)];
};

/** Waits for a send of each connection to be acknowledged. */
async function checkSending(world: TargetWorld, connections: readonly WorldConnection[], when: string): Promise<void> {
  for (const connection of connections) {
    const before = connection.sendCompletions.length;
    connection.send(pattern(0, 1000));
    await world.until(() => connection.sendCompletions.length > before, `the completion of a send ${when}`);
    checkEqual(connection.sendCompletions.at(-1)?.status, NDIS_STATUS_SUCCESS, `the status of a send ${when}`);
  }
}

/** A window larger than that of {@link smallWindow}, for which the target has room. */
function largeWindow({ options }: TargetWorld): number {
  return Math.min(12_000, options.bufferBytes ?? 12_000);
}

/** Less than a segment. */
const SMALL_WINDOW = 1000;

function smallWindow({ cached, delegated }: TcpOffloadState): void {
  present(cached).initialRcvWnd = SMALL_WINDOW;
  present(delegated).rcvWnd = SMALL_WINDOW;
}

async function growWindow(connection: WorldConnection, size: number): Promise<void> {
  const status = await connection.update((cached) => {
    cached.flags |= TCP_FLAG_UPDATE_RCV_WND;
    cached.initialRcvWnd = size;
  });
  checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of an update of the receive window');
}

/** Waits until the target has received so many bytes. @throws ConformanceFailure when it does not. */
async function untilReceived(world: TargetWorld, connection: WorldConnection, byteCount: number): Promise<void> {
  for (let waits = 0; ; waits++) {
    const received = (present((await connection.query()).delegated).rcvNxt - connection.rcvNxt) | 0;
    if (received >= byteCount) return;
    check(waits < WAITS, `${received} bytes were received after the window was made ${byteCount} bytes large`);
    await world.advance(WAIT_MS);
  }
}

/** How often, and how long each time, it is waited for bytes that a window lets in. */
const WAITS = 100;
const WAIT_MS = 300;

/** Restart flags, either of which resets the keepalive counters. */
const RESTARTS = [TCP_FLAG_MAX_RT_RESTART, TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_KEEP_ALIVE_RESTART];

export const updateCases: readonly TargetCase[] = [
  {
    id: 'target-update-connection',
    title: 'An update of a connection changes all of its cached state, nothing else of it, and no other connection',
    rules: ['CHIM-UPD-003', 'CHIM-UPD-004'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const connections = await world.connectAll(3, {
        change: (state) => {
          fillTcp(state);
        },
      });
      const [before, changed, behind] = connections.map((connection) => connection);
      const connection = present(changed);
      const rest = await restNow(connection);
      const cached = stateBlock(connection.block, 'cached');
      const state = cached.state as TcpOffloadState;
      fillCached(present(state.cached), 2);
      const wanted = pictureOfCached(state);
      await update(world, cached);
      checkEqual(pictureOfCached(await connection.query()), wanted, 'cached state after an update');
      checkEqual(await restNow(connection), rest, 'constant and delegated state after an update');
      for (const other of [before, behind]) {
        const { block } = present(other);
        checkEqual(pictureOfCached(await present(other).query()), pictureOfCached(block.state as TcpOffloadState), 'cached state of a connection that was not updated');
      }
      await checkSending(world, connections, 'after an update of one connection');
    },
  },
  {
    id: 'target-update-path-and-neighbor',
    title: 'An update of paths and neighbors changes what is cached of those it names',
    rules: ['CHIM-UPD-003', 'CHIM-UPD-004'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1, 1], [1]]);
      await offer(world, root);
      const wasPath = await pathNow(world, present(paths[1]));
      const wasOther = await neighborNow(world, present(neighbors[1]));
      const neighbor = stateBlock(present(neighbors[0]), 'cached');
      present((neighbor.state as NeighborOffloadState).cached).dlDestinationAddress.set([2, 9, 8, 7, 6, 5]);
      present((neighbor.state as NeighborOffloadState).cached).hostReachabilityDelta = 1;
      const [first, second] = [paths[0], paths[2]].map((path) => stateBlock(present(path), 'cached'));
      present((present(first).state as PathOffloadState).cached).pathMtu = 576;
      present((present(second).state as PathOffloadState).cached).pathMtu = 1280;
      under(neighbor, present(first));
      neighbor.nextBlock = linkTo(present(neighbors[1]), present(second));
      await update(world, neighbor);
      const destination = [...present((present(neighbors[0]).state as NeighborOffloadState).cached).dlDestinationAddress];
      destination.splice(0, 6, 2, 9, 8, 7, 6, 5);
      checkEqual((await neighborNow(world, present(neighbors[0])))['destination'], destination, 'the MAC address of a neighbor after an update');
      checkEqual(await neighborNow(world, present(neighbors[1])), wasOther, 'a neighbor that an update brought nothing for');
      checkEqual([(await pathNow(world, present(paths[0])))['pathMtu'], (await pathNow(world, present(paths[2])))['pathMtu']], [576, 1280], 'the MTUs of two paths after an update');
      checkEqual(await pathNow(world, present(paths[1])), wasPath, 'a path that an update did not name');
      await checkSending(world, connections, 'after an update of paths and neighbors');
    },
  },
  {
    id: 'target-update-alone',
    title: 'Paths and neighbors can be updated by themselves, and keep their constant state',
    rules: ['CHIM-UPD-003'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths } = newTreeOf(world, [[1]], { isIPv6: true });
      await offer(world, root);
      const wasPath = await pathNow(world, present(paths[0]));
      const path = stateBlock(present(paths[0]), 'cached');
      present((path.state as PathOffloadState).cached).pathMtu = 1281;
      await update(world, path);
      checkEqual(await pathNow(world, present(paths[0])), { ...wasPath, pathMtu: 1281 }, 'a path after an update of its own');
      const wasNeighbor = await neighborNow(world, present(neighbors[0]));
      const neighbor = stateBlock(present(neighbors[0]), 'cached');
      await update(world, neighbor);
      checkEqual(await neighborNow(world, present(neighbors[0])), { ...wasNeighbor, destination: Array.from({ length: 32 }, () => 0) }, 'a neighbor after an update of its own');
    },
  },
  {
    id: 'target-update-foreign-state',
    title: 'Constant and delegated state that comes with an update is left alone, whether the update succeeds or fails',
    rules: ['CHIM-UPD-003', 'CHIM-UPD-008', 'CHIM-BLK-006'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1]]);
      await offer(world, root);
      const connection = present(connections[0]);
      const rest = await restNow(connection);
      for (const which of ['const', 'delegated', 'all'] as const) {
        const was = pictureOfCached(await connection.query());
        const block = stateBlock(connection.block, which);
        const state = block.state as TcpOffloadState;
        if (state.const !== null) Object.assign(state.const, { localPort: 1, remotePort: 2, remoteMss: 3, hashValue: 4 });
        if (state.delegated !== null) Object.assign(state.delegated, { rcvNxt: 5, sndUna: 6, cWnd: 7, totalRT: 8, state: 0 });
        if (state.cached !== null) fillCached(state.cached, 2);
        await world.operate('update', block);
        check(block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_FAILURE, `an update ended with ${formatNdisStatus(block.status)}`);
        const isCachedNew = state.cached !== null && block.status === NDIS_STATUS_SUCCESS;
        checkEqual(pictureOfCached(await connection.query()), isCachedNew ? pictureOfCached(state) : was, 'cached state after an update that succeeded or failed');
        checkEqual(await restNow(connection), rest, 'constant and delegated state after an update that brought other');
      }
      const wasBelow = [await pathNow(world, present(paths[0])), await neighborNow(world, present(neighbors[0]))];
      const path = stateBlock(present(paths[0]), 'const');
      present((path.state as PathOffloadState).const).destinationAddress = Uint8Array.of(192, 0, 2, 99);
      present((path.state as PathOffloadState).const).sourceAddress = Uint8Array.of(192, 0, 2, 98);
      const neighbor = stateBlock(present(neighbors[0]), 'const');
      present((neighbor.state as NeighborOffloadState).const).vlanId = 77;
      await world.operate('update', path);
      await world.operate('update', neighbor);
      checkEqual([await pathNow(world, present(paths[0])), await neighborNow(world, present(neighbors[0]))], wasBelow, 'a path and a neighbor after an update that brought constant state');
      await checkSending(world, connections, 'after updates that may have failed');
      checkEqual(connection.events.length, 0, 'events of a connection after updates that may have failed');
    },
  },
  {
    id: 'target-update-relink',
    title: 'Paths that are linked to another neighbor depend on that one and no more on the old one, which can go back',
    rules: ['CHIM-UPD-005', 'CHIM-UPD-003'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1, 1, 1], []]);
      await offer(world, root);
      const [old, next] = neighbors;
      const [first, second, stays] = paths;
      await update(world, linkTo(present(next), linkTo(present(first)), linkTo(present(second))));
      const pictures = [await neighborNow(world, present(next)), await pathNow(world, present(first))];
      checkEqual(pictures, [pictureOfNeighbor(next?.state as NeighborOffloadState), pictureOfPath(first?.state as PathOffloadState)], 'a neighbor and a path after they were linked');
      await checkSending(world, connections, 'after paths were linked to another neighbor');
      await world.operate('invalidate', linkTo(present(old)));
      await checkSending(world, connections.slice(0, 2), 'on a path that was linked away from a neighbor that is invalid now');
      await world.settle();
      checkEqual(connections.slice(0, 2).map(({ events }) => events.length), [0, 0], 'events of connections that were linked away from a neighbor that is invalid now');
      const third = present(connections[2]);
      await world.operate('terminate', present(siblings(third.terminateBlock())));
      await world.operate('terminate', linkTo(present(stays)));
      const gone = linkTo(present(old));
      await world.operate('terminate', gone);
      checkEqual(formatNdisStatus(gone.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the terminate of a neighbor that nothing depends on any more');
      await checkSending(world, connections.slice(0, 2), 'after the old neighbor went back');
    },
  },
  {
    id: 'target-update-relink-from-invalid',
    title: 'A connection whose path is linked from an invalid neighbor to a valid one goes on, unless its upload was asked for',
    rules: ['CHIM-UPD-005', 'CHIM-INV-002'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1], []]);
      await offer(world, root);
      const connection = present(connections[0]);
      await world.operate('invalidate', linkTo(present(neighbors[0])));
      await update(world, linkTo(present(neighbors[1]), linkTo(present(paths[0]))));
      connection.send(pattern(0, 1000));
      await world.until(() => connection.sendCompletions.length > 0, 'the end of a send on a path that was linked to a valid neighbor');
      const status = present(connection.sendCompletions[0]).status;
      const isAskedFor = connection.events.some(({ eventType }) => eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve);
      check(status === NDIS_STATUS_SUCCESS || (isAskedFor && status === NDIS_STATUS_UPLOAD_IN_PROGRESS), `a send on a path that was linked to a valid neighbor ended with ${formatNdisStatus(status)}`);
      // The old neighbor is only waiting to go back.
      const gone = linkTo(present(neighbors[0]));
      await world.operate('terminate', gone);
      checkEqual(formatNdisStatus(gone.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the terminate of an invalid neighbor that nothing depends on any more');
      const uploaded = await connection.terminate();
      const moved = (uploaded.delegated.sndUna - connection.sndUna) | 0;
      checkEqual(moved, status === NDIS_STATUS_SUCCESS ? 1000 : moved, 'bytes acknowledged of a connection whose path was linked to a valid neighbor');
    },
  },
  {
    id: 'target-update-relink-depends',
    title: 'After paths were linked to another neighbor, an invalidate of that one concerns their connections',
    rules: ['CHIM-UPD-005', 'CHIM-INV-003'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1, 1], []]);
      await offer(world, root);
      await update(world, linkTo(present(neighbors[1]), linkTo(present(paths[0]))));
      await world.operate('invalidate', linkTo(present(neighbors[1])));
      const [linked, other] = connections;
      linked?.send(pattern(0, 10));
      await world.until(() => (linked?.events.length ?? 0) > 0, 'the request for an upload of a connection whose new neighbor is invalid');
      await checkSending(world, [present(other)], 'on a path of the old neighbor, which is valid');
      checkEqual(other?.events.length, 0, 'events of a connection whose neighbor is valid');
    },
  },
  {
    id: 'target-update-placeholder',
    title: 'A path below a placeholder is updated and stays linked to its neighbor',
    rules: ['CHIM-UPD-003', 'CHIM-UPD-005'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1], []]);
      await offer(world, root);
      const path = stateBlock(present(paths[0]), 'cached');
      present((path.state as PathOffloadState).cached).pathMtu = 1300;
      await update(world, under(neighborBlock(null), path));
      checkEqual((await pathNow(world, present(paths[0])))['pathMtu'], 1300, 'the MTU of a path that was updated below a placeholder');
      // It depends on the first neighbor still, and not on the second.
      await world.operate('invalidate', linkTo(present(neighbors[1])));
      await checkSending(world, connections, 'on a path that was updated below a placeholder');
      await world.operate('invalidate', linkTo(present(neighbors[0])));
      connections[0]?.send(pattern(0, 10));
      await world.until(() => (connections[0]?.events.length ?? 0) > 0, 'the request for an upload of a connection whose neighbor is invalid');
    },
  },
  {
    id: 'target-update-restart',
    title: 'Restart flags of an update reset the time spent on retransmissions and the keepalive probes; without them both stay',
    rules: ['CHIM-UPD-007'],
    requirement: 'C-NDIS-UPD',
    run: async (world) => {
      for (const flags of RESTARTS) {
        const connection = await world.connect({
          change: ({ delegated }) => {
            present(delegated).totalRT = 4321;
          },
        });
        await connection.update((cached) => {
          cached.kaTimeout = 7_100_000;
        });
        checkEqual(present((await connection.query()).delegated).totalRT, 4321, 'TotalRT after an update without restart');
        await connection.update((cached) => {
          cached.flags |= flags;
          cached.kaTimeout = 7_000_000;
          cached.kaProbeCount = 9;
          cached.maxRT = 30_000;
        });
        const { totalRT, keepAlive } = present((await connection.query()).delegated);
        checkEqual([totalRT, keepAlive.probeCount], [0, 0], 'TotalRT and keepalive probes after an update with restart');
      }
    },
  },
  {
    id: 'target-update-window',
    title: 'A receive window that an update makes larger is advertised: the peer can send more than before',
    rules: ['CHIM-UPD-006', 'CHIM-UPD-004'],
    requirement: 'C-NDIS-UPD',
    requires: ['peer'],
    run: async (world) => {
      world.host.appetite = FULL;
      const size = largeWindow(world);
      const connection = await world.connect({ change: smallWindow });
      const peer = await connection.peer();
      const written = peer.write(pattern(0, size));
      await world.until(() => connection.indications.length > 0, 'the indication of the first bytes');
      await world.settle();
      // By less than a segment it need not be shown to grow (RFC 9293 section 3.8.6.2.2).
      const grown = SMALL_WINDOW + present((await connection.query()).const).remoteMss;
      await growWindow(connection, grown);
      await untilReceived(world, connection, grown);
      await growWindow(connection, size);
      await world.wait(written, `the acknowledgment of ${size} bytes after the window was made so large`);
      checkEqual((present((await connection.query()).delegated).rcvNxt - connection.rcvNxt) | 0, size, 'bytes received after the window was made larger');
    },
  },
  {
    id: 'target-update-window-unused',
    title: 'A receive window can be made larger before anything was received',
    rules: ['CHIM-UPD-006', 'CHIM-UPD-004'],
    requirement: 'C-NDIS-UPD',
    requires: ['peer'],
    run: async (world) => {
      world.host.appetite = FULL;
      const size = largeWindow(world);
      const connection = await world.connect({ change: smallWindow });
      await growWindow(connection, size);
      const peer = await connection.peer();
      await world.wait(peer.write(pattern(0, size)), `the acknowledgment of ${size} bytes after the window was made so large`);
      checkEqual((present((await connection.query()).delegated).rcvNxt - connection.rcvNxt) | 0, size, 'bytes received after the window was made larger');
    },
  },
];
