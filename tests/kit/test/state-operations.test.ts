import { blocksOf, createProbeStack, membersOf, neighborBlock, newTree, pathBlock, present, siblings, STACK_SHAPES, tcpBlock, under, type ProbeOperation, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OffloadHandle,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

type Binding = ProbeStack['host']['binding'];

/** The operations on objects that are offloaded, as the host and the target know them. */
const operations: [operation: ProbeOperation, start: (binding: Binding, root: ProtocolOffloadBlockList) => void, entry: string, callback: string][] = [
  ['query', (binding, root) => { binding.queryOffloadState(root); }, 'miniportQueryOffload', 'protocolQueryOffloadComplete'],
  ['update', (binding, root) => { binding.updateOffload(root); }, 'miniportUpdateOffload', 'protocolUpdateOffloadComplete'],
  ['invalidate', (binding, root) => { binding.invalidateOffload(root); }, 'miniportInvalidateOffload', 'protocolInvalidateOffloadComplete'],
  ['terminate', (binding, root) => { binding.terminateOffload(root); }, 'miniportTerminateOffload', 'protocolTerminateOffloadComplete'],
];

/** Members of a block that its owner finds again as they were. */
function ownMembers(block: ProtocolOffloadBlockList): unknown[] {
  const { offloadHandle, nextBlock, dependentBlockList, protocolReserved0, protocolReserved1, imReserved0, imReserved1, portNumber, state, sourceHandle } = block;
  return [offloadHandle, nextBlock, dependentBlockList, protocolReserved0, protocolReserved1, imReserved0, imReserved1, portNumber, state, sourceHandle];
}

describe.each(STACK_SHAPES)('state operations through %s', (_name, shape) => {
  test('an initiate goes down as one tree of new objects and comes back as the same tree', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const tree = newTree(host.binding, { neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 3 });
    const blocks = blocksOf(tree.root);
    expect(blocks).toHaveLength(18);
    blocks.forEach((block, at) => {
      block.protocolReserved0 = `protocol ${at}`;
      block.imReserved0 = `im ${at}`;
      block.imReserved1 = at;
      block.portNumber = at;
    });
    const before = blocks.map(ownMembers);
    host.initiate(tree.root);
    expectSame(target.calls.of('miniportInitiateOffload'), [[target, tree.root]]);
    const below = blocksOf(present(target.trees[0]).tree);
    // The same blocks, each naming a new object by a handle of the driver next to the target.
    expectSame([below], [blocks]);
    for (const block of below) expect([block.miniportOffloadContext?.miniportOffloadContext, block.ndisOffloadHandle?.binding.adapterName]).toEqual([null, 'nic']);
    expect(tree.connections.map(({ state }) => state)).toEqual(tree.connections.map(() => 'offloading'));
    const completed = target.completeTree('initiate');
    expect(completed).toBe(tree.root);
    expectSame(host.calls.of('protocolInitiateOffloadComplete'), [[host.context, tree.root]]);
    expectSame(blocks.map(ownMembers), before);
    for (const handle of [...tree.neighbors, ...tree.paths, ...tree.connections]) {
      expect([handle.state, handle.miniportOffloadContext === null]).toEqual(['offloaded', false]);
      expect(stack.contextOf(handle).handle).toBe(stack.lowest(handle));
    }
    for (const block of blocks) block.imReserved0 = block.imReserved1 = null;
    stack.close();
  });

  test('every edge has handles of its own: nobody sees those of another', () => {
    const stack = createProbeStack(shape);
    const seen = new Set<OffloadHandle>();
    let handle: OffloadHandle | null = stack.connection;
    while (handle !== null) {
      expect(seen.has(handle)).toBe(false);
      seen.add(handle);
      handle = handle.binding.adapterName === 'nic' ? null : ((handle.miniportOffloadContext as { handle: OffloadHandle } | null)?.handle ?? null);
    }
    expect(seen.size).toBe(1 + stack.intermediates.length);
    stack.close();
  });

  test('each block has its own outcome: what failed is dead with an empty cell, the rest is offloaded', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const tree = host.offload({ pathsPerNeighbor: 2, connectionsPerPath: 2 });
    const lowest = new Map(blocksOf(tree.root).map((block) => [block, block.offloadHandle]));
    const pending = target.trees.pop();
    if (pending === undefined) throw new Error('no tree');
    const failing = tree.paths[1];
    const statuses = blocksOf(pending.tree).map((block, at) => {
      // In walking order: neighbor, path, two connections, path, two connections.
      block.status = [NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_RESOURCES][at] ?? NDIS_STATUS_FAILURE;
      if (block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) {
        present(lowest.get(block as unknown as ProtocolOffloadBlockList)).miniportOffloadContext = { at };
      }
      return block.status;
    });
    target.passUp('initiate', pending.tree);
    expect(blocksOf(tree.root).map(({ status }) => status)).toEqual(statuses);
    expect(tree.neighbors.map(({ state }) => state)).toEqual(['offloaded']);
    expect(tree.paths.map(({ state }) => state)).toEqual(['offloaded', 'dead']);
    expect(tree.connections.map(({ state }) => state)).toEqual(['offloaded', 'dead', 'dead', 'dead']);
    expect(failing?.miniportOffloadContext).toBeNull();
    stack.close();
  });

  test('placeholders and linkers: a connection is added under a path that is offloaded already', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const added = new OffloadHandle(host.binding, 'connection added');
    const linker = pathBlock(stack.path);
    linker.state = null;
    const root = under(neighborBlock(null), under(linker, tcpBlock(added)));
    host.initiate(root);
    const [placeholder, path, connection] = blocksOf(present(target.trees[0]).tree);
    expect(placeholder?.miniportOffloadContext).toBeNull();
    expect(path?.miniportOffloadContext?.miniportOffloadContext).toBe(stack.contextOf(stack.path));
    expect(connection?.miniportOffloadContext?.miniportOffloadContext).toBeNull();
    target.completeTree('initiate');
    expect([added.state, stack.path.state, root.offloadHandle]).toEqual(['offloaded', 'offloaded', null]);
    stack.close();
  });

  test('a failed object is offered again with a new handle, and then succeeds', () => {
    const stack = createProbeStack(shape);
    const first = stack.host.offload();
    stack.target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
    expect(first.connections[0]?.state).toBe('dead');
    const second = stack.host.offload();
    stack.target.completeTree('initiate');
    expect(second.connections[0]?.state).toBe('offloaded');
    stack.close();
  });

  test.each(operations)('a %s reaches the target with its contexts, and comes back to the host', (operation, startOperation, entry, callback) => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const other = host.offload({ connectionsPerPath: 2 });
    target.completeTree('initiate');
    const root = host.connections(stack.connection, ...other.connections);
    const blocks = blocksOf(root);
    const before = blocks.map(ownMembers);
    startOperation(host.binding, root);
    expectSame(target.calls.of(entry), [[target, root]]);
    const contexts = blocksOf(present(target.trees[0]).tree).map((block) => block.miniportOffloadContext?.miniportOffloadContext);
    expect(host.calls.count(callback)).toBe(0);
    target.completeTree(operation, { change: (block) => { block.miniportReserved0 = 'the target’s'; } });
    expect(contexts).toEqual([...new Set(contexts)]);
    for (const context of contexts) expect(context).toMatchObject({ type: root.header.type });
    expectSame(host.calls.of(callback), [[host.context, root]]);
    expectSame(blocks.map(ownMembers), before);
    expect(blocks.map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    stack.close();
  });

  test('a query comes back with the state the target wrote', () => {
    const stack = createProbeStack(shape);
    const root = stack.host.connections(stack.connection);
    stack.host.binding.queryOffloadState(root);
    stack.target.completeTree('query', { change: (block) => { (block.state as TcpOffloadState).delegated = Object.assign((block.state as TcpOffloadState).delegated ?? {}, { rcvNxt: 5, sendBacklogSize: 77 }) as never; } });
    expect((root.state as TcpOffloadState).delegated).toMatchObject({ rcvNxt: 5, sendBacklogSize: 77 });
    stack.close();
  });

  test('an invalidate that succeeds makes the object invalid on every edge; one that fails does not', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    host.binding.invalidateOffload(host.connections(connection));
    target.completeTree('invalidate', { status: NDIS_STATUS_FAILURE });
    expect([connection.invalid, stack.lowest(connection).invalid]).toEqual([false, false]);
    host.binding.invalidateOffload(host.connections(connection));
    target.completeTree('invalidate');
    expect([connection.invalid, stack.lowest(connection).invalid]).toEqual([true, true]);
    // Queries and terminates are left for it, on every edge.
    host.binding.queryOffloadState(host.connections(connection));
    target.completeTree('query');
    stack.close();
  });

  test('several operations on an object may be under way at a time, and end in any order', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const roots = [1, 2, 3].map(() => host.connections(stack.connection));
    for (const root of roots) host.binding.queryOffloadState(root);
    host.binding.updateOffload(host.connections(stack.connection));
    target.trees.reverse();
    target.completeTree('update');
    for (let i = 0; i < 3; i++) target.completeTree('query');
    expect(host.calls.of('protocolQueryOffloadComplete').map(([, root]) => root)).toEqual(roots.reverse());
    stack.close();
  });

  test('the objects of a terminate are dead with empty cells when the host hears of it', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const lowest = stack.lowest(connection);
    const atCallback: unknown[] = [];
    host.calls.once('protocolTerminateOffloadComplete', () => {
      atCallback.push(connection.state, connection.miniportOffloadContext, lowest.state, lowest.miniportOffloadContext);
    });
    host.binding.terminateOffload(host.connections(connection));
    expect([connection.state, lowest.state]).toEqual(['terminating', 'terminating']);
    target.completeTree('terminate');
    expect(atCallback).toEqual(['dead', null, 'dead', null]);
    stack.close();
  });

  test('a terminate that fails leaves the object lost: it still gives events, and takes nothing but another terminate', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const key = stack.lowest(connection);
    const context = connection.miniportOffloadContext;
    host.binding.terminateOffload(host.connections(connection));
    target.completeTree('terminate', { status: NDIS_STATUS_FAILURE });
    expect([connection.state, connection.miniportOffloadContext]).toEqual(['lost', context]);
    target.event(key, 4);
    expectSame(host.calls.of('protocolTcpOffloadEvent'), [[connection, 4, 0]]);
    expect(() => {
      host.binding.queryOffloadState(host.connections(connection));
    }).toThrow(/CHIM-ST-001/);
    expect(() => host.send(connection, 'x')).toThrow(/CHIM-ST-001/);
    stack.expectViolations('CHIM-ST-001', 'CHIM-ST-001');
    host.binding.terminateOffload(host.connections(connection));
    target.completeTree('terminate');
    expect([connection.state, connection.miniportOffloadContext]).toEqual(['dead', null]);
    stack.close();
  });

  test('send data goes down with the initiate and comes back by send completions', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const chain = host.list('unacknowledged', 'data');
    const tree = newTree(host.binding);
    const block = present(blocksOf(tree.root)[2]);
    block.netBufferListChain = chain;
    host.initiate(tree.root);
    const [head, tail] = membersOf(chain) as [NetBufferList, NetBufferList];
    expect(head.sourceHandle).toBe(stack.lowest(stack.connection).binding);
    target.sends.push(...membersOf(chain));
    target.completeTree('initiate');
    target.completeSends();
    expectSame(host.calls.of('protocolTcpOffloadSendComplete'), [[host.context, chain]]);
    expect([head.sourceHandle, head.context, tail.sourceHandle, tail.context]).toEqual([null, null, null, null]);
    block.netBufferListChain = null;
    stack.close();
  });

  test('the send data of an object that fails comes back with it, untouched', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const chain = host.list('unacknowledged', 'data');
    const tree = newTree(host.binding);
    const block = present(blocksOf(tree.root)[2]);
    block.netBufferListChain = chain;
    host.initiate(tree.root);
    target.completeTree('initiate', { status: NDIS_STATUS_RESOURCES });
    expect(block.netBufferListChain).toBe(chain);
    for (const nbl of membersOf(chain)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    // It can be sent again.
    block.netBufferListChain = null;
    host.binding.offloadTcpSend(stack.connection, chain);
    stack.close();
  });

  test('a terminate hands back what was not sent in the chain, and what was received and not delivered as BufferedData', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const unsent = host.send(connection, 'not', 'sent');
    const received = target.list('not', 'delivered', 'yet');
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    target.sends.length = 0;
    target.completeTree('terminate', {
      change: (block) => {
        block.netBufferListChain = unsent;
        for (const nbl of membersOf(unsent)) nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        const { delegated } = block.state as TcpOffloadState;
        if (delegated !== null) delegated.bufferedData = received;
      },
    });
    expect(root.netBufferListChain).toBe(unsent);
    for (const nbl of membersOf(unsent)) expect([nbl.sourceHandle, nbl.context, nbl.status]).toEqual([null, null, NDIS_STATUS_UPLOAD_IN_PROGRESS]);
    expect((root.state as TcpOffloadState).delegated?.bufferedData).toBe(received);
    for (const nbl of membersOf(received)) expect(nbl.sourceHandle).toBe(stack.ndis.findAdapter(host.binding.adapterName));
    host.binding.offloadTcpReceiveReturn(received);
    expectSame(target.calls.of('miniportTcpOffloadReceiveReturn'), [[target, received]]);
    for (const nbl of membersOf(received)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    root.netBufferListChain = null;
    stack.close();
  });

  test('trees that are wide at one layer only: stand-alone blocks linked as siblings', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const handles = Array.from({ length: 50 }, (_, at) => new OffloadHandle(host.binding, `neighbor ${at}`));
    host.initiate(present(siblings(...handles.map((handle) => neighborBlock(handle)))));
    target.completeTree('initiate');
    expect(handles.every(({ state }) => state === 'offloaded')).toBe(true);
    stack.close();
  });

  test('a target may complete inside its entry, and the host start the next operation inside the completion', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    let left = 5;
    host.calls.on('protocolQueryOffloadComplete', (_context: unknown, root: ProtocolOffloadBlockList) => {
      if (--left > 0) host.binding.queryOffloadState(root);
    });
    target.calls.on('miniportQueryOffload', (_context: unknown, tree: MiniportOffloadBlockList) => {
      target.passUp('query', tree);
    });
    host.binding.queryOffloadState(host.connections(connection));
    expect([left, host.calls.count('protocolQueryOffloadComplete')]).toEqual([0, 5]);
    target.trees.length = 0;
    stack.close();
  });
});
