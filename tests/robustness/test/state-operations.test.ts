import { blocksOf, createProbeStack, newTree, present, siblings, STACK_SHAPES, tcpBlock, type ProbeOperation, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  OffloadHandle,
  type ChimneyViolation,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test, vi } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

type Start = (stack: ProbeStack, root: ProtocolOffloadBlockList) => void;

const starts: Record<ProbeOperation, Start> = {
  initiate: ({ host }, root) => { host.binding.initiateOffload(root); },
  query: ({ host }, root) => { host.binding.queryOffloadState(root); },
  update: ({ host }, root) => { host.binding.updateOffload(root); },
  invalidate: ({ host }, root) => { host.binding.invalidateOffload(root); },
  terminate: ({ host }, root) => { host.binding.terminateOffload(root); },
};

/** What says that a block is out: null while it is not. */
function markOf(root: ProtocolOffloadBlockList): unknown {
  return (root as unknown as OffloadBlockList).ndisReserved0;
}

/** A terminate that can be refused for a cycle, after one of its blocks was taken. */
function cyclic({ host, connection }: ProbeStack): ProtocolOffloadBlockList {
  const root = host.connections(connection);
  root.nextBlock = root;
  return root;
}

/** A tree of new objects whose path is a placeholder. */
function withPlaceholder({ host }: ProbeStack): ProtocolOffloadBlockList[] {
  const { root } = newTree(host.binding);
  const blocks = blocksOf(root);
  const path = present(blocks[1]);
  path.offloadHandle = null;
  path.state = null;
  return blocks;
}

const dataCalls: [name: string, call: (stack: ProbeStack, nbl: NetBufferList) => NDIS_STATUS][] = [
  ['NdisOffloadTcpSend', ({ host, connection }, nbl) => host.binding.offloadTcpSend(connection, nbl)],
  ['NdisOffloadTcpReceive', ({ host, connection }, nbl) => host.binding.offloadTcpReceive(connection, nbl)],
];

