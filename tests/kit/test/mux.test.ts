import { blocksOf, createMuxStack, link, membersOf, neighborBlock, newTree, pathBlock, present, textsOf, under, type MuxStack, type MuxStackOptions, type ProbeHost, type ProbeTree } from '@ndis-chimney/kit';
import type { MuxEntry, MuxShared} from '@ndis-chimney/intermediate';
import { MuxDriver, PassThroughDriver } from '@ndis-chimney/intermediate';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_REQUESTED,
  TCP_OFFLOAD_EVENT_TYPE,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

const shapes: [string, MuxStackOptions][] = [false, true].flatMap((isObserved): [string, MuxStackOptions][] => [
  [`a mux, ${isObserved ? 'observed' : 'unobserved'}`, { isObserved }],
  [`a mux above a mux, ${isObserved ? 'observed' : 'unobserved'}`, { isObserved, isStacked: true }],
]);

const statusesOf = (list: unknown): number[] => membersOf(list as NetBufferList).map(({ status }) => status);
const first = (handles: readonly OffloadHandle[]): OffloadHandle => present(handles[0]);

/** A neighbor alone, offloaded. */
function offloadNeighbor(stack: MuxStack, host: ProbeHost): ProbeTree {
  const tree = newTree(host.binding);
  tree.root.dependentBlockList = null;
  host.initiate(tree.root);
  stack.finishTrees();
  return tree;
}

/** The host updates a path: it shall go by this neighbor. @returns the tree. */
function linkPath(host: ProbeHost, path: OffloadHandle, neighbor: OffloadHandle): ProtocolOffloadBlockList {
  const root = under(neighborBlock(neighbor), pathBlock(path));
  root.state = null;
  host.binding.updateOffload(root);
  return root;
}

