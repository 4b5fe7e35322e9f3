import { NDIS_OFFLOAD_SUPPORTED, NDIS_STATUS_SUCCESS, OFFLOAD_STATE_TYPE, formatNdisStatus, type PathOffloadState } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf } from '../probes/trees.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { linkTo, newTreeOf, takeBack } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import { pictureOfCached, pictureOfConst, pictureOfDelegated, pictureOfPath, stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** What becomes of the same operations, one after the other. */
async function lifeOf(world: TargetWorld, isIPv6: boolean): Promise<unknown[]> {
  const seen: unknown[] = [];
  const { root, neighbors, paths, connections } = newTreeOf(world, [[2, 1]], { isIPv6, buffered: [40] });
  await offer(world, root);
  seen.push(blocksOf(root).map(({ status }) => formatNdisStatus(status)));
  for (const connection of connections) {
    const state = await connection.query();
    seen.push({ ...pictureOfConst(state), localPort: 0 }, pictureOfCached(state), pictureOfDelegated(state));
    connection.post([30]);
    connection.send(pattern(0, 3000), pattern(3000, 1));
  }
  await world.until(() => connections.every(({ sendCompletions, received }) => sendCompletions.length === 2 && received.length >= 40), 'the completion of sends and the delivery of what came along');
  seen.push(connections.map(({ sendCompletions }) => sendCompletions.map(({ status, bytesTransferred }) => [formatNdisStatus(status), bytesTransferred])), connections.map(({ received }) => [...received]));
  const path = stateBlock(present(paths[0]), 'cached');
  present((path.state as PathOffloadState).cached).pathMtu = 1280;
  await world.operate('update', path);
  const query = stateBlock(present(paths[0]), 'all');
  await world.operate('query', query);
  const picture = pictureOfPath(query.state as PathOffloadState);
  checkEqual(picture, { ...pictureOfPath(paths[0]?.state as PathOffloadState), pathMtu: 1280 }, `state of a path of IPv${isIPv6 ? 6 : 4} after an update`);
  seen.push(formatNdisStatus(path.status), formatNdisStatus(query.status), picture['pathMtu']);
  await world.operate('invalidate', linkTo(present(neighbors[0])));
  await takeBack(world, ...connections);
  seen.push(connections.map(({ handle }) => handle.state));
  return seen;
}

export const addressFamiliesCases: readonly TargetCase[] = [
  {
    id: 'target-parity-life',
    title: 'Connections of IPv4 and of IPv6 go through the same life with the same results',
    rules: ['CHIM-INI-009', 'CHIM-QRY-001', 'CHIM-UPD-003', 'CHIM-BLK-005'],
    requirement: 'C-PARITY',
    run: async (world) => {
      const capabilities = present(present(world.host.bindings.at(-1)).parameters.tcpConnectionOffloadCapabilities);
      checkEqual([capabilities.supportIPv4, capabilities.supportIPv6], [NDIS_OFFLOAD_SUPPORTED, NDIS_OFFLOAD_SUPPORTED], 'support of IPv4 and of IPv6');
      const four = await lifeOf(world, false);
      const six = await lifeOf(world, true);
      for (const [at, seen] of four.entries()) checkEqual(six[at], seen, `result ${at} of the life of IPv6 connections, compared with IPv4`);
    },
  },
  {
    id: 'target-parity-mixed',
    title: 'One tree can hold IPv4 and IPv6 paths, and every connection of both works',
    rules: ['CHIM-INI-009', 'CHIM-INI-013'],
    requirement: 'C-PARITY',
    run: async (world) => {
      const [four, six] = [newTreeOf(world, [[2]]), newTreeOf(world, [[1, 1]], { isIPv6: true })];
      four.root.nextBlock = six.root;
      await offer(world, four.root);
      const blocks = blocksOf(four.root);
      checkEqual(blocks.filter(({ status }) => status !== NDIS_STATUS_SUCCESS).length, 0, 'blocks of a mixed tree that were not offloaded');
      checkEqual(blocks.filter(({ header }) => header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState).length, 2, 'IPv6 paths of a mixed tree');
      const connections = [...four.connections, ...six.connections];
      for (const connection of connections) connection.send(pattern(0, 500));
      await world.until(() => connections.every(({ sendCompletions }) => sendCompletions.length === 1), 'the completion of sends in a mixed tree');
      check(connections.every(({ sendCompletions }) => sendCompletions[0]?.status === NDIS_STATUS_SUCCESS), 'a send in a mixed tree failed');
    },
  },
  {
    id: 'target-parity-data',
    title: 'Bytes go both ways over IPv4 and over IPv6',
    rules: ['CHIM-ST-007', 'CHIM-ST-008'],
    requirement: 'C-PARITY',
    requires: ['peer'],
    run: async (world) => {
      for (const isIPv6 of [false, true]) {
        const connection = await world.connect({ isIPv6 });
        const peer = await connection.peer();
        connection.send(pattern(0, 2000));
        for (let read = 0; read < 2000; ) {
          const bytes = present(await world.wait(peer.read(), 'bytes at the peer'));
          checkBytes(Uint8Array.from(bytes), pattern(read, bytes.length), `what the peer of an IPv${isIPv6 ? 6 : 4} connection got`);
          read += bytes.length;
        }
        await world.wait(peer.write(pattern(0, 3000)), 'the acknowledgment of what the peer wrote');
        await world.until(() => connection.received.length >= 3000, 'the delivery of what the peer wrote');
        checkBytes(connection.received, pattern(0, 3000), `what the host got of an IPv${isIPv6 ? 6 : 4} connection`);
      }
    },
  },
];