describe.each(STACK_SHAPES)('state operations, %s', (_name, shape) => {
  test.each(dataCalls)('CHIM-TRM-003: %s after NdisTerminateOffload is refused, before and after it reaches the target', (_call, call) => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const nbl = host.list('x');
    const refusal = { rule: 'CHIM-TRM-003', actor: 'probe host', object: connection };
    target.calls.once('miniportTerminateOffload', () => {
      expectRefused(stack, () => call(stack, nbl), refusal);
    });
    host.binding.terminateOffload(host.connections(connection));
    expectRefused(stack, () => call(stack, nbl), refusal);
    target.completeTree('terminate');
    expectRefused(stack, () => call(stack, nbl), { ...refusal, rule: 'CHIM-ST-003' });
    stack.close();
  });

  const chained: [what: string, make: (stack: ProbeStack) => { root: ProtocolOffloadBlockList; block: ProtocolOffloadBlockList }][] = [
    ['linker', ({ host, connection }) => { const root = host.connections(connection); return { root, block: root }; }],
    ['placeholder', (stack) => { const [root, block] = withPlaceholder(stack); return { root: present(root), block: present(block) }; }],
    [
      'linker above new objects',
      ({ host, path }) => {
        const blocks = blocksOf(newTree(host.binding).root);
        const linker = present(blocks[1]);
        linker.offloadHandle = path;
        return { root: present(blocks[0]), block: linker };
      },
    ],
  ];

  test.each(chained)('CHIM-INI-003: a NetBufferListChain on a %s of an initiate is refused, with its tree', (_what, make) => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const { root, block } = make(stack);
    const chain = host.list('x', 'y');
    block.netBufferListChain = chain;
    const handles = blocksOf(root).flatMap(({ offloadHandle }) => offloadHandle ?? []);
    expectRefused(stack, () => { host.binding.initiateOffload(root); }, { rule: 'CHIM-INI-003', actor: 'probe host', object: block }, { trees: [root], lists: [chain], handles });
    block.netBufferListChain = null;
    host.initiate(root);
    stack.target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
    expectGoesOn(stack);
  });

  const carried: [what: string, fill: (block: ProtocolOffloadBlockList, list: NetBufferList | null) => void][] = [
    ['a NetBufferListChain', (block, list) => { block.netBufferListChain = list; }],
    ['BufferedData', (block, list) => { present((block.state as TcpOffloadState).delegated).bufferedData = list; }],
  ];

  test.each(carried)('CHIM-BLK-012: a terminate with %s in its tree is refused whole', (_what, fill) => {
    const stack = createProbeStack(shape);
    const { host, connection, target } = stack;
    const other = present(host.offload().connections[0]);
    target.completeTree('initiate');
    const root = host.connections(other, connection);
    const bad = present(root.nextBlock);
    const list = host.list('x', 'y');
    fill(bad, list);
    expectRefused(stack, () => { host.binding.terminateOffload(root); }, { rule: 'CHIM-BLK-012', actor: 'probe host', object: bad }, { trees: [root], lists: [list] });
    fill(bad, null);
    expect([connection.state, other.state, list.sourceHandle]).toEqual(['offloaded', 'offloaded', null]);
    expectGoesOn(stack);
  });

  test.each(['query', 'update', 'invalidate'] as const)('CHIM-TRM-001: a terminate is refused while a %s of the object is under way', (operation) => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const handle = present(host.offload().connections[0]);
    target.completeTree('initiate');
    const roots = [host.connections(handle), operation === 'query' ? host.connections(stack.connection, handle) : host.connections(stack.path)];
    for (const root of roots) starts[operation](stack, root);
    const refusal = { rule: 'CHIM-TRM-001', actor: 'probe host', object: handle };
    const tree = host.connections(stack.connection, handle);
    const isBusy = operation === 'query';
    expectRefused(stack, () => { host.binding.terminateOffload(tree); }, isBusy ? { ...refusal, object: stack.connection } : refusal, { trees: [tree] });
    expectRefused(stack, () => { host.binding.terminateOffload(host.connections(handle)); }, refusal);
    for (const [at] of roots.entries()) {
      target.completeTree(operation, operation === 'invalidate' ? { status: NDIS_STATUS_FAILURE } : {});
      if (at === 0 && isBusy) expectRefused(stack, () => { host.binding.terminateOffload(host.connections(handle)); }, refusal);
    }
    host.binding.terminateOffload(host.connections(handle));
    target.completeTree('terminate');
    expect(handle.state).toBe('dead');
    expectGoesOn(stack);
  });

  test('CHIM-TRM-001: from the completion of the query on, the object can be terminated', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const handle = present(host.offload().connections[0]);
    target.completeTree('initiate');
    host.calls.once('protocolQueryOffloadComplete', () => {
      host.binding.terminateOffload(host.connections(handle));
    });
    host.binding.queryOffloadState(host.connections(handle));
    target.completeTree('query');
    expect(handle.state).toBe('terminating');
    expectGoesOn(stack);
  });

  test('CHIM-TRM-001: a query that was refused keeps no terminate from going down', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const handle = present(host.offload().connections[0]);
    stack.target.completeTree('initiate');
    for (const operation of ['query', 'update', 'invalidate'] as const) {
      const root = host.connections(handle);
      root.nextBlock = root;
      expect(() => { starts[operation](stack, root); }).toThrow(/^CHIM-BLK-001/);
      stack.expectViolation('CHIM-BLK-001');
    }
    host.binding.terminateOffload(host.connections(handle));
    expect(handle.state).toBe('terminating');
    expectGoesOn(stack);
  });

  test.each(['update', 'invalidate'] as const)('CHIM-UPD-001: an update is refused while an %s of the object is under way', (operation) => {
    const stack = createProbeStack(shape);
    const { host, target, connection, path } = stack;
    starts[operation](stack, host.connections(connection));
    const root = host.connections(path, connection);
    expectRefused(stack, () => { host.binding.updateOffload(root); }, { rule: 'CHIM-UPD-001', actor: 'probe host', object: connection }, { trees: [root] });
    target.completeTree(operation, { status: NDIS_STATUS_FAILURE });
    host.binding.updateOffload(root);
    target.completeTree('update');
    expectGoesOn(stack);
  });

  test('CHIM-UPD-001: a linker, a block of an update without state, may name an object that is being updated', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection, path } = stack;
    const update = (isLinker: boolean): void => {
      const root = host.connections(path, connection);
      if (isLinker) root.state = null;
      else root.nextBlock = null;
      host.binding.updateOffload(root);
    };
    update(false);
    update(true);
    // It is not being updated by that itself.
    target.completeTree('update');
    update(false);
    stack.finishAll();
    expect(host.calls.count('protocolUpdateOffloadComplete')).toBe(3);
    expectGoesOn(stack);
  });

  test('CHIM-UPD-001: queries do not keep an update from going down, nor an update a query', () => {
    const stack = createProbeStack(shape);
    const { host, connection } = stack;
    for (const operation of ['query', 'update', 'query', 'invalidate'] as const) starts[operation](stack, host.connections(connection));
    for (const { tree } of stack.target.trees) tree.status = NDIS_STATUS_FAILURE;
    expect(stack.target.trees).toHaveLength(4);
    while (stack.target.trees.length > 0) stack.target.completeTree(present(stack.target.trees[0]).operation, { status: NDIS_STATUS_FAILURE });
    expectGoesOn(stack);
  });

  const links: [what: string, value: unknown][] = [
    ['an empty object', {}],
    ['a number', 5],
    ['a text', 'text'],
    ['a handle', new OffloadHandle(null as never, null)],
    ['an object without a prototype', Object.create(null)],
  ];

  describe.each(Object.entries(starts))('%s', (operation, start) => {
    const call = { initiate: 'NdisInitiateOffload', query: 'NdisQueryOffloadState', update: 'NdisUpdateOffload', invalidate: 'NdisInvalidateOffload', terminate: 'NdisTerminateOffload' }[operation as ProbeOperation];

    test.each(links)('a link to %s is a TypeError that names call and caller, and refuses the tree', (_what, value) => {
      const stack = createProbeStack(shape);
      const { host, connection } = stack;
      const handles = operation === 'initiate' ? [new OffloadHandle(host.binding, 'connection new')] : [connection];
      for (const link of ['nextBlock', 'dependentBlockList'] as const) {
        const root = present(siblings(...handles.map((handle) => tcpBlock(handle))));
        root[link] = value as never;
        const before = handles.map(({ state }) => state);
        expect(() => { start(stack, root); }).toThrow(TypeError);
        expect(() => { start(stack, root); }).toThrow(new RegExp(`^${call} \\(called by probe host\\): a link of the tree leads to .+, not to an offload block list$`));
        expect([handles.map(({ state }) => state), markOf(root), stack.violations, stack.target.trees]).toEqual([before, null, [], []]);
      }
      expectGoesOn(stack);
    });
  });

  test('CHIM-BLK-001: a listener for violations that throws does not leave the refused tree half taken', async () => {
    const stack = createProbeStack(shape);
    const uncaught = vi.fn<(error: unknown) => void>();
    const restore = hearUncaught(uncaught);
    const boom = new Error('boom');
    const stop = stack.ndis.onViolationReported(() => {
      throw boom;
    });
    const root = cyclic(stack);
    expect(() => { stack.host.binding.terminateOffload(root); }).toThrow(/^CHIM-BLK-001: probe host/);
    expect([stack.connection.state, markOf(root), root.sourceHandle]).toEqual(['offloaded', null, null]);
    stop();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    restore();
    // It is the listener's own fault, and no driver hears of it.
    expect(uncaught.mock.calls).toEqual([[boom]]);
    stack.expectViolations('CHIM-BLK-001');
    expectGoesOn(stack);
  });

  test('CHIM-BLK-001: a listener for violations may call NDIS: it finds the refused tree untouched', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const other = present(host.offload().connections[0]);
    target.completeTree('initiate');
    const root = cyclic(stack);
    const seen: unknown[] = [];
    const stop = stack.ndis.onViolationReported((violation: ChimneyViolation) => {
      seen.push([violation.rule, connection.state, markOf(root)]);
      host.binding.queryOffloadState(host.connections(other));
    });
    expect(() => { host.binding.terminateOffload(root); }).toThrow(/^CHIM-BLK-001/);
    stop();
    expect([seen, connection.state, markOf(root)]).toEqual([[['CHIM-BLK-001', 'offloaded', null]], 'offloaded', null]);
    expect(target.trees.map(({ operation }) => operation)).toEqual(['query']);
    stack.expectViolations('CHIM-BLK-001');
    expectGoesOn(stack);
  });

  test('CHIM-BLK-003: a listener for violations may call NDIS when a completed tree is refused, too', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection, path } = stack;
    host.binding.queryOffloadState(host.connections(connection, path));
    const { tree } = present(target.trees[0]);
    const dropped = tree.nextBlock;
    tree.nextBlock = null;
    const stop = stack.ndis.onViolationReported(() => {
      host.binding.queryOffloadState(host.connections(connection));
    });
    expect(() => target.completeTree('query')).toThrow(/^CHIM-BLK-003: probe target/);
    stop();
    stack.expectViolations('CHIM-BLK-003');
    tree.nextBlock = dropped;
    stack.finishAll();
    expect(host.calls.count('protocolQueryOffloadComplete')).toBe(2);
    expectGoesOn(stack);
  });
});

/** Hears what nobody caught, in place of the test runner. @returns a function that ends that. */
function hearUncaught(listener: (error: unknown) => void): () => void {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => {
    listener(error);
  });
  return () => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  };
}