describe.each(shapes)('requests through %s', (_name, shape) => {
  test('GV-IM-3 a completion list that mixes interfaces becomes one call for each, in order; no context stays on', () => {
    const stack = createMuxStack(shape);
    const [u, v] = [stack.host(0), stack.host(1)];
    const [cu, cv] = [first(stack.offload(u).connections), first(stack.offload(v).connections)];
    const target = stack.targetOf(cu);
    // Below a lower mux the two may be at different targets; then each completes its own.
    const [u1, v1, u2] = [u.send(cu, 'u1'), v.send(cv, 'v1'), u.send(cu, 'u2')];
    for (const one of new Set([target, stack.targetOf(cv)])) one.completeSends();
    expect(u.calls.of('protocolTcpOffloadSendComplete').flatMap(([, list]) => textsOf(list as NetBufferList))).toEqual(['u1', 'u2']);
    expect(v.calls.of('protocolTcpOffloadSendComplete').flatMap(([, list]) => textsOf(list as NetBufferList))).toEqual(['v1']);
    expect(v.calls.of('protocolTcpOffloadSendComplete')[0]?.[1]).toBe(v1);
    for (const nbl of [u1, v1, u2]) expect([nbl.context, nbl.sourceHandle]).toEqual([null, null]);
    if (shape.isStacked !== true) expect([u.calls.count('protocolTcpOffloadSendComplete'), v.calls.count('protocolTcpOffloadSendComplete')]).toEqual([1, 1]);
    stack.close();
  });

  test('every kind of request reaches the target of its connection and completes to the host that made it, the same NBL', () => {
    const stack = createMuxStack(shape);
    for (const host of stack.hosts) {
      const connection = first(stack.offload(host).connections);
      const target = stack.targetOf(connection);
      const lists = {
        miniportTcpOffloadSend: host.send(connection, 'a', 'b'),
        miniportTcpOffloadReceive: host.receive(connection, 7, 9),
        miniportTcpOffloadForward: host.forward(connection, 'segment'),
        miniportTcpOffloadDisconnect: host.disconnect(connection, 1),
      };
      for (const [entry, list] of Object.entries(lists)) expect(target.calls.of(entry).at(-1)?.[2], entry).toBe(list);
      expect(target.calls.of('miniportTcpOffloadDisconnect').at(-1)?.[3]).toBe(1);
      stack.finishAll();
      expectSame(host.calls.of('protocolTcpOffloadSendComplete'), [[host.context, lists.miniportTcpOffloadSend]]);
      expectSame(host.calls.of('protocolTcpOffloadReceiveComplete'), [[host.context, lists.miniportTcpOffloadReceive]]);
      expectSame(host.calls.of('protocolTcpOffloadForwardComplete'), [[host.context, lists.miniportTcpOffloadForward]]);
      expectSame(host.calls.of('protocolTcpOffloadDisconnectComplete'), [[host.context, lists.miniportTcpOffloadDisconnect]]);
      host.sendOrdinary('p', 'q');
      stack.finishAll();
      expect(host.calls.count('protocolSendNetBufferListsComplete')).toBe(1);
    }
    stack.close();
  });

  test('a mixed completion of every kind is split', () => {
    const stack = createMuxStack({ ...shape, isStacked: false });
    const [u, v] = [stack.host(0), stack.host(1)];
    const [cu, cv] = [first(stack.offload(u).connections), first(stack.offload(v).connections)];
    for (const host of [u, v, u]) {
      const connection = host === u ? cu : cv;
      host.receive(connection, 3);
      host.forward(connection, 'x');
      host.sendOrdinary('o');
    }
    stack.finishAll();
    for (const entry of ['protocolTcpOffloadReceiveComplete', 'protocolTcpOffloadForwardComplete', 'protocolSendNetBufferListsComplete']) {
      const lengths = [u, v].map((host) => host.calls.of(entry).map(([, list]) => membersOf(list as NetBufferList).length));
      expect(lengths, entry).toEqual([[2], [1]]);
    }
    stack.close();
  });

  test('CHIM-DSC-011 a disconnect completion without an NBL is taken, and nothing comes of it', () => {
    const stack = createMuxStack(shape);
    const connection = first(stack.offload().connections);
    stack.mux.protocolTcpOffloadDisconnectComplete(present(stack.mux.lowers[0]), null);
    stack.host(0).disconnect(connection);
    stack.finishAll();
    expect(stack.host(0).calls.count('protocolTcpOffloadDisconnectComplete')).toBe(1);
    stack.close();
  });

  test('indications go to the host whose connection it is, and what it keeps goes back to the adapter it came from', () => {
    const stack = createMuxStack({ ...shape, mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const { connections } = stack.offload(host, { connectionsPerPath: 2 });
    const [a, b] = [present(connections[0]), present(connections[1])];
    expect(stack.targetOf(a)).not.toBe(stack.targetOf(b));
    const kept: NetBufferList[] = [];
    host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed) => {
      kept.push(nbl);
      bytesConsumed.value = nbl.firstNetBuffer?.dataLength ?? 0;
      return NDIS_STATUS_SUCCESS;
    });
    const answers = [a, b, a].map((connection) => stack.targetOf(connection).indicate(stack.lowest(connection), 'data'));
    expect(answers.map(({ status, bytesConsumed }) => [status, bytesConsumed])).toEqual([0, 1, 2].map(() => [NDIS_STATUS_SUCCESS, 4]));
    expect(host.calls.of('protocolTcpOffloadReceiveIndicate').map(([handle]) => handle)).toEqual([a, b, a]);
    // One list of NBLs of both adapters.
    host.binding.offloadTcpReceiveReturn(link(kept));
    expect(stack.targetOf(a).calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => membersOf(list as NetBufferList).length)).toEqual([2]);
    expect(stack.targetOf(b).calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => membersOf(list as NetBufferList).length)).toEqual([1]);
    stack.targetOf(b).event(stack.lowest(b), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 99);
    expectSame(host.calls.of('protocolTcpOffloadEvent'), [[b, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 99]]);
    stack.close();
  });

  test('a neighbor query of any adapter reaches the host with the host’s handle, and the answer goes back', () => {
    const stack = createMuxStack({ ...shape, mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const { neighbors } = stack.offload(host, { connectionsPerPath: 2 });
    const neighbor = first(neighbors);
    const { replicas } = neighbor.miniportOffloadContext as MuxShared;
    host.calls.on('protocolIndicateOffloadEvent', (_context: unknown, block: ProtocolOffloadBlockList) => {
      expect(block.offloadHandle).toBe(neighbor);
      present((block.state as NeighborOffloadState).cached).hostReachabilityDelta = 77;
    });
    for (const { handle } of replicas) {
      const name = stack.lowest(handle).binding.adapterName;
      const target = present(stack.targets.find(({ miniport }) => miniport.name === name));
      const block = target.askAboutNeighbor(stack.lowest(handle), 2);
      expect((block.state as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(77);
    }
    expect(host.calls.count('protocolIndicateOffloadEvent')).toBe(2);
    stack.close();
  });

  test.each(['query', 'update', 'invalidate', 'terminate'] as const)('%s comes back in the host’s own tree, whichever adapters it concerns', (operation) => {
    for (const placement of ['active-backup', 'round-robin'] as const) {
      const stack = createMuxStack({ ...shape, mux: { uppers: [{ name: 'u' }], placement } });
      const host = stack.host(0);
      const tree = stack.offload(host, { pathsPerNeighbor: 2, connectionsPerPath: 3 });
      const before = blocksOf(tree.root).map((block) => [block, block.offloadHandle, block.imReserved0, block.sourceHandle]);
      const down = { query: 'queryOffloadState', update: 'updateOffload', invalidate: 'invalidateOffload', terminate: 'terminateOffload' } as const;
      host.binding[down[operation]](tree.root);
      if (shape.isStacked !== true) expect(stack.targets.flatMap(({ trees }) => trees).length).toBe(placement === 'round-robin' ? 2 : 1);
      stack.finishTrees();
      const entry = { query: 'protocolQueryOffloadComplete', update: 'protocolUpdateOffloadComplete', invalidate: 'protocolInvalidateOffloadComplete', terminate: 'protocolTerminateOffloadComplete' }[operation];
      expectSame(host.calls.of(entry), [[host.context, tree.root]]);
      expect(blocksOf(tree.root).map((block) => [block, block.offloadHandle, block.imReserved0, block.sourceHandle])).toEqual(before);
      expect(blocksOf(tree.root).map(({ status }) => status)).toEqual(before.map(() => NDIS_STATUS_SUCCESS));
      expect(first(tree.connections).state).toBe(operation === 'terminate' ? 'dead' : 'offloaded');
      stack.close();
    }
  });
});

describe('objects in a mux', () => {
  test('GV-IM-1 cell of the host’s handle → entry of the mux → cell of its own handle → context of the target', () => {
    const stack = createMuxStack();
    const h0 = first(stack.offload().connections);
    const entry = h0.miniportOffloadContext as MuxEntry;
    expect(entry.upperHandle).toBe(h0);
    const h1: OffloadHandle = entry.handle;
    const context = h1.miniportOffloadContext as { readonly handle: OffloadHandle };
    expect(context.handle).toBe(h1);
    stack.close();
  });

  test.each([1, 2])('GV-IM-2 ImReserved and SourceHandle of every block come back through %d stacked muxes', (depth) => {
    const stack = createMuxStack({ isStacked: depth === 2 });
    const host = stack.host(0);
    const tree = newTree(host.binding);
    const blocks = blocksOf(tree.root);
    blocks.forEach((block, at) => {
      block.imReserved0 = `X ${at}`;
      block.imReserved1 = at;
    });
    host.initiate(tree.root);
    // While the tree is below, the slot of its root holds the call entry of the mux; the others are not touched.
    expect(tree.root.imReserved0).toBeTypeOf('object');
    stack.finishTrees();
    expect(blocks.map(({ imReserved0, imReserved1, sourceHandle }) => [imReserved0, imReserved1, sourceHandle])).toEqual(blocks.map((_block, at) => [`X ${at}`, at, null]));
    stack.close();
  });

  test('each connection lives below one adapter, a neighbor and a path below every adapter that needs them', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'least-objects' }, targets: 3 });
    const tree = stack.offload(stack.host(0), { connectionsPerPath: 6 });
    expect(tree.connections.map((connection) => stack.targetOf(connection).name)).toEqual(['target 0', 'target 1', 'target 2', 'target 0', 'target 1', 'target 2']);
    for (const handle of [first(tree.neighbors), first(tree.paths)]) expect((handle.miniportOffloadContext as MuxShared).replicas.map(({ lower }) => lower.adapterName)).toEqual(['nic0', 'nic1', 'nic2']);
    for (const connection of tree.connections) stack.proveItWorks(stack.host(0), connection);
    stack.close();
  });

  test('a connection under a path that is elsewhere brings path and neighbor with it, with the state that the host gave', () => {
    const placed: string[] = [];
    const stack = createMuxStack({
      mux: {
        uppers: [{ name: 'u' }],
        placement: (lowers) => {
          const lower = present(lowers[placed.length % lowers.length]);
          placed.push(lower.adapterName);
          return lower;
        },
      },
    });
    const host = stack.host(0);
    const tree = newTree(host.binding);
    const { const: constant, cached, delegated } = tree.root.state as NeighborOffloadState;
    if (constant !== null) constant.dlSourceAddress.set([2, 0, 0, 0, 0, 9]);
    if (cached !== null) cached.hostReachabilityDelta = 5;
    if (delegated !== null) delegated.nicReachabilityDelta = 6;
    host.initiate(tree.root);
    stack.finishTrees();
    stack.runtime.advance(250);
    const root = newTree(host.binding).root;
    root.offloadHandle = first(tree.neighbors);
    root.state = null;
    const path = present(root.dependentBlockList);
    path.offloadHandle = first(tree.paths);
    path.state = null;
    host.initiate(root);
    const replica = present(stack.target(1).trees[0]).tree;
    const state = replica.state as NeighborOffloadState;
    expect([...present(state.const).dlSourceAddress.subarray(0, 6)]).toEqual([2, 0, 0, 0, 0, 9]);
    // A quarter of a second is 250 ticks.
    expect([state.cached?.hostReachabilityDelta, state.delegated?.nicReachabilityDelta]).toEqual([255, 256]);
    expect(host.calls.count('protocolInitiateOffloadComplete')).toBe(1);
    stack.finishTrees();
    expect(placed).toEqual(['nic0', 'nic1']);
    expectSame(host.calls.of('protocolInitiateOffloadComplete').slice(-1), [[host.context, root]]);
    const connection = present(path.dependentBlockList?.offloadHandle);
    expect(stack.targetOf(connection)).toBe(stack.target(1));
    stack.proveItWorks(host, connection);
    stack.close();
  });

  test('when the replica that a connection needs is refused, its initiate fails and everything else goes on', () => {
    let turn = 0;
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: (lowers) => present(lowers[turn++ % 2]) } });
    const host = stack.host(0);
    const tree = stack.offload(host);
    const root = newTree(host.binding).root;
    root.offloadHandle = first(tree.neighbors);
    present(root.dependentBlockList).offloadHandle = first(tree.paths);
    host.initiate(root);
    stack.target(1).completeTree('initiate', { status: NDIS_STATUS_FAILURE });
    stack.finishTrees();
    expect(blocksOf(root).map(({ status, offloadHandle }) => [status, offloadHandle?.state])).toEqual([
      [NDIS_STATUS_FAILURE, 'offloaded'],
      [NDIS_STATUS_FAILURE, 'offloaded'],
      [NDIS_STATUS_FAILURE, 'dead'],
    ]);
    stack.proveItWorks(host, first(tree.connections));
    stack.close();
  });

  test('one part of a split tree may fail: neighbor and path are offloaded where it did not', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const tree = host.offload({ connectionsPerPath: 2 });
    stack.target(1).completeTree('initiate', { status: NDIS_STATUS_FAILURE });
    stack.finishTrees();
    expect(blocksOf(tree.root).map(({ status }) => status)).toEqual([NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE]);
    expect([...tree.neighbors, ...tree.paths, ...tree.connections].map(({ state }) => state)).toEqual(['offloaded', 'offloaded', 'offloaded', 'dead']);
    stack.proveItWorks(host, first(tree.connections));
    stack.close();
  });

  test('send data goes down with the part of its connection, and unsent and received data comes back with it', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const tree = newTree(host.binding, { connectionsPerPath: 2 });
    const [one, two] = [present(tree.root.dependentBlockList?.dependentBlockList), present(tree.root.dependentBlockList?.dependentBlockList?.nextBlock)];
    one.netBufferListChain = host.list('for one');
    two.netBufferListChain = host.list('for', 'two');
    const chains = [one, two].map(({ netBufferListChain }) => netBufferListChain);
    host.initiate(tree.root);
    const below = stack.targets.map(({ trees }) => present(blocksOf(present(trees[0]).tree).find(({ netBufferListChain }) => netBufferListChain !== null)).netBufferListChain);
    expectSame([below], [chains]);
    stack.finishTrees();
    one.netBufferListChain = null;
    two.netBufferListChain = null;
    host.binding.terminateOffload(tree.root);
    const received = stack.target(1).list('not delivered');
    stack.targets.forEach((target, at) => {
      target.completeTree('terminate', {
        change: (block: MiniportOffloadBlockList) => {
          const { delegated } = (block.state as TcpOffloadState | null) ?? { delegated: null };
          if (delegated === null || !('bufferedData' in delegated)) return;
          block.netBufferListChain = present(chains[at]);
          if (at === 1) delegated.bufferedData = received;
        },
      });
    });
    expectSame([[one.netBufferListChain, two.netBufferListChain]], [chains]);
    for (const nbl of chains.flatMap((chain) => membersOf(chain))) expect([nbl.context, nbl.sourceHandle]).toEqual([null, null]);
    expect((two.state as TcpOffloadState).delegated?.bufferedData).toBe(received);
    host.binding.offloadTcpReceiveReturn(received);
    expect(stack.target(1).calls.of('miniportTcpOffloadReceiveReturn')[0]?.[1]).toBe(received);
    stack.close();
  });

  test('a path is linked to a new neighbor below every adapter that the path is at', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    const next = offloadNeighbor(stack, host);
    const shared = first(next.neighbors).miniportOffloadContext as MuxShared;
    expect(shared.replicas.length).toBe(1);
    const root = linkPath(host, first(tree.paths), first(next.neighbors));
    stack.finishTrees();
    expect(blocksOf(root).map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    expect(shared.replicas.length).toBe(2);
    expect((first(tree.paths).miniportOffloadContext as MuxShared).parent).toBe(shared);
    for (const target of stack.targets) expect(target.calls.count('miniportUpdateOffload')).toBe(1);
    stack.close();
  });

  test('a query of a neighbor at two adapters gives the more recent confirmation; a failed terminate of one is repeated for that one', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    tree.root.dependentBlockList = null;
    host.binding.queryOffloadState(tree.root);
    [40, 30].forEach((nrd, at) => {
      stack.target(at).completeTree('query', { change: (block) => { present((block.state as NeighborOffloadState).delegated).nicReachabilityDelta = nrd; } });
    });
    expect((tree.root.state as NeighborOffloadState).delegated?.nicReachabilityDelta).toBe(30);
    host.binding.terminateOffload(host.connections(...tree.connections));
    stack.finishTrees();
    host.binding.terminateOffload(tree.root);
    stack.target(0).completeTree('terminate');
    stack.target(1).completeTree('terminate', { status: NDIS_STATUS_FAILURE });
    expect([tree.root.status, first(tree.neighbors).state]).toEqual([NDIS_STATUS_FAILURE, 'lost']);
    host.binding.terminateOffload(tree.root);
    expect(stack.targets.map(({ trees }) => trees.length)).toEqual([0, 1]);
    stack.finishTrees();
    expect(first(tree.neighbors).state).toBe('dead');
    stack.close();
  });

  test('a placement that names an adapter it was not given is at fault, and the initiate fails', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: () => ({}) as never } });
    const tree = stack.offload();
    expect(first(tree.connections).state).toBe('dead');
    expect(stack.expectOne('CHIM-LIF-005').message).toMatch(/placement returned none/);
    stack.close();
  });
});

