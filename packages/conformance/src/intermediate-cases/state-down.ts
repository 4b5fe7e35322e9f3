import type { MiniportOffloadBlockList, OffloadHandle, ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { ProbeContext } from '../probes/probe-target.ts';
import { blocksOf, neighborBlock, pathBlock, under } from '../probes/trees.ts';
import { identityOf } from '../world/case-target.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { LATER_OPERATIONS, operationTree, type LaterOperation } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { checkLinks, fillReserved, jsonOf, outlineOf } from './state-trees.ts';

/** Every block of every tree that is at a target. */
const blocksBelow = (world: IntermediateWorld): MiniportOffloadBlockList[] => world.targets.flatMap(({ trees }) => trees.flatMap(({ tree }) => blocksOf(tree)));

/** All handles of a tree of a host, in the order of the traversal. */
const handlesOf = (root: ProtocolOffloadBlockList): OffloadHandle[] => blocksOf(root).map(({ offloadHandle }) => present(offloadHandle));

function downCase(operation: LaterOperation): IntermediateCase {
  return {
    id: `intermediate-${operation}-down`,
    title: `${operation === 'terminate' || operation === 'query' ? 'A' : 'An'} ${operation} goes down once, and names every object by the driver's own handle`,
    rules: ['CHIM-IM-001', 'CHIM-IM-005', 'CHIM-BLK-001', 'CHIM-BLK-008', 'CHIM-ST-001', ...(operation === 'invalidate' ? ['CHIM-INV-001'] : [])],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const { root } = await world.offload({ pathsPerNeighbor: 2, connectionsPerPath: 2 });
      const other = await world.offload();
      const tree = operationTree(operation, root);
      const handles = handlesOf(tree);
      world.begin(operation, tree);
      await world.settle();
      const trees = world.targets.flatMap((target) => target.trees);
      check(trees.length > 0, `the ${operation} did not go down`);
      check(trees.every((one) => one.operation === operation), `a ${operation} went down as something else`);
      if (world.isTransparent) checkEqual(trees.length, 1, `trees that one ${operation} became`);
      for (const one of trees) checkLinks(one.tree, `the tree of a ${operation} at the target`);
      const blocks = blocksBelow(world);
      for (const handle of handles) {
        const own = world.below(handle).handle;
        const naming = blocks.filter(({ ndisOffloadHandle }) => ndisOffloadHandle === own);
        check(naming.length === 1, `the ${operation} names the ${String(handle.owner)} ${naming.length} times`);
        check((naming[0]?.miniportOffloadContext?.miniportOffloadContext as ProbeContext | null | undefined)?.handle === own, `the cell of the ${String(handle.owner)} does not hold the target's context`);
        if (operation === 'invalidate') check(naming[0]?.state === null, 'state follows a block of an invalidate');
      }
      for (const handle of other.connections) check(blocks.every(({ ndisOffloadHandle }) => ndisOffloadHandle !== world.below(handle).handle), `the ${operation} names an object that it was not about`);
      check(host.entries('stateComplete').length === 2, `the ${operation} was completed while the target had it`);
      await world.completeTrees();
      checkSame(host.entries('stateComplete').slice(2).map(({ root: completed }) => completed), [tree], `completions of the ${operation}`);
    },
  };
}

