import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  formatNdisStatus,
  type NeighborOffloadState,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, siblings, under } from '../probes/trees.ts';
import type { StateOperationName } from '../world/journal.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { linkTo, newTreeOf, referencesTo, type CaseTree } from './case-tree.ts';
import { UNWRITTEN } from './initiate-outcome.ts';
import { fillCached, pictureOfCached, pictureOfConst, pictureOfDelegated, pictureOfNeighbor, pictureOfPath, stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** One operation of a life, with the tree it is about. */
interface Step {
  readonly operation: StateOperationName;
  readonly root: ProtocolOffloadBlockList;
}

/** Every state operation, each with a tree that has several layers, siblings, and a placeholder where one may be. */
function* lifeOf(world: TargetWorld): Generator<Step, void> {
  const tree = newTreeOf(world, [[2, 1], [1]]);
  const links = linkTo(present(tree.neighbors[0]), linkTo(present(tree.paths[0]), world.tcp()));
  yield { operation: 'initiate', root: tree.root };
  yield { operation: 'initiate', root: present(siblings(neighborBlock(null), links)) };
  yield { operation: 'query', root: withPlaceholder(tree, 'all') };
  yield { operation: 'update', root: withPlaceholder(tree, 'cached') };
  yield { operation: 'invalidate', root: withPlaceholder(tree, null) };
  for (const [handle, block] of world.host.handles) if (handle.state === 'offloaded' && block.state !== null && String(handle.owner).startsWith('connection')) yield { operation: 'terminate', root: stateBlock(block, 'delegated') };
  yield { operation: 'terminate', root: referencesTo({ ...tree, root: withoutConnections(tree) }).root };
}

/** The objects of a tree once more, followed by these structures, with a placeholder for its second neighbor. */
function withPlaceholder(tree: CaseTree, which: 'all' | 'cached' | null): ProtocolOffloadBlockList {
  const copies = new Map(blocksOf(tree.root).map((block) => [block, which === null ? linkTo(block) : stateBlock(block, which)]));
  const copyOf = (block: ProtocolOffloadBlockList | null): ProtocolOffloadBlockList | null => (block === null ? null : present(copies.get(block)));
  for (const [block, copy] of copies) {
    copy.nextBlock = copyOf(block.nextBlock);
    copy.dependentBlockList = copyOf(block.dependentBlockList);
    if (which === 'cached') copyCached(block, copy);
  }
  const root = present(copyOf(tree.root));
  root.nextBlock = under(neighborBlock(null), present(root.nextBlock?.dependentBlockList));
  return root;
}

/** An update that brings what is there already. */
function copyCached(from: ProtocolOffloadBlockList, to: ProtocolOffloadBlockList): void {
  const cached = present(to.state).cached as { copyFrom(from: unknown): unknown };
  cached.copyFrom(present(from.state).cached);
}

function withoutConnections(tree: CaseTree): ProtocolOffloadBlockList {
  for (const path of tree.paths) path.dependentBlockList = null;
  return tree.root;
}

/** What of a block is nobody's to change below, structures behind it included. */
function pictureOfBlock(block: ProtocolOffloadBlockList): unknown[] {
  const { header, nextBlock, dependentBlockList, offloadHandle, protocolReserved0, protocolReserved1, imReserved0, imReserved1, sourceHandle, portNumber, state } = block;
  return [header.type, header.revision, header.size, nextBlock, dependentBlockList, offloadHandle, protocolReserved0, protocolReserved1, imReserved0, imReserved1, sourceHandle, portNumber, state, state?.const, state?.cached, state?.delegated];
}

/** Names of the members in the order of {@link pictureOfBlock}. */
const MEMBERS = 'Header.Type, Header.Revision, Header.Size, NextBlock, DependentBlockList, OffloadHandle, ProtocolReserved[0], ProtocolReserved[1], ImReserved[0], ImReserved[1], SourceHandle, PortNumber, the state, its constant structure, its cached structure, its delegated structure'.split(', ');

/** Overwrites what the host may once a tree is back with it: everything but what the world needs to find its way. */
function scribble(root: ProtocolOffloadBlockList): (() => unknown)[] {
  return blocksOf(root).map((block) => {
    block.status = UNWRITTEN;
    block.scratch0 = 'scratch';
    block.scratch1 = 'scratch';
    const state = block.state as (TcpOffloadState & NeighborOffloadState & PathOffloadState) | null;
    for (const structure of [state?.const, state?.cached, state?.delegated]) {
      if (structure == null) continue;
      const members = structure as unknown as Record<string, unknown>;
      for (const [name, value] of Object.entries(members)) {
        if (typeof value === 'number') members[name] = 0x55;
        else if (value instanceof Uint8Array) value.fill(0x55);
      }
    }
    return () => [block.status, block.scratch0, block.scratch1, state === null ? null : JSON.stringify([state.const, state.cached, state.delegated])];
  });
}

export const blocksCases: readonly TargetCase[] = [
  {
    id: 'target-blocks-untouched',
    title: 'Every operation gives its tree back as it came: the same root, links, reserved members, structures',
    rules: ['CHIM-BLK-003', 'CHIM-BLK-004'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      for (const { operation, root } of lifeOf(world)) {
        const blocks = blocksOf(root);
        for (const [at, block] of blocks.entries()) {
          block.protocolReserved0 = `protocol 0 of ${at}`;
          block.protocolReserved1 = `protocol 1 of ${at}`;
          block.imReserved0 = `intermediate 0 of ${at}`;
          block.imReserved1 = `intermediate 1 of ${at}`;
        }
        const before = blocks.map(pictureOfBlock);
        await world.operate(operation, root);
        blocks.forEach((block, at) => {
          const after = pictureOfBlock(block);
          const changed = MEMBERS.filter((_, member) => after[member] !== before[at]?.[member]);
          checkEqual(changed, [], `what a driver changed of a block of type ${block.header.type} during ${operation}`);
        });
      }
    },
  },
  {
    id: 'target-blocks-statuses',
    title: 'Every operation writes the status of every block, placeholders included; all but the initiate succeed or fail and nothing else',
    rules: ['CHIM-BLK-005', 'CHIM-BLK-006'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      for (const { operation, root } of lifeOf(world)) {
        for (const block of blocksOf(root)) block.status = UNWRITTEN;
        await world.operate(operation, root);
        for (const { status, offloadHandle, header } of blocksOf(root)) {
          const name = `a ${offloadHandle === null ? 'placeholder' : 'block'} of type ${header.type} of ${operation}`;
          check(status !== UNWRITTEN, `the status of ${name} was not written`);
          check(status === NDIS_STATUS_SUCCESS || (status === NDIS_STATUS_FAILURE && operation !== 'initiate'), `${name} ended with ${formatNdisStatus(status)}`);
          check(status === NDIS_STATUS_SUCCESS, `${name} failed, though nothing speaks against it`);
        }
      }
    },
  },
  {
    id: 'target-blocks-released',
    title: 'Once a tree is back with the host the target neither reads nor writes it',
    rules: ['CHIM-BLK-007', 'CHIM-ST-004'],
    requirement: 'C-NDIS-BLK',
    run: async (world) => {
      const tree = newTreeOf(world, [[1]], { isIPv6: true });
      const [connection, path, neighbor] = [present(tree.connections[0]), present(tree.paths[0]), tree.root];
      const { block } = connection;
      const pictures = (): unknown[] => [pictureOfConst(block.state as TcpOffloadState), pictureOfCached(block.state as TcpOffloadState), pictureOfDelegated(block.state as TcpOffloadState), pictureOfPath(path.state as PathOffloadState), pictureOfNeighbor(neighbor.state as NeighborOffloadState)];
      const expected = pictures();
      const released: (() => unknown)[] = [];
      world.host.whenCalled = (entry) => {
        if (entry.kind === 'stateComplete' && entry.operation !== 'query') released.push(...scribble(entry.root));
      };
      await world.operate('initiate', tree.root);
      const query = async (): Promise<unknown[]> => {
        const asked = [block, path, neighbor].map((each) => stateBlock(each, 'all'));
        await Promise.all(asked.map((each) => world.operate('query', each)));
        const [tcp, ip, next] = asked.map(({ state }) => state);
        const found = [pictureOfConst(tcp as TcpOffloadState), pictureOfCached(tcp as TcpOffloadState), pictureOfDelegated(tcp as TcpOffloadState), pictureOfPath(ip as PathOffloadState), pictureOfNeighbor(next as NeighborOffloadState)];
        released.push(...asked.flatMap(scribble));
        return found;
      };
      checkEqual(await query(), expected, 'state after the tree of the initiate was overwritten');
      const update = stateBlock(block, 'cached');
      fillCached(present((update.state as TcpOffloadState).cached), 2);
      expected[1] = pictureOfCached(update.state as TcpOffloadState);
      await world.operate('update', update);
      checkEqual(await query(), expected, 'state after the tree of an update was overwritten');
      const kept = released.map((look) => look());
      connection.send(pattern(0, 500));
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send after trees were overwritten');
      await query();
      checkEqual(released.slice(0, kept.length).map((look) => look()), kept, 'what is in trees that were given back');
      world.host.whenCalled = null;
    },
  },
  {
    id: 'target-blocks-once',
    title: 'Operations that are under way at the same time are each completed once, with their own completion',
    rules: ['CHIM-BLK-008', 'CHIM-BLK-003'],
    requirement: 'C-NDIS-BLK',
    requires: ['virtual-time'],
    run: async (world) => {
      const offered = newTreeOf(world, [[2, 2]]);
      await world.operate('initiate', offered.root);
      const [first, second, third, fourth] = offered.connections.map((connection) => connection);
      const update = stateBlock(present(first).block, 'cached');
      fillCached(present((update.state as TcpOffloadState).cached), 2);
      const steps: Step[] = [
        { operation: 'initiate', root: newTreeOf(world, [[1]]).root },
        { operation: 'query', root: stateBlock(present(first).block, 'all') },
        { operation: 'update', root: update },
        { operation: 'invalidate', root: present(second).reference() },
        { operation: 'terminate', root: present(third).terminateBlock() },
        { operation: 'query', root: stateBlock(present(fourth).block, 'all') },
        { operation: 'query', root: stateBlock(present(fourth).block, 'cached') },
      ];
      for (const { operation, root } of steps) world.begin(operation, root);
      for (const { operation, root } of steps) await world.completed(operation, root);
      await world.advance(5000);
      const completions = world.host.entries('stateComplete');
      for (const { operation, root } of steps) checkEqual(completions.filter((entry) => entry.root === root).map((entry) => entry.operation), [operation], `completions of a tree that went down for ${operation}`);
      checkEqual(completions.length, steps.length + 1, 'completions of state operations');
    },
  },
  {
    id: 'target-blocks-not-inside',
    title: 'No operation is completed from inside the call that asks for it',
    rules: ['CHIM-BLK-009'],
    requirement: 'C-NDIS-BLK',
    // A recommendation: pages do not say that it must not be.
    weight: 'advice',
    run: async (world) => {
      for (const { operation, root } of lifeOf(world)) {
        world.begin(operation, root);
        check(!world.hasCompleted(operation, root), `${operation} was completed inside the call that asked for it`);
        await world.completed(operation, root);
      }
    },
  },
];