describe('VLAN and priority of upper interfaces', () => {
  const uppers = [{ name: 'u', vlanId: 100, priority: 5 }, { name: 'v' }];

  test('are filled in on the way down, and the host sees what it gave', () => {
    const stack = createMuxStack({ mux: { uppers } });
    const host = stack.host(0);
    const tree = host.offload();
    const below = blocksOf(present(stack.target(0).trees[0]).tree);
    const constantOf = (block: { readonly state: unknown } | undefined): number | undefined => (present(block).state as NeighborOffloadState).const?.vlanId;
    const priorityOf = (block: { readonly state: unknown } | undefined): number | undefined => (present(block).state as TcpOffloadState).cached?.userPriority;
    expect([constantOf(below[0]), priorityOf(below[2])]).toEqual([100, 5]);
    stack.finishTrees();
    const blocks = blocksOf(tree.root);
    expect([constantOf(blocks[0]), priorityOf(blocks[2])]).toEqual([0, 0]);
    // The target answers a query with what it was given.
    host.binding.queryOffloadState(tree.root);
    stack.target(0).completeTree('query', {
      change: (block) => {
        const { const: constant, cached } = block.state as NeighborOffloadState & TcpOffloadState;
        if ('vlanId' in (constant ?? {})) (constant as { vlanId: number }).vlanId = 100;
        if ('userPriority' in (cached ?? {})) (cached as { userPriority: number }).userPriority = 5;
      },
    });
    expect([constantOf(blocks[0]), priorityOf(blocks[2])]).toEqual([0, 0]);
    present((present(blocks[2]).state as TcpOffloadState).cached).userPriority = 3;
    host.binding.updateOffload(tree.root);
    expect(priorityOf(blocksOf(present(stack.target(0).trees[0]).tree)[2])).toBe(3);
    stack.finishTrees();
    expect(priorityOf(blocks[2])).toBe(3);
    const other = stack.host(1).offload();
    expect(constantOf(present(stack.target(0).trees[0]).tree)).toBe(0);
    stack.finishTrees();
    expect(first(other.connections).state).toBe('offloaded');
    stack.close();
  });

  test('a neighbor of another VLAN is refused with NDIS_STATUS_OFFLOAD_VLAN_MISMATCH', () => {
    const stack = createMuxStack({ mux: { uppers } });
    const host = stack.host(0);
    const tree = newTree(host.binding);
    present((tree.root.state as NeighborOffloadState).const).vlanId = 7;
    host.initiate(tree.root);
    stack.settle();
    expect(blocksOf(tree.root).map(({ status }) => status)).toEqual([NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
    expect(stack.target(0).calls.count('miniportInitiateOffload')).toBe(0);
    stack.close();
  });

  test('the ordinary path: sends get the tag, received packets go to their VLAN without it, and get it back', () => {
    const stack = createMuxStack({ mux: { uppers } });
    const TAG = 4;
    const [u, v] = [stack.host(0), stack.host(1)];
    const sent = u.sendOrdinary('tagged');
    expect(sent.getInfo(TAG)).toBe((100 << 4) | 5);
    const plain = v.sendOrdinary('plain');
    expect(plain.getInfo(TAG)).toBe(0);
    stack.finishAll();
    expect([sent.getInfo(TAG), u.calls.count('protocolSendNetBufferListsComplete'), v.calls.count('protocolSendNetBufferListsComplete')]).toEqual([0, 1, 1]);
    const target = stack.target(0);
    const list = target.list('for u', 'for v', 'for u too');
    const [one, two, three] = membersOf(list);
    for (const nbl of [one, three]) present(nbl).setInfo(TAG, 100 << 4);
    const seen: unknown[] = [];
    for (const host of [u, v]) {
      host.calls.on('protocolReceiveNetBufferLists', (context: typeof host.context, received: NetBufferList) => {
        seen.push([host.name, textsOf(received), membersOf(received).map((nbl) => nbl.getInfo(TAG))]);
        context.binding?.returnNetBufferLists(received, 0);
      });
    }
    target.miniport.indicateReceiveNetBufferLists(list, 0, 3, 0);
    expect(seen).toEqual([
      [u.name, ['for u', 'for u too'], [0, 0]],
      [v.name, ['for v'], [0]],
    ]);
    expect([one, two, three].map((nbl) => present(nbl).getInfo(TAG))).toEqual([100 << 4, 0, 100 << 4]);
    expect(target.calls.of('miniportReturnNetBufferLists').flatMap(([, back]) => membersOf(back as NetBufferList)).length).toBe(3);
    // With the resources flag the list is back, in its order, when the call returns.
    for (const host of [u, v]) host.calls.off('protocolReceiveNetBufferLists');
    link([present(one), present(two), present(three)]);
    target.miniport.indicateReceiveNetBufferLists(list, 0, 3, 2);
    expectSame([membersOf(list)], [[one, two, three]]);
    expect([one, two, three].map((nbl) => [present(nbl).sourceHandle, present(nbl).context, present(nbl).getInfo(TAG)])).toEqual([[null, null, 1600], [null, null, 0], [null, null, 1600]]);
    stack.close();
  });

  test('without VLANs a received packet goes to every interface; the last may keep it', () => {
    const stack = createMuxStack();
    const flags: number[] = [];
    for (const host of stack.hosts) host.calls.on('protocolReceiveNetBufferLists', (_context: unknown, _list: unknown, _port: number, _count: number, receiveFlags: number) => { flags.push(receiveFlags); });
    const list = stack.target(0).indicateOrdinary(0, 'p', 'q');
    expect(flags).toEqual([2, 0]);
    stack.host(1).binding.returnNetBufferLists(list, 0);
    expect(stack.target(0).calls.count('miniportReturnNetBufferLists')).toBe(1);
    stack.close();
  });

  test.each([{ name: 'u', vlanId: 4095 }, { name: 'u', vlanId: 1.5 }, { name: 'u', priority: 8 }])('an option out of range is refused: %j', (upper) => {
    const { ndis } = createMuxStack();
    expect(() => new MuxDriver(ndis, { uppers: [upper] })).toThrow(TypeError);
  });

  test.each([[{ uppers: [] }], [{ uppers: [{ name: 'u' }, { name: 'u' }] }], [{ placement: 'somehow' as never }]])('so is %j', (options) => {
    const { ndis } = createMuxStack();
    expect(() => new MuxDriver(ndis, options)).toThrow(TypeError);
  });
});

describe('a mux without memory', () => {
  test.each([false, true])('GV-SND-6 a list of 3 NBLs it has no contexts for: REQUEST_UPLOAD, UPLOAD_REQUESTED twice, nothing below (observed: %s)', (isObserved) => {
    const stack = createMuxStack({ isObserved, mux: { uppers: [{ name: 'u' }], netBufferListContexts: 2 } });
    const host = stack.host(0);
    const connection = first(stack.offload(host).connections);
    const list = host.send(connection, 'a', 'b', 'c');
    expect(host.calls.count('protocolTcpOffloadSendComplete')).toBe(0);
    stack.settle();
    expect(statusesOf(list)).toEqual([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    expect(stack.target(0).calls.count('miniportTcpOffloadSend')).toBe(0);
    for (const later of [host.receive(connection, 1, 1, 1), host.forward(connection, 'x', 'y', 'z')]) {
      stack.settle();
      expect(statusesOf(later)).toEqual([NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    }
    stack.close();
  });

  test.each(['active-backup', 'round-robin'] as const)('an initiate fails in every block, the other operations wait: %s', (placement) => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement, callEntries: 1 } });
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    expect(first(tree.connections).state).toBe('offloaded');
    host.binding.queryOffloadState(tree.root);
    const refused = host.offload({ connectionsPerPath: 2 });
    stack.settle();
    expect(blocksOf(refused.root).map(({ status }) => status)).toEqual([NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
    const [one, two] = tree.connections.map((handle) => host.connections(handle));
    host.binding.queryOffloadState(present(one));
    host.binding.queryOffloadState(present(two));
    expect(host.calls.count('protocolQueryOffloadComplete')).toBe(0);
    stack.finishTrees();
    expect(host.calls.of('protocolQueryOffloadComplete').map(([, root]) => root)).toEqual([tree.root, one, two]);
    stack.close();
  });

  test.each([1, 2, 3, 5])('%d offload entries are not enough for a tree in two parts: it fails whole and nothing is left', (offloadEntries) => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin', offloadEntries } });
    const tree = stack.offload(stack.host(0), { connectionsPerPath: 2 });
    expect([...tree.neighbors, ...tree.paths, ...tree.connections].map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead']);
    expect(stack.targets.map((target) => target.calls.count('miniportInitiateOffload'))).toEqual([0, 0]);
    stack.close();
  });
});

test('a path cannot be linked to a neighbor for which there is no memory below its adapter: the update fails, nothing waits', () => {
  const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin', offloadEntries: 7 } });
  const host = stack.host(0);
  const tree = stack.offload(host, { connectionsPerPath: 2 });
  const next = offloadNeighbor(stack, host);
  const root = linkPath(host, first(tree.paths), first(next.neighbors));
  stack.settle();
  expect([host.calls.count('protocolUpdateOffloadComplete'), ...blocksOf(root).map(({ status }) => status)]).toEqual([1, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
  for (const connection of tree.connections) stack.proveItWorks(host, connection);
  stack.close();
});

test('a mux above a pass-through driver above a target works like any stack', () => {
  const stack = createMuxStack({ targets: 1 });
  const target = stack.addTarget();
  const im = new PassThroughDriver(stack.ndis, { name: 'im' }).register();
  stack.ndis.bindAdapter(im.ndisProtocolHandle, target.miniport);
  stack.bindMux(stack.mux, 'im:nic1');
  expect(stack.mux.lowers.map(({ adapterName }) => adapterName)).toEqual(['nic0', 'im:nic1']);
  stack.ndis.removeAdapter(stack.target(0).miniport);
  stack.settle();
  const connection = first(stack.offload().connections);
  expect(stack.targetOf(connection)).toBe(target);
  stack.proveItWorks(stack.host(0), connection);
  stack.close();
  stack.ndis.deregisterProtocolDriver(im.ndisProtocolHandle);
});

test('with no adapter that runs, ordinary sends fail', () => {
  const stack = createMuxStack({ targets: 1 });
  stack.target(0).indicateStatus(0x4001000C);
  const list = stack.host(0).sendOrdinary('x');
  stack.settle();
  expect(statusesOf(list)).toEqual([NDIS_STATUS_PAUSED]);
  stack.close();
});