export const stateDownCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-initiate-down',
    title: 'An initiate goes down once, with every object as a new one under a handle of the driver’s own, linked as block lists are',
    rules: ['CHIM-IM-001', 'CHIM-IM-005', 'CHIM-IM-006', 'CHIM-INI-003', 'CHIM-INI-004', 'CHIM-BLK-001', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const tree = world.tree({ neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 2 });
      const hostHandles = new Set<unknown>(handlesOf(tree.root));
      const identities = blocksOf(tree.root).map(identityOf);
      host.initiate(tree.root, world.binding);
      await world.settle();
      const trees = world.targets.flatMap((target) => target.trees);
      check(trees.every(({ operation }) => operation === 'initiate'), 'an initiate went down as something else');
      if (world.isTransparent) checkEqual(trees.length, 1, 'trees that one initiate became');
      for (const { tree: below } of trees) checkLinks(below, 'the tree of an initiate at the target');
      const blocks = blocksBelow(world);
      for (const block of blocks) {
        const own = block.ndisOffloadHandle;
        check(own !== null && block.state !== null, 'a new object went down as a placeholder, or without state');
        check(block.miniportOffloadContext?.miniportOffloadContext === null, 'a new object went down with a context in its cell');
        check(!hostHandles.has(own), 'an object went down on the handle of the driver above');
        check(world.targets.some(({ miniport }) => miniport.name === own.binding.adapterName), 'an object went down on a handle of another binding');
        check(block.state.const !== null && block.state.cached !== null && block.state.delegated !== null, 'a new object went down without all of its state');
      }
      checkEqual(new Set(blocks.map(({ ndisOffloadHandle }) => ndisOffloadHandle)).size, blocks.length, 'handles of so many objects');
      for (const identity of identities) {
        const count = blocks.filter((one) => identityOf(one) === identity).length;
        check(count > 0, `the ${identity} did not go down`);
        if (identity.startsWith('connection')) checkEqual(count, 1, `times that the ${identity} went down`);
      }
      check(host.entries('stateComplete').length === 0, 'the initiate was completed while the target had it');
      await world.completeTrees();
      checkSame(host.entries('stateComplete').map(({ root }) => root), [tree.root], 'completions of the initiate');
    },
  },
  ...LATER_OPERATIONS.map(downCase),
  {
    id: 'intermediate-cells',
    title: 'GV-IM-1: the cell of the host’s handle names the driver’s entry, the cell of the driver’s handle the target’s context, which has that handle',
    rules: ['CHIM-IM-005', 'CHIM-IM-006'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const tree = await world.offload({ connectionsPerPath: 2 });
      const handles = handlesOf(tree.root);
      const cells = handles.map(({ miniportOffloadContext }) => miniportOffloadContext);
      checkEqual(new Set(cells).size, handles.length, 'contents of the host’s cells, for so many objects');
      for (const handle of handles) {
        const { handle: own } = world.below(handle);
        const context = own.miniportOffloadContext as ProbeContext | null;
        check(handle.miniportOffloadContext != null, `the cell of the ${String(handle.owner)} is empty after its initiate`);
        check(own !== handle, `the driver has no handle of its own for the ${String(handle.owner)}`);
        check(handle.miniportOffloadContext !== context, `the cell of the ${String(handle.owner)} shows the target's context to the host`);
        check(context !== null && context.handle === own, `the target's context of the ${String(handle.owner)} is not in the cell of the driver's handle`);
      }
    },
  },
  {
    id: 'intermediate-linkers-and-placeholders',
    title: 'Under objects that are offloaded already new ones go down, the former as linkers or placeholders and without state',
    rules: ['CHIM-INI-003', 'CHIM-INI-004', 'CHIM-IM-001', 'CHIM-IM-005'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { host } = world;
      const first = await world.offload();
      const [neighbor, path] = [present(first.neighbors[0]), present(first.paths[0])];
      const reference = (block: ProtocolOffloadBlockList): ProtocolOffloadBlockList => {
        block.state = null;
        return block;
      };
      const newTcp = newConnection(world);
      const roots = [
        under(reference(neighborBlock(neighbor)), under(reference(pathBlock(path)), newTcp), present(world.tree().root.dependentBlockList)),
        under(neighborBlock(null), under(reference(pathBlock(path)), newConnection(world))),
      ] as const;
      for (const [at, root] of roots.entries()) {
        host.initiate(root, world.binding);
        await world.settle();
        const blocks = blocksBelow(world);
        const linkers = blocks.filter(({ ndisOffloadHandle }) => ndisOffloadHandle === world.below(path).handle);
        // A driver may bring the path to another adapter, where it is a new one.
        if (world.isTransparent) check(linkers.length > 0, 'the path that is offloaded already does not go down as a linker');
        check(linkers.every(({ state }) => state === null), 'state follows the linker of the path');
        if (at === 0 && world.isTransparent) check(blocks.some(({ ndisOffloadHandle }) => ndisOffloadHandle === world.below(neighbor).handle), 'the neighbor that is offloaded already does not go down as a linker');
        if (world.isTransparent) {
          if (at === 1) check(blocks[0]?.ndisOffloadHandle === null && blocks[0].state === null, 'a placeholder did not go down as one');
          checkEqual(outlineOf(present(world.target.trees[0]).tree), outlineOf(root), 'the links of the tree at the target');
        }
        await world.completeTrees();
        checkSame(host.entries('stateComplete').slice(at + 1).map((entry) => entry.root), [root], 'completions of the initiate');
        for (const block of blocksOf(root)) check(block.offloadHandle === null || block.offloadHandle.state === 'offloaded', `the ${String(block.offloadHandle?.owner)} is not offloaded`);
      }
      check(roots[1].offloadHandle === null, 'a placeholder came back with a handle');
      const list = host.send(present(newTcp.offloadHandle), 'works');
      await world.completeAll();
      checkSame(host.entries('dataComplete').map((entry) => entry.list), [list], 'sends on a connection that was added');
    },
  },
  {
    id: 'intermediate-blocks-unchanged',
    title: 'What a block has besides its names goes down as it is: state, type, links, PortNumber, send data',
    rules: ['CHIM-BLK-010', 'CHIM-BLK-001', 'CHIM-BLK-002', 'CHIM-IM-001'],
    requirement: 'C-NDIS-BLK',
    requires: ['transparent'],
    run: async (world) => {
      const { host } = world;
      const tree = world.tree({ neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 2 });
      const chained = present(blocksOf(tree.root).find(({ offloadHandle }) => offloadHandle === tree.connections[1]));
      chained.netBufferListChain = host.list('chain', 'ed');
      const roots: [LaterOperation | 'initiate', () => ProtocolOffloadBlockList][] = [['initiate', () => tree.root], ...LATER_OPERATIONS.map((operation): [LaterOperation, () => ProtocolOffloadBlockList] => [operation, () => operationTree(operation, tree.root)])];
      for (const [operation, make] of roots) {
        const root = make();
        fillReserved(root);
        const before = blocksOf(root).map(describe);
        const outline = outlineOf(root);
        let atTarget: string[] = [];
        let linksAtTarget = '';
        const name = `${operation === 'query' || operation === 'terminate' ? 'a' : 'an'} ${operation}`;
        const entry = `miniport${operation.charAt(0).toUpperCase()}${operation.slice(1)}Offload`;
        world.target.calls.once(entry, (_adapter: unknown, below: MiniportOffloadBlockList) => {
          atTarget = blocksOf(below).map(describe);
          linksAtTarget = outlineOf(below);
        });
        world.begin(operation, root);
        await world.settle();
        checkEqual(linksAtTarget, outline, `the links of ${name} at the target`);
        checkEqual(atTarget, before, `the blocks of ${name} at the target`);
        if (chained.netBufferListChain !== null && operation === 'initiate') world.target.sends.push(...membersOf(chained.netBufferListChain));
        await world.completeAll();
        chained.netBufferListChain = null;
      }
    },
  },
];

/** A block for a new connection, on its own. */
function newConnection(world: IntermediateWorld): ProtocolOffloadBlockList {
  return present(present(world.tree().root.dependentBlockList).dependentBlockList);
}

function describe({ header, portNumber, state, netBufferListChain }: ProtocolOffloadBlockList | MiniportOffloadBlockList): string {
  const chain = netBufferListChain === null ? 'no send data' : 'send data';
  return `${header.type} ${header.revision} ${header.size}, port ${portNumber}, ${chain}, ${JSON.stringify(state, jsonOf)}`;
}
