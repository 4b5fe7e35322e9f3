import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  formatNdisStatus,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type OffloadBlockState,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { present } from '../probes/present.ts';
import { ProbeContext, type ProbeOperation } from '../probes/probe-target.ts';
import { blocksOf } from '../probes/trees.ts';
import { identityOf } from '../world/case-target.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const nameOf = (operation: ProbeOperation): string => `${operation === 'initiate' || operation === 'update' || operation === 'invalidate' ? 'an' : 'a'} ${operation}`;

const isTaken = (status: NDIS_STATUS): boolean => status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;

/** Completes an initiate with one status per object, contexts in the cells of those that were taken. */
async function completeInitiate(world: IntermediateWorld, statuses: ReadonlyMap<string, NDIS_STATUS>): Promise<void> {
  await world.completeTrees({
    change: (block) => {
      const status = statuses.get(identityOf(block)) ?? NDIS_STATUS_SUCCESS;
      block.status = status;
      const [cell, handle] = [present(block.miniportOffloadContext), present(block.ndisOffloadHandle)];
      cell.miniportOffloadContext = isTaken(status) ? new ProbeContext(handle, block.header.type) : null;
    },
  });
}

export const stateStatusCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-initiate-statuses',
    title: 'GV-INI-1: each block of an initiate comes back with the status the target gave it, what was taken with a filled cell, what was not with an empty one',
    rules: ['CHIM-IM-006', 'CHIM-IM-013', 'CHIM-IM-002'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { host } = world;
      const tree = world.tree({ neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 2 });
      const blocks = blocksOf(tree.root);
      const { SUCCESS, PARTIAL, FAILURE } = { SUCCESS: NDIS_STATUS_SUCCESS, PARTIAL: NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, FAILURE: NDIS_STATUS_FAILURE };
      // Traversal: a neighbor, a path, its connections, the next path and its connections, then the other neighbor.
      const statuses = [PARTIAL, PARTIAL, SUCCESS, NDIS_STATUS_RESOURCES, NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, FAILURE, FAILURE, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, FAILURE, FAILURE, FAILURE, FAILURE, NDIS_STATUS_OFFLOAD_TCP_ENTRIES, FAILURE];
      host.initiate(tree.root, world.binding);
      await world.settle();
      await completeInitiate(world, new Map(blocks.map((block, at) => [identityOf(block), present(statuses[at])])));
      checkEqual(host.entries('stateComplete').length, 1, 'completions of an initiate that failed in part');
      for (const [at, block] of blocks.entries()) {
        const wanted = present(statuses[at]);
        checkEqual(formatNdisStatus(block.status), formatNdisStatus(wanted), `the status of block ${at}`);
        const handle = present(block.offloadHandle);
        checkEqual(handle.state, isTaken(wanted) ? 'offloaded' : 'dead', `the state of the object of block ${at}`);
        check((handle.miniportOffloadContext !== null) === isTaken(wanted), `the cell of block ${at} is ${isTaken(wanted) ? 'empty, though the object was taken' : 'filled, though the object was not taken'}`);
      }
      const list = host.send(present(blocks[2]?.offloadHandle), 'works');
      await world.completeAll();
      checkSame(host.entries('dataComplete').map((entry) => entry.list), [list], 'sends on the connection that was taken');
    },
  },
  {
    id: 'intermediate-linker-statuses',
    title: 'GV-INI-3: linkers come back with the status the target gave them, and what they name stays offloaded whatever that is',
    rules: ['CHIM-IM-013', 'CHIM-IM-006', 'CHIM-IM-007', 'CHIM-ST-001'],
    requirement: 'C-NDIS-INI',
    requires: ['transparent'],
    run: async (world) => {
      const first = await world.offload();
      const [neighbor, path] = [present(first.neighbors[0]), present(first.paths[0])];
      const outcomes = [
        [NDIS_STATUS_SUCCESS, [NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]],
        [NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, [NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_TCP_ENTRIES]],
        [NDIS_STATUS_FAILURE, [NDIS_STATUS_RESOURCES, NDIS_STATUS_OFFLOAD_TCP_ENTRIES]],
      ] as const;
      for (const [ofPath, ofConnections] of outcomes) {
        const { root, connections } = world.tree({ connectionsPerPath: 2 });
        const [linkedNeighbor, linkedPath] = [root, present(root.dependentBlockList)];
        for (const [block, handle] of [[linkedNeighbor, neighbor], [linkedPath, path]] as const) {
          block.offloadHandle = handle;
          block.state = null;
        }
        world.begin('initiate', root);
        await world.settle();
        const own = connections.map((connection) => world.below(connection).handle);
        await world.completeTrees({
          change: (block) => {
            const at = own.findIndex((handle) => handle === block.ndisOffloadHandle);
            block.status = at < 0 ? ofPath : present(ofConnections[at]);
            if (at >= 0 && !isTaken(block.status)) present(block.miniportOffloadContext).miniportOffloadContext = null;
          },
        });
        checkEqual(blocksOf(root).map(({ status }) => formatNdisStatus(status)), [ofPath, ofPath, ...ofConnections].map(formatNdisStatus), 'statuses of two linkers and two new connections');
        checkEqual(connections.map(({ state }) => state), ofConnections.map((status) => (isTaken(status) ? 'offloaded' : 'dead')), 'what became of new connections under linkers');
        checkEqual([neighbor, path].map(({ state }) => state), ['offloaded', 'offloaded'], 'what became of the objects that the linkers name');
        const query = operationTree('query', first.root);
        world.begin('query', query);
        await world.completeTrees();
        checkEqual(blocksOf(query).map(({ status }) => status), [0, 0, 0].map(() => NDIS_STATUS_SUCCESS), 'statuses of a query of the objects that the linkers name');
      }
    },
  },
  {
    id: 'intermediate-operation-statuses',
    title: 'Query, update and invalidate come back with the status of each block as the target gave it',
    rules: ['CHIM-IM-013', 'CHIM-IM-002'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const { root } = await world.offload({ pathsPerNeighbor: 2, connectionsPerPath: 2 });
      for (const operation of ['query', 'update', 'invalidate'] as const) {
        const count = blocksOf(root).length;
        for (const failing of [0, 1, 3, count - 1]) {
          const tree = operationTree(operation, root);
          const victim = world.below(present(blocksOf(tree)[failing]?.offloadHandle)).handle;
          world.begin(operation, tree);
          await world.completeTrees({
            change: (block) => {
              if (block.ndisOffloadHandle === victim) block.status = NDIS_STATUS_FAILURE;
            },
          });
          const expected = Array.from({ length: count }, (_, at) => (at === failing ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS));
          checkEqual(blocksOf(tree).map(({ status }) => status), expected, `statuses of ${nameOf(operation)}, of which block ${failing} failed`);
        }
      }
    },
  },
  {
    id: 'intermediate-terminate-failure',
    title: 'A terminate that fails for one object leaves that one where it is: the others are gone, it gives events still, and a second terminate takes it',
    rules: ['CHIM-TRM-019', 'CHIM-IM-002', 'CHIM-IM-007', 'CHIM-IM-013', 'CHIM-ST-001'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 3 });
      const victim = present(connections[1]);
      const { target, handle } = world.below(victim);
      const root = host.connections(...connections);
      world.begin('terminate', root);
      await world.completeTrees({
        change: (block) => {
          if (block.ndisOffloadHandle === handle) block.status = NDIS_STATUS_FAILURE;
        },
      });
      checkEqual(blocksOf(root).map(({ status }) => status), [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS], 'statuses of the terminate');
      checkEqual(connections.map(({ state }) => state), ['dead', 'lost', 'dead'], 'what became of the connections');
      await world.atDispatch(() => {
        target.event(handle, 1, 4711);
      });
      checkSame(host.entries('event').map((entry) => entry.handle), [victim], 'events of the connection that could not be taken back');
      world.begin('terminate', host.connections(victim));
      await world.settle();
      checkSame(target.trees.map(({ tree }) => tree.ndisOffloadHandle), [handle], 'what the second terminate names at the target');
      await world.completeTrees();
      checkEqual(victim.state, 'dead', 'the state of the connection after the second terminate');
    },
  },
  {
    id: 'intermediate-queried-state',
    title: 'What the target writes into the state of a query or a terminate is what the host reads there',
    rules: ['CHIM-IM-013', 'CHIM-BLK-010'],
    requirement: 'C-NDIS-QRY',
    requires: ['transparent'],
    run: async (world) => {
      const { root } = await world.offload({ connectionsPerPath: 2 });
      for (const operation of ['query', 'terminate'] as const) {
        const tree = operationTree(operation, root);
        world.begin(operation, tree);
        let number = 0;
        const written: number[] = [];
        await world.completeTrees({
          change: ({ state }: MiniportOffloadBlockList) => {
            const delegated = (state as OffloadBlockState<unknown, unknown, { sndUna?: number; rcvNxt?: number; nicReachabilityDelta?: number }> | null)?.delegated;
            if (delegated == null) return;
            number += 1001;
            if (delegated.sndUna !== undefined) Object.assign(delegated, { sndUna: number, rcvNxt: -number });
            else if (delegated.nicReachabilityDelta !== undefined) delegated.nicReachabilityDelta = number;
            written.push(number);
          },
        });
        const found = blocksOf(tree).flatMap(({ state }) => {
          const delegated = (state as OffloadBlockState<unknown, unknown, { sndUna?: number; rcvNxt?: number; nicReachabilityDelta?: number }>).delegated;
          if (delegated === null) return [];
          if (delegated.sndUna === undefined) return [delegated.nicReachabilityDelta ?? written[1]];
          return [delegated.rcvNxt === -delegated.sndUna ? delegated.sndUna : NaN];
        });
        checkEqual(found, written, `delegated state that ${nameOf(operation)} brought`);
      }
    },
  },
  {
    id: 'intermediate-offered-again',
    title: 'An object that was refused, and one that was taken back, may be offered again: nothing of its former life is left in the driver',
    rules: ['CHIM-IM-006', 'CHIM-IM-007', 'CHIM-ST-001', 'CHIM-ST-003'],
    requirement: 'C-NDIS-ST',
    run: async (world) => {
      const { host } = world;
      const used = new Set<unknown>();
      for (let round = 0; round < 6; round++) {
        const { root, connections } = world.tree({ connectionsPerPath: 2 });
        host.initiate(root, world.binding);
        await world.settle();
        for (const { tree } of world.targets.flatMap(({ trees }) => trees)) {
          for (const { ndisOffloadHandle } of blocksOf(tree)) {
            check(!used.has(ndisOffloadHandle), 'an object went down under a handle that was used before');
            used.add(ndisOffloadHandle);
          }
        }
        if (round % 2 === 0) {
          await completeInitiate(world, new Map(blocksOf(root).map((block) => [identityOf(block), NDIS_STATUS_RESOURCES])));
          checkEqual(connections.map(({ state }) => state), ['dead', 'dead'], 'what became of connections that were refused');
          continue;
        }
        await world.completeTrees();
        checkEqual(connections.map(({ state }) => state), ['offloaded', 'offloaded'], 'what became of connections that were offered after a refusal');
        const list = host.send(present(connections[0]), `round ${round}`);
        await world.completeAll();
        checkSame(host.entries('dataComplete').slice(-1).map((entry) => entry.list), [list], 'sends that came back');
        const own = connections.map((connection) => world.below(connection).handle);
        await world.terminateAll();
        checkEqual(own.map(({ state, miniportOffloadContext }) => [state, miniportOffloadContext]), [['dead', null], ['dead', null]], 'the driver’s handles of connections that were taken back');
      }
    },
  },
];
