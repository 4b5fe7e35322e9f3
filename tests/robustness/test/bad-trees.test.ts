import { blocksOf, createProbeStack, newTree, present, STACK_SHAPES, tcpBlock, under, type ProbeStack } from '@ndis-chimney/kit';
import { OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

type Binding = ProbeStack['host']['binding'];

const operations: [name: string, start: (binding: Binding, root: ProtocolOffloadBlockList) => void][] = [
  ['initiate', (binding, root) => { binding.initiateOffload(root); }],
  ['query', (binding, root) => { binding.queryOffloadState(root); }],
  ['update', (binding, root) => { binding.updateOffload(root); }],
  ['invalidate', (binding, root) => { binding.invalidateOffload(root); }],
  ['terminate', (binding, root) => { binding.terminateOffload(root); }],
];

/** A tree of twelve blocks fit for an operation: new objects for an initiate, offloaded ones for the others. */
function treeFor(stack: ProbeStack, operation: string): ProtocolOffloadBlockList {
  const { host, target } = stack;
  if (operation === 'initiate') return newTree(host.binding, { pathsPerNeighbor: 3, connectionsPerPath: 3 }).root;
  const { root } = host.offload({ pathsPerNeighbor: 3, connectionsPerPath: 3 });
  target.completeTree('initiate');
  return root;
}

/** Ways to spoil a tree; each says which block is then met for the second time. */
const cycles: [what: string, spoil: (blocks: ProtocolOffloadBlockList[]) => ProtocolOffloadBlockList][] = [
  ['whose root is its own sibling', ([root]) => (present(root).nextBlock = present(root))],
  ['whose root depends on itself', ([root]) => (present(root).dependentBlockList = present(root))],
  ['whose last connection leads back to the root', (blocks) => (present(blocks.at(-1)).nextBlock = present(blocks[0]))],
  ['whose last connection leads back to its path', (blocks) => (present(blocks.at(-1)).nextBlock = present(blocks.at(-4)))],
  ['with the connections of one path under another as well', (blocks) => (present(blocks[5]).dependentBlockList = present(blocks[2]))],
  ['with a connection that is the sibling of two', (blocks) => (present(blocks[12]).nextBlock = present(blocks[3]))],
];

describe.each(STACK_SHAPES)('bad trees, %s', (_name, shape) => {
  describe.each(operations)('%s', (operation, start) => {
    test.each(cycles)('CHIM-BLK-001: a tree %s is refused whole', (_what, spoil) => {
      const stack = createProbeStack(shape);
      const root = treeFor(stack, operation);
      const blocks = blocksOf(root);
      expect(blocks).toHaveLength(13);
      const links = blocks.map(({ nextBlock, dependentBlockList }) => ({ nextBlock, dependentBlockList }));
      const again = spoil(blocks);
      const handles = blocks.flatMap(({ offloadHandle }) => offloadHandle ?? []);
      expectRefused(stack, () => { start(stack.host.binding, root); }, { rule: 'CHIM-BLK-001', actor: 'probe host', object: again }, { trees: [root], handles });
      // Mended, it goes down.
      blocks.forEach((block, at) => Object.assign(block, links[at]));
      for (const block of blocks) stack.host.handles.set(present(block.offloadHandle), block);
      start(stack.host.binding, root);
      expectGoesOn(stack);
    });

    test('CHIM-BLK-011: a tree that is out, or contains a block that is, is refused whole', () => {
      const stack = createProbeStack(shape);
      const { host } = stack;
      const out = host.connections(stack.connection);
      host.binding.queryOffloadState(out);
      const root = treeFor(stack, operation);
      const handles = blocksOf(root).flatMap(({ offloadHandle }) => offloadHandle ?? []);
      expectRefused(stack, () => { start(host.binding, out); }, { rule: 'CHIM-BLK-011', actor: 'probe host', object: out }, { trees: [out] });
      present(blocksOf(root).at(-1)).nextBlock = out;
      expectRefused(stack, () => { start(host.binding, root); }, { rule: 'CHIM-BLK-011', actor: 'probe host', object: out }, { trees: [root], handles });
      present(blocksOf(root).find(({ nextBlock }) => nextBlock === out)).nextBlock = null;
      expectGoesOn(stack);
    });
  });

  test('CHIM-BLK-011: the host does not start an operation on a tree that an intermediate driver has on its way', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const root = host.connections(stack.connection);
    target.calls.once('miniportQueryOffload', () => {
      expectRefused(stack, () => { host.binding.queryOffloadState(root); }, { rule: 'CHIM-BLK-011', actor: 'probe host', object: root }, { trees: [root] });
    });
    host.binding.queryOffloadState(root);
    expectGoesOn(stack);
  });

  test('the send data of a refused tree is untagged: a later block is bad, or a later chain is', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const tree = newTree(host.binding, { connectionsPerPath: 3 });
    const [, , first, second, third] = blocksOf(tree.root) as [unknown, unknown, ProtocolOffloadBlockList, ProtocolOffloadBlockList, ProtocolOffloadBlockList];
    const chains = [host.list('a', 'b'), host.list('c')] as const;
    [first.netBufferListChain, second.netBufferListChain] = chains;
    third.offloadHandle = stack.connection;
    third.nextBlock = second;
    const handles = [...tree.neighbors, ...tree.paths, ...tree.connections];
    expectRefused(stack, () => { host.binding.initiateOffload(tree.root); }, { rule: 'CHIM-BLK-001', actor: 'probe host', object: second }, { trees: [tree.root], handles });
    third.nextBlock = null;
    third.offloadHandle = present(tree.connections[2]);
    third.netBufferListChain = chains[0];
    expectRefused(stack, () => { host.binding.initiateOffload(tree.root); }, { rule: 'CHIM-NBL-004', actor: 'probe host', object: chains[0] }, { trees: [tree.root], handles });
    third.netBufferListChain = null;
    host.initiate(tree.root);
    stack.target.completeTree('initiate');
    for (const block of [first, second]) block.netBufferListChain = null;
    stack.target.sends.push(...[chains[0], chains[0].next, chains[1]].flatMap((nbl) => nbl ?? []));
    expectGoesOn(stack);
  });

  test('a chain that loops is refused with its tree: CHIM-NBL-008', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const tree = newTree(host.binding);
    const chain = host.list('a', 'b');
    present(chain.next).next = chain;
    present(blocksOf(tree.root)[2]).netBufferListChain = chain;
    expectRefused(stack, () => { host.binding.initiateOffload(tree.root); }, { rule: 'CHIM-NBL-008', actor: 'probe host', object: chain }, { trees: [tree.root], handles: tree.connections });
    present(chain.next).next = null;
    expectGoesOn(stack);
  });

  test.each([5, 'text', {}])('a chain that is no list (%j) is a TypeError, and refuses the tree', (value) => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const tree = newTree(host.binding, { connectionsPerPath: 2 });
    const good = host.list('good');
    present(blocksOf(tree.root)[2]).netBufferListChain = good;
    present(blocksOf(tree.root)[3]).netBufferListChain = value as never;
    expectRefused(stack, () => { host.binding.initiateOffload(tree.root); }, { actor: 'probe host', message: /NdisInitiateOffload/ }, { lists: [good], handles: tree.connections });
    expectGoesOn(stack);
  });

  test.each([5, 'text', {}, new OffloadHandle(null as never, null)])('a link to something else than a block (%j) refuses the tree', (value) => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const root = under(tcpBlock(stack.connection));
    root.nextBlock = value as never;
    expect(() => { host.binding.queryOffloadState(root); }).toThrow(/probe host/);
    root.nextBlock = null;
    root.dependentBlockList = value as never;
    expect(() => { host.binding.queryOffloadState(root); }).toThrow(/probe host/);
    root.dependentBlockList = null;
    stack.violations.length = 0;
    host.binding.queryOffloadState(root);
    expectGoesOn(stack);
  });
});
