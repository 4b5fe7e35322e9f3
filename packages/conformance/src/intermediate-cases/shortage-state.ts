import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  type NetBufferList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf } from '../probes/trees.ts';
import { LATER_OPERATIONS, operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const hasFailed = (root: ProtocolOffloadBlockList): boolean => blocksOf(root).every(({ status }) => status === NDIS_STATUS_FAILURE);

const clean = (nbls: readonly NetBufferList[]): boolean => nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null);

export const stateShortageCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-initiate-without-memory',
    title: 'An initiate without memory fails in every block, from a DPC, with its send data untouched; once there is memory the next succeeds',
    rules: ['CHIM-IM-001', 'CHIM-IM-006', 'CHIM-BLK-009', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-INI',
    requires: ['state-shortage'],
    wishes: { objects: 5 },
    run: async (world) => {
      const { host } = world;
      const first = await world.offload();
      const { root, connections, neighbors, paths } = world.tree();
      const block = present(present(root.dependentBlockList).dependentBlockList);
      const members = membersOf(block.netBufferListChain = host.list('a', 'b'));
      host.initiate(root, world.binding);
      checkEqual(host.entries('stateComplete').length, 1, 'initiates that were completed, the second inside its own call');
      await world.settle();
      checkSame(host.entries('stateComplete').slice(1).map((entry) => entry.root), [root], 'initiates that came back');
      check(hasFailed(root), 'a block of an initiate without memory did not fail');
      checkEqual([...neighbors, ...paths, ...connections].map(({ state, miniportOffloadContext }) => [state, miniportOffloadContext]), [['dead', null], ['dead', null], ['dead', null]], 'objects of an initiate without memory');
      checkEqual(world.targets.flatMap(({ trees }) => trees).length, 0, 'trees that went down without memory');
      checkSame(membersOf(block.netBufferListChain), members, 'send data of an initiate without memory');
      check(clean(members), 'send data of an initiate without memory is not as it was');
      checkEqual(present(first.connections[0]).state, 'offloaded', 'the state of the connection that there was memory for');
      await world.terminateAll();
      await world.offload();
    },
  },
  {
    id: 'intermediate-operations-without-memory',
    title: 'State operations without memory are not lost: they go down once there is some, in order, or fail, never inside their call',
    rules: ['CHIM-IM-001', 'CHIM-IM-002', 'CHIM-BLK-008', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-BLK',
    requires: ['state-shortage'],
    wishes: { operations: 1 },
    run: async (world) => {
      const { host } = world;
      const { connections, root } = await world.offload({ connectionsPerPath: 4 });
      host.journal.length = 0;
      const own = (at: number): ProtocolOffloadBlockList => host.connections(present(connections[at]));
      const begun = [['query', own(0)], ['update', own(1)], ['query', own(0)], ['invalidate', own(2)], ['terminate', own(3)]] as const;
      for (const [operation, tree] of begun) world.begin(operation, tree);
      checkEqual(host.entries('stateComplete').length, 0, 'operations that were completed inside their own call');
      await world.settle();
      checkEqual(world.targets.flatMap(({ trees }) => trees).length, 1, 'operations that went down with memory for one');
      const order = await world.completeTrees();
      const entries = host.entries('stateComplete');
      checkEqual(entries.map((entry) => begun.findIndex(([, tree]) => tree === entry.root)).sort((a, b) => a - b), [0, 1, 2, 3, 4], 'operations that came back');
      const relayed = begun.filter(([, tree]) => !hasFailed(tree)).map(([operation]) => operation);
      checkEqual(order, relayed, 'operations that went down, in order');
      for (const operation of LATER_OPERATIONS) {
        if (operation === 'terminate') break;
        const tree = operationTree(operation, present(host.handles.get(present(connections[0]))));
        tree.nextBlock = null;
        world.begin(operation, tree);
        await world.completeTrees();
        checkEqual(tree.status, NDIS_STATUS_SUCCESS, `the status of a ${operation} when there is memory again`);
      }
      // What is begun when one has made room, and another waits, goes behind that.
      const [below, waiting, later] = [own(0), own(1), own(2)];
      host.journal.length = 0;
      host.whenCalled = (entry) => {
        if (entry.kind === 'stateComplete' && entry.root === below) world.begin('invalidate', later);
      };
      world.begin('query', below);
      world.begin('update', waiting);
      const second = await world.completeTrees();
      host.whenCalled = null;
      checkEqual(host.entries('stateComplete').length, 3, 'operations that came back, one of them begun when another did');
      checkEqual(second, (['query', 'update', 'invalidate'] as const).filter((_, at) => !hasFailed(present([below, waiting, later][at]))), 'operations that went down, the last begun when the first came back');
      check(root.state !== null, 'the tree of the initiate was changed long after it had come back');
    },
  },
  {
    id: 'intermediate-memory-comes-back',
    title: 'What the driver keeps per operation, object and NET_BUFFER_LIST comes back when these end, however they end',
    rules: ['CHIM-IM-007', 'CHIM-IM-006'],
    requirement: 'C-NDIS-IM',
    requires: ['state-shortage', 'nbl-shortage'],
    wishes: { operations: 1, objects: 8, netBufferLists: 4 },
    run: async (world) => {
      const { host } = world;
      for (let round = 0; round < 12; round++) {
        const { root, connections } = world.tree();
        const block = present(present(root.dependentBlockList).dependentBlockList);
        const chain = block.netBufferListChain = host.list('chained');
        host.initiate(root, world.binding);
        const isRefused = round % 3 === 1;
        await world.completeTrees({
          change: (below) => {
            if (!isRefused) return;
            below.status = NDIS_STATUS_RESOURCES;
            present(below.miniportOffloadContext).miniportOffloadContext = null;
          },
        });
        checkEqual(present(connections[0]).state, isRefused ? 'dead' : 'offloaded', `the state of the connection of round ${round}`);
        block.netBufferListChain = null;
        if (isRefused) continue;
        const connection = present(connections[0]);
        const { target, handle } = world.below(connection);
        // The chain comes back by completion or with the terminate, by turns.
        if (round % 2 === 0) {
          target.sends.push(chain);
          await world.atDispatch(() => target.completeSends());
        }
        const list = host.send(connection, 'a', 'b', 'c');
        await world.settle();
        checkEqual(target.sends.length, 3, `sends at the target in round ${round}`);
        await world.completeAll();
        checkEqual(list.status, NDIS_STATUS_SUCCESS, `the status of a send of round ${round}`);
        const { status } = await world.atDispatch(() => target.indicate(handle, 'data'));
        checkEqual(status, NDIS_STATUS_SUCCESS, `the answer to an indication of round ${round}`);
        world.begin('terminate', host.connections(connection));
        await world.completeTrees({
          change: (below) => {
            if (round % 2 === 1 && below.ndisOffloadHandle === handle) below.netBufferListChain = chain;
          },
        });
        const { root: back } = present(host.entries('stateComplete').at(-1));
        back.netBufferListChain = null;
        await world.terminateAll();
      }
    },
  },
];
