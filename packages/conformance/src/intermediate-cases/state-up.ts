import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { present } from '../probes/present.ts';
import { type ProbeOperation } from '../probes/probe-target.ts';
import { tcpState } from '../probes/states.ts';
import { blocksOf } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { LATER_OPERATIONS, operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { checkMembers, fillReserved, membersOfTree, statesOf } from './state-trees.ts';

const nameOf = (operation: ProbeOperation): string => `${operation === 'initiate' || operation === 'update' || operation === 'invalidate' ? 'an' : 'a'} ${operation}`;

/** Makes each of the five operations on one set of objects, in turn, each with a tree of its own. */
async function eachOperation(world: IntermediateWorld, run: (operation: ProbeOperation, root: ProtocolOffloadBlockList) => Promise<void>): Promise<void> {
  const { root } = world.tree({ neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 2 });
  await run('initiate', root);
  for (const operation of LATER_OPERATIONS) await run(operation, operationTree(operation, root));
}

export const stateUpCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-same-tree-up',
    title: 'Each state operation comes back once, by its own completion, in the very tree that went down: the same root, links, handles and state',
    rules: ['CHIM-IM-002', 'CHIM-IM-003', 'CHIM-BLK-003', 'CHIM-BLK-008', 'CHIM-BLK-010', 'CHIM-TRM-019'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const { host } = world;
      await eachOperation(world, async (operation, root) => {
        const before = membersOfTree(root);
        const states = statesOf(root);
        host.journal.length = 0;
        world.begin(operation, root);
        await world.completeTrees();
        // The target of the case writes nothing, and reads what an initiate and an update bring.
        if (operation === 'initiate' || operation === 'update') checkEqual(statesOf(root), states, `state in the blocks of ${nameOf(operation)}`);
        const entries = host.entries('stateComplete');
        checkEqual(entries.length, 1, `completions of ${nameOf(operation)}`);
        checkEqual(entries[0]?.operation, operation, `what ${nameOf(operation)} was completed as`);
        check(entries[0]?.root === root, `${nameOf(operation)} came back in another root`);
        checkMembers(root, before, `the tree of ${nameOf(operation)}`);
        for (const { status } of blocksOf(root)) checkEqual(status, NDIS_STATUS_SUCCESS, `the status of a block of ${nameOf(operation)} that succeeded`);
      });
    },
  },
  {
    id: 'intermediate-im-reserved',
    title: 'GV-IM-2: ImReserved and SourceHandle of every block come back as they were, through two drivers too, whatever they hold meanwhile',
    rules: ['CHIM-IM-004', 'CHIM-BLK-010'],
    requirement: 'C-NDIS-IM',
    wishes: { drivers: 2 },
    run: async (world) => {
      await eachOperation(world, async (operation, root) => {
        fillReserved(root);
        const before = membersOfTree(root);
        let isInCallback = false;
        world.host.whenCalled = (entry) => {
          if (entry.kind !== 'stateComplete') return;
          isInCallback = true;
          checkMembers(entry.root, before, `in the completion of ${nameOf(operation)} the tree`);
        };
        world.begin(operation, root);
        await world.completeTrees();
        world.host.whenCalled = null;
        check(isInCallback, `${nameOf(operation)} did not come back`);
        checkMembers(root, before, `the tree of ${nameOf(operation)}`);
      });
    },
  },
  {
    id: 'intermediate-completed-in-the-entry',
    title: 'A target may complete a state operation before its entry returns: the host gets it back once',
    rules: ['CHIM-BLK-008', 'CHIM-IM-002'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const { host } = world;
      for (const target of world.targets) {
        for (const operation of ['initiate', ...LATER_OPERATIONS] as const) {
          target.calls.on(`miniport${operation.charAt(0).toUpperCase()}${operation.slice(1)}Offload`, (_adapter: unknown, tree: MiniportOffloadBlockList) => {
            target.trees.push({ operation, tree });
            target.completeTree(operation);
          });
        }
      }
      await eachOperation(world, async (operation, root) => {
        host.journal.length = 0;
        world.begin(operation, root);
        await world.settle();
        // The probe has put it with what it holds, as it does with all it is given.
        for (const target of world.targets) target.trees.length = 0;
        checkSame(host.entries('stateComplete').map((entry) => entry.root), [root], `completions of ${nameOf(operation)} that the target completed in its entry`);
        checkEqual(blocksOf(root).every(({ status }) => status === NDIS_STATUS_SUCCESS), true, `success of ${nameOf(operation)} that the target completed in its entry`);
      });
      for (const target of world.targets) for (const operation of ['initiate', ...LATER_OPERATIONS] as const) target.calls.off(`miniport${operation.charAt(0).toUpperCase()}${operation.slice(1)}Offload`);
    },
  },
  {
    id: 'intermediate-overlapping-operations',
    title: 'State operations may overlap and end in any order: each comes back in its own tree, with its own outcome',
    rules: ['CHIM-BLK-008', 'CHIM-IM-001', 'CHIM-IM-002', 'CHIM-IM-004'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const { host } = world;
      const { connections, paths } = await world.offload({ pathsPerNeighbor: 2, connectionsPerPath: 3 });
      const [a, b, c, d] = connections.map(present);
      const pathQuery = operationTree('query', present(host.handles.get(present(paths[1]))));
      pathQuery.dependentBlockList = null;
      pathQuery.nextBlock = null;
      const begun: [ProbeOperation, ProtocolOffloadBlockList][] = [
        ['query', host.connections(present(a))],
        ['terminate', host.connections(present(b))],
        ['update', host.connections(present(c))],
        ['query', pathQuery],
        ['query', host.connections(present(a))],
        ['invalidate', host.connections(present(d))],
        ['initiate', world.tree().root],
      ];
      host.journal.length = 0;
      for (const [operation, root] of begun) {
        fillReserved(root);
        world.begin(operation, root);
      }
      const before = begun.map(([, root]) => membersOfTree(root));
      await world.settle();
      const completed: ProbeOperation[] = [];
      for (const operation of ['invalidate', 'query', 'initiate', 'terminate', 'query', 'update', 'query'] as const) {
        for (const target of world.targets) {
          if (!target.trees.some((pending) => pending.operation === operation)) continue;
          await world.atDispatch(() => target.completeTree(operation, { change: (block) => { if (operation === 'invalidate') block.status = NDIS_STATUS_FAILURE; } }));
        }
        completed.push(operation);
      }
      await world.completeTrees();
      const entries = host.entries('stateComplete');
      checkEqual(entries.map(({ operation }) => operation).sort(), completed.sort(), 'operations that came back');
      for (const [at, [operation, root]] of begun.entries()) {
        const own = entries.filter((entry) => entry.root === root);
        checkEqual(own.map((entry) => entry.operation), [operation], `completions of operation ${at}`);
        checkEqual(root.status, operation === 'invalidate' ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS, `the status of operation ${at}`);
        const overlapping = before[at];
        if (overlapping !== undefined && operation !== 'initiate') check(root.protocolReserved0 === overlapping[2], `operation ${at} came back in blocks that are not its own`);
      }
      for (const [, root] of begun) for (const [at, block] of blocksOf(root).entries()) checkEqual([block.imReserved0, block.imReserved1], [`X ${at}`, at + 1], 'ImReserved of an operation that overlapped with others');
    },
  },
  {
    id: 'intermediate-done-with-blocks',
    title: 'After it has passed a completion up the driver touches no block: from inside the callback the host uses it for the next operation',
    rules: ['CHIM-BLK-007', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const root = host.connections(connection);
      const operations: ProbeOperation[] = ['query', 'update', 'query', 'invalidate', 'query', 'terminate'];
      const wrong: string[] = [];
      let at = 0;
      const next = (): void => {
        const operation = operations[at++];
        if (operation === undefined) return;
        root.imReserved0 = `X ${at}`;
        root.status = NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
        world.begin(operation, root);
      };
      host.whenCalled = (entry) => {
        if (entry.kind !== 'stateComplete') return;
        if (root.imReserved0 !== `X ${at}`) wrong.push(`ImReserved of operation ${at}`);
        if (root.status !== NDIS_STATUS_SUCCESS) wrong.push(`the status of operation ${at}`);
        next();
        if (at > operations.length) {
          root.state = tcpState();
          root.imReserved0 = 'the host';
          root.offloadHandle = null;
          root.status = 0x123;
        }
      };
      next();
      await world.completeTrees();
      checkEqual(host.entries('stateComplete').slice(1).map(({ operation }) => operation).join(), operations.join(), 'operations that came back');
      checkEqual(wrong.join(), '', 'what was not right in a completion');
      checkEqual([root.imReserved0, root.offloadHandle, root.status, (root.state as TcpOffloadState).delegated !== null], ['the host', null, 0x123, true], 'a block that the host has had back');
    },
  },
];
