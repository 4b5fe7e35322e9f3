import { blocksOf, createMuxStack, newTree, present, terminateAllOf, textsOf, type MuxStack, type MuxStackOptions, type ProbeHost } from '@ndis-chimney/kit';
import type { MuxShared } from '@ndis-chimney/intermediate';
import {
  DDI_CROSSING,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NdisTcpConnectionOffload,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NdisStatusIndication,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const first = (handles: readonly OffloadHandle[]): OffloadHandle => present(handles[0]);
const toldTo = (host: ProbeHost): number[] => host.calls.of('protocolStatusEx').map(([, indication]) => (indication as NdisStatusIndication).statusCode);
const retrieved = (host: ProbeHost): unknown[] => host.calls.of('protocolTcpOffloadEvent').filter(([, type]) => type === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve).map(([handle]) => handle);

/** The ways in which an adapter goes. Each returns whether it is over. */
const ways: [string, (stack: MuxStack, onOver: () => void) => void][] = [
  ['is unbound', (stack, onOver) => { stack.unbindMux('nic0', onOver); }],
  ['is removed', (stack, onOver) => { stack.ndis.removeAdapter(stack.target(0).miniport, onOver); }],
  ['is paused', (stack, onOver) => { stack.ndis.pauseAdapter(stack.target(0).miniport, onOver); }],
  ['asks for everything', (stack, onOver) => { stack.target(0).indicateStatus(NDIS_STATUS_UPLOAD_ALL); onOver(); }],
  ['loses its link', (stack, onOver) => { stack.target(0).indicateStatus(NDIS_STATUS_MEDIA_DISCONNECT); onOver(); }],
];

const shapes: MuxStackOptions[] = [false, true].flatMap((isObserved) => [false, true].map((pendLifeCycle) => ({ isObserved, pendLifeCycle })));
const cases = ways.flatMap(([way, go]) => shapes.map((shape) => [`${way}${shape.isObserved === true ? ', observed' : ''}${shape.pendLifeCycle === true ? ', with waiting' : ''}`, go, shape] as const));

describe('failover: the adapter in use', () => {
  test.each(cases)('%s: connections come back once with their state, nothing is lost, and go on below the other adapter', (_way, go, shape) => {
    const stack = createMuxStack(shape);
    present(stack.target(1)).capabilities.tcpConnectionOffloadCapacity = 1000;
    const [u, v] = [stack.host(0), stack.host(1)];
    const trees = [stack.offload(u, { connectionsPerPath: 2 }), stack.offload(v)];
    const connections = trees.flatMap((tree) => tree.connections);
    for (const host of [u, v]) host.calls.clear();
    const pending = connections.map((connection, at) => (at < 2 ? u : v).send(connection, `unsent ${at}`));
    let over = 0;
    go(stack, () => over++);
    for (const host of [u, v]) expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL]);
    // The target still has everything; hosts obey. It hands back what was not sent in the trees.
    const unsent = stack.target(0).sends.splice(0);
    expect(unsent.length).toBe(3);
    const chainOf = new Map(connections.map((connection, at) => [stack.lowest(connection), at] as const));
    [u, v].forEach((host, at) => { host.binding.terminateOffload(host.connections(...present(trees[at]).connections)); });
    while (stack.target(0).trees.length > 0) {
      stack.target(0).completeTree('terminate', {
        change: (block: MiniportOffloadBlockList) => {
          block.netBufferListChain = present(unsent[present(chainOf.get(present(block.ndisOffloadHandle)))]);
          present((block.state as TcpOffloadState).delegated).sndUna = 4711;
        },
      });
    }
    connections.forEach((connection, at) => {
      expect(connection.state).toBe('dead');
      expect(present(pending[at]).sourceHandle).toBeNull();
      expect(present(pending[at]).context).toBeNull();
    });
    expect([u, v].map((host) => host.calls.count('protocolTerminateOffloadComplete'))).toEqual([1, 1]);
    expect([u, v].flatMap((host) => host.calls.of('protocolTerminateOffloadComplete').flatMap(([, root]) => blocksOf(root as MiniportOffloadBlockList).map((block) => [textsOf(block.netBufferListChain), (block.state as TcpOffloadState).delegated?.sndUna])))).toEqual([
      [['unsent 0'], 4711],
      [['unsent 1'], 4711],
      [['unsent 2'], 4711],
    ]);
    // Not before paths and neighbors are back may they offload again.
    for (const host of [u, v]) expect(toldTo(host)).not.toContain(NDIS_STATUS_OFFLOAD_RESUME);
    for (const host of [u, v]) terminateAllOf(host, () => { stack.finishTrees(); });
    stack.settle();
    for (const host of [u, v]) expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_OFFLOAD_RESUME]);
    expect(over).toBe(1);
    for (const host of [u, v]) {
      const connection = first(stack.offload(host).connections);
      expect(stack.targetOf(connection)).toBe(stack.target(1));
      stack.proveItWorks(host, connection);
      // The virtual miniports have been up all the time.
      expect(host.calls.count('protocolUnbindAdapterEx')).toBe(0);
      expect(host.calls.count('protocolNetPnPEvent')).toBe(0);
    }
    stack.close();
  });

  test('the capabilities of the next adapter come with RESUME, and NDIS answers queries from them', () => {
    const stack = createMuxStack({ targets: 1, mux: { uppers: [{ name: 'u' }] } });
    const other = stack.addTarget();
    const host = stack.host(0);
    stack.bindMux(stack.mux, 'nic1');
    // The adapter in reserve does not count.
    expect(toldTo(host)).toEqual([]);
    stack.obey();
    stack.offload(host);
    const capabilities = new NdisTcpConnectionOffload();
    capabilities.tcpConnectionOffloadCapacity = 17;
    other.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
    expect(toldTo(host)).toEqual([]);
    stack.unbindMux('nic0');
    stack.finishTrees();
    expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, NDIS_STATUS_OFFLOAD_RESUME]);
    const resume = host.calls.of('protocolStatusEx').at(-1)?.[1] as NdisStatusIndication<NdisTcpConnectionOffload>;
    expect([resume.statusBuffer?.tcpConnectionOffloadCapacity, resume.sourceHandle]).toEqual([17, stack.ndis.findAdapter('u')]);
    stack.close();
  });

  test('an adapter that comes back waits in reserve', () => {
    const stack = createMuxStack();
    stack.obey();
    const host = stack.host(0);
    stack.offload(host);
    stack.ndis.pauseAdapter(stack.target(0).miniport);
    stack.finishTrees();
    const connection = first(stack.offload(host).connections);
    expect(stack.targetOf(connection)).toBe(stack.target(1));
    stack.ndis.restartAdapter(stack.target(0).miniport);
    stack.settle();
    expect(stack.targetOf(first(stack.offload(host).connections))).toBe(stack.target(1));
    stack.ndis.pauseAdapter(stack.target(1).miniport);
    stack.finishTrees();
    expect(stack.targetOf(first(stack.offload(host).connections))).toBe(stack.target(0));
    stack.close();
  });

  test('a pause of one adapter waits for what is below that one, and for nothing below the other', () => {
    const stack = createMuxStack();
    stack.obey();
    const [u, v] = [stack.host(0), stack.host(1)];
    const old = first(stack.offload(u).connections);
    stack.target(0).indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    const fresh = first(stack.offload(v).connections);
    expect(stack.targetOf(fresh)).toBe(stack.target(1));
    u.send(old, 'slow');
    v.send(fresh, 'slower');
    let paused = 0;
    stack.ndis.pauseAdapter(stack.target(0).miniport, () => paused++);
    stack.finishTrees();
    expect([paused, old.state, fresh.state]).toEqual([0, 'dead', 'offloaded']);
    stack.target(0).completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    stack.settle();
    expect([paused, stack.target(1).sends.length]).toEqual([1, 1]);
    stack.finishAll();
    stack.close();
  });

  test('a pause of one upper interface waits for what came through that one, and for nothing of the other', () => {
    const stack = createMuxStack();
    const [u, v] = [stack.host(0), stack.host(1)];
    const [cu, cv] = [first(stack.offload(u).connections), first(stack.offload(v).connections)];
    u.send(cu, 'of u');
    v.send(cv, 'of v');
    const paused: string[] = [];
    for (const name of ['u', 'v']) stack.ndis.pauseAdapter(present(stack.ndis.findAdapter(name)), () => paused.push(name));
    expect(paused).toEqual([]);
    stack.target(0).completeSends(1);
    expect(paused).toEqual(['u']);
    stack.target(0).completeSends(1);
    expect(paused).toEqual(['u', 'v']);
    for (const name of ['u', 'v']) stack.ndis.restartAdapter(present(stack.ndis.findAdapter(name)));
    stack.proveItWorks(u, cu);
    stack.close();
  });

  test('a pause of the last adapter pauses the virtual miniports; what is below stays there and works again after it', () => {
    const stack = createMuxStack();
    const host = stack.host(0);
    const connection = first(stack.offload(host).connections);
    const order: string[] = [];
    stack.ndis.pauseAdapter(stack.target(1).miniport, () => order.push('one'));
    stack.settle();
    expect(host.calls.count('protocolNetPnPEvent')).toBe(0);
    stack.ndis.pauseAdapter(stack.target(0).miniport, () => order.push('both'));
    stack.settle();
    expect([order, host.calls.count('protocolNetPnPEvent'), connection.state]).toEqual([['one', 'both'], 1, 'offloaded']);
    stack.ndis.restartAdapter(stack.target(0).miniport);
    stack.settle();
    stack.proveItWorks(host, connection);
    stack.close();
  });

  test('when another adapter runs first, what is below the paused one comes back before there is traffic', () => {
    const stack = createMuxStack();
    const host = stack.host(0);
    const tree = stack.offload(host);
    for (const target of [...stack.targets].reverse()) stack.ndis.pauseAdapter(target.miniport);
    stack.settle();
    host.calls.clear();
    stack.ndis.restartAdapter(stack.target(1).miniport);
    stack.settle();
    expect([toldTo(host), host.calls.count('protocolNetPnPEvent')]).toEqual([[NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL], 0]);
    expect(() => host.send(first(tree.connections), 'too early')).toThrow(/CHIM-LIF-004/);
    stack.expectOne('CHIM-LIF-004');
    terminateAllOf(host, () => { stack.finishTrees(); });
    stack.settle();
    expect([toldTo(host).at(-1), host.calls.count('protocolNetPnPEvent')]).toEqual([NDIS_STATUS_OFFLOAD_RESUME, 1]);
    const connection = first(stack.offload(host).connections);
    stack.proveItWorks(host, connection);
    stack.close();
  });
});

describe('an adapter of several in use', () => {
  const spread: MuxStackOptions = { mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } };

  test.each(ways)('%s: only its connections are asked for, one by one, and the mux takes neighbor and path from it', (_way, go) => {
    const stack = createMuxStack(spread);
    stack.obey();
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 4 });
    const [gone, staying] = [0, 1].map((at) => tree.connections.filter((connection) => stack.targetOf(connection) === stack.target(at)));
    let over = 0;
    go(stack, () => over++);
    stack.finishTrees();
    expect(retrieved(host)).toEqual(gone);
    expect(host.calls.of('protocolTcpOffloadEvent').map(([, , reason]) => reason)).toEqual([TCP_UPLOAD_REASON.UploadRequested, TCP_UPLOAD_REASON.UploadRequested]);
    expect(toldTo(host)).not.toContain(NDIS_STATUS_UPLOAD_ALL);
    expect(over).toBe(1);
    expect(present(gone).map(({ state }) => state)).toEqual(['dead', 'dead']);
    // The host has not noticed anything of neighbor and path.
    for (const handle of [first(tree.neighbors), first(tree.paths)]) {
      expect(handle.state).toBe('offloaded');
      expect((handle.miniportOffloadContext as MuxShared).replicas.map(({ lower }) => lower.adapterName)).toEqual(['nic1']);
    }
    for (const connection of present(staying)) stack.proveItWorks(host, connection);
    // New connections under the same path.
    const root = newTree(host.binding).root;
    root.offloadHandle = first(tree.neighbors);
    present(root.dependentBlockList).offloadHandle = first(tree.paths);
    host.initiate(root);
    stack.finishTrees();
    const connection = present(root.dependentBlockList?.dependentBlockList?.offloadHandle);
    expect(stack.targetOf(connection)).toBe(stack.target(1));
    stack.proveItWorks(host, connection);
    stack.close();
  });

  test('OFFLOAD_PAUSE of it concerns new objects only, and nobody above hears of it', () => {
    const stack = createMuxStack(spread);
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    stack.target(0).indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    for (let i = 0; i < 3; i++) expect(stack.targetOf(first(stack.offload(host).connections))).toBe(stack.target(1));
    for (const connection of tree.connections) stack.proveItWorks(host, connection);
    expect(toldTo(host)).toEqual([]);
    stack.target(0).indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, stack.target(0).capabilities);
    expect(stack.offload(host, { connectionsPerPath: 2 }).connections.map((connection) => stack.targetOf(connection).name).sort()).toEqual(['target 0', 'target 1']);
    stack.close();
  });

  test('of all of them it does: nothing is offloaded until one says RESUME', () => {
    const stack = createMuxStack(spread);
    const host = stack.host(0);
    for (const target of stack.targets) target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE]);
    const tree = stack.offload(host);
    expect([first(tree.connections).state, tree.root.status]).toEqual(['dead', NDIS_STATUS_FAILURE]);
    stack.target(1).indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, stack.target(1).capabilities);
    expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_OFFLOAD_RESUME]);
    stack.proveItWorks(host, first(stack.offload(host).connections));
    stack.close();
  });

  test('capabilities are what all can do; each change is told by PAUSE and RESUME', () => {
    const stack = createMuxStack({ ...spread, targets: 1 });
    const host = stack.host(0);
    const small = stack.addTarget();
    small.capabilities.tcpConnectionOffloadCapacity = 3;
    const capabilities = new NdisTcpConnectionOffload().copyFrom(small.capabilities);
    stack.bindMux(stack.mux, 'nic1');
    small.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
    expect(toldTo(host)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, NDIS_STATUS_OFFLOAD_RESUME]);
    const last = host.calls.of('protocolStatusEx').at(-1)?.[1] as NdisStatusIndication<NdisTcpConnectionOffload>;
    expect(last.statusBuffer?.tcpConnectionOffloadCapacity).toBe(3);
    stack.close();
  });

  test('when the last replica of a neighbor has gone, the host still terminates it, and queries it before', () => {
    let at = 0;
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: (lowers) => present(lowers[Math.min(at, lowers.length - 1)]) } });
    stack.obey();
    const host = stack.host(0);
    const tree = stack.offload(host);
    at = 1;
    const other = stack.offload(host);
    stack.unbindMux('nic0');
    stack.finishTrees();
    const shared = first(tree.neighbors).miniportOffloadContext as MuxShared;
    expect([shared.replicas.length, first(tree.neighbors).state, first(tree.connections).state]).toEqual([0, 'offloaded', 'dead']);
    tree.root.dependentBlockList = null;
    host.binding.queryOffloadState(tree.root);
    stack.settle();
    expect([tree.root.status, host.calls.count('protocolQueryOffloadComplete')]).toEqual([NDIS_STATUS_SUCCESS, 1]);
    host.binding.terminateOffload(tree.root);
    stack.settle();
    expect(first(tree.neighbors).state).toBe('dead');
    stack.proveItWorks(host, first(other.connections));
    stack.close();
  });
});

describe('orders at bad moments', () => {
  test('an adapter is unbound during an initiate: it completes, is asked back, and the adapter is let go', () => {
    for (const status of [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE]) {
      const stack = createMuxStack();
      stack.obey();
      const host = stack.host(0);
      const tree = host.offload();
      let unbound = 0;
      stack.unbindMux('nic0', () => unbound++);
      stack.settle();
      expect(unbound).toBe(0);
      stack.target(0).completeTree('initiate', { status });
      stack.finishTrees();
      terminateAllOf(host, () => { stack.finishTrees(); });
      stack.settle();
      expect([unbound, first(tree.connections).state]).toEqual([1, 'dead']);
      stack.proveItWorks(host, first(stack.offload(host).connections));
      stack.close();
    }
  });

  test('a connection that is offloaded below an adapter that is being left is asked for at once', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const old = stack.offload(host, { connectionsPerPath: 2 });
    const late = host.offload();
    const [target] = stack.targets.filter(({ trees }) => trees.length > 0);
    present(target).indicateStatus(NDIS_STATUS_UPLOAD_ALL);
    const before = retrieved(host);
    expect(before).toEqual(old.connections.filter((connection) => stack.targetOf(connection) === target));
    present(target).completeTree('initiate');
    expect(retrieved(host)).toEqual([...before, first(late.connections)]);
    stack.close();
  });

  test('an adapter is unbound when its pause has just become possible: both end', () => {
    const stack = createMuxStack();
    const over: string[] = [];
    stack.host(0).sendOrdinary('x');
    stack.ndis.pauseAdapter(stack.target(0).miniport, () => over.push('paused'));
    expect(over).toEqual([]);
    stack.target(0).completeOrdinarySends();
    stack.unbindMux('nic0', () => over.push('unbound'));
    stack.settle();
    expect(over.sort()).toEqual(['paused', 'unbound']);
    stack.close();
  });

  test('adapters pause and restart while an interface is still being paused: it runs in the end', () => {
    const stack = createMuxStack();
    const { ndis } = stack;
    const host = stack.host(0);
    ndis.pauseAdapter(stack.target(1).miniport);
    host.sendOrdinary('slow');
    ndis.pauseAdapter(stack.target(0).miniport);
    for (const change of ['restartAdapter', 'pauseAdapter'] as const) {
      ndis[change](stack.target(1).miniport);
      stack.settle();
    }
    stack.target(0).completeOrdinarySends();
    stack.settle();
    for (const target of stack.targets) ndis.restartAdapter(target.miniport);
    stack.settle();
    for (const each of stack.hosts) stack.proveItWorks(each, first(stack.offload(each).connections));
    stack.close();
  });

  test('an upper interface goes with requests below: it waits for its own, the other works on', () => {
    const stack = createMuxStack();
    const [u, v] = [stack.host(0), stack.host(1)];
    const [cu, cv] = [first(stack.offload(u).connections), first(stack.offload(v).connections)];
    v.send(cv, 'of v');
    u.send(cu, 'of u');
    const paused: number[] = [];
    stack.ndis.pauseAdapter(present(stack.ndis.findAdapter('u')), () => paused.push(1));
    stack.settle();
    expect(paused).toEqual([]);
    stack.finishAll();
    terminateAllOf(u, () => { stack.finishAll(); });
    let halted = 0;
    stack.ndis.removeAdapter(present(stack.ndis.findAdapter('u')), () => halted++);
    stack.settle();
    expect([paused, halted, stack.ndis.findAdapter('u')]).toEqual([[1], 1, null]);
    stack.proveItWorks(v, cv);
    stack.close();
  });

  test('both adapters are unbound at once: the virtual miniports go with the last, and nothing hangs', () => {
    const stack = createMuxStack();
    stack.obey();
    const host = stack.host(0);
    stack.offload(host);
    const unbound: string[] = [];
    for (const name of ['nic0', 'nic1']) stack.unbindMux(name, () => unbound.push(name));
    stack.finishTrees();
    terminateAllOf(host, () => { stack.finishTrees(); });
    stack.settle();
    expect(unbound.sort()).toEqual(['nic0', 'nic1']);
    expect([stack.ndis.findAdapter('u'), stack.ndis.findAdapter('v'), host.calls.count('protocolUnbindAdapterEx')]).toEqual([null, null, 1]);
    // With the next adapter they come up again.
    stack.bindMux(stack.mux, 'nic1');
    host.bindTo('u');
    stack.settle();
    const binding = present(host.bindings.at(-1)?.binding);
    const tree = host.offload({}, binding);
    stack.finishTrees();
    stack.proveItWorks(host, first(tree.connections));
    stack.close();
  });

  test('an adapter is unbound while a host keeps received data of it: the close waits for the data', () => {
    const stack = createMuxStack();
    stack.obey();
    const host = stack.host(1);
    const list = stack.target(0).indicateOrdinary(0, 'kept');
    let unbound = 0;
    stack.unbindMux('nic0', () => unbound++);
    stack.settle();
    expect(unbound).toBe(0);
    host.binding.returnNetBufferLists(list, 0);
    stack.settle();
    expect(unbound).toBe(1);
    stack.close();
  });

  test('a replica that an adapter fails to give back is asked for once more, and then given up', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    const gone = present(tree.connections.find((connection) => stack.targetOf(connection) === stack.target(0)));
    let unbound = 0;
    stack.unbindMux('nic0', () => unbound++);
    host.binding.terminateOffload(host.connections(gone));
    stack.target(0).completeTree('terminate');
    stack.target(0).completeTree('terminate', { status: NDIS_STATUS_FAILURE });
    expect(stack.target(0).trees.length).toBe(1);
    stack.target(0).completeTree('terminate', { status: NDIS_STATUS_FAILURE });
    stack.finishTrees();
    // What was lost below keeps the mux from closing the binding; NDIS does.
    expect(unbound).toBe(1);
    expect(stack.violations.splice(0).map(({ rule }) => rule)).toEqual(['CHIM-LIF-003', 'CHIM-LIF-006']);
    expect((first(tree.paths).miniportOffloadContext as MuxShared).replicas.length).toBe(1);
    stack.close();
  });

  test('the media status of an adapter is passed on when it is the last one, and when the first is back', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }] } });
    const host = stack.host(0);
    stack.target(1).indicateStatus(NDIS_STATUS_MEDIA_DISCONNECT);
    expect(toldTo(host)).toEqual([]);
    stack.target(0).indicateStatus(NDIS_STATUS_MEDIA_DISCONNECT);
    expect(toldTo(host)).toEqual([NDIS_STATUS_MEDIA_DISCONNECT, NDIS_STATUS_OFFLOAD_PAUSE]);
    stack.target(0).indicateStatus(NDIS_STATUS_MEDIA_CONNECT);
    stack.target(1).indicateStatus(NDIS_STATUS_MEDIA_CONNECT);
    expect(toldTo(host).filter((status) => status === NDIS_STATUS_MEDIA_CONNECT)).toEqual([NDIS_STATUS_MEDIA_CONNECT]);
    stack.proveItWorks(host, first(stack.offload(host).connections));
    stack.close();
  });
});

describe('failover: completions that are stopped', () => {
  const stopped = new Error('stopped');
  /** How a tree goes down: in place, or in parts because one of its neighbors is below another adapter as well. */
  const trees: [string, MuxStackOptions][] = [['in place', {}], ['in parts', { mux: { placement: 'round-robin' } }]];

  test.each(trees)('of the last terminate, %s: the adapter is left all the same, and its driver above may offload again', (_name, options) => {
    const stack = createMuxStack(options);
    const host = stack.host(0);
    const tree = stack.offload(host, { connectionsPerPath: 2 });
    host.calls.clear();
    for (const target of stack.targets) target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
    let left = 3;
    const detach = stack.ndis.attachObserver(
      {
        enter(crossing, edge) {
          if (crossing === DDI_CROSSING.terminateOffloadComplete && edge === host.binding && --left === 0) throw stopped;
        },
      },
      'verifier',
    );
    terminateAllOf(host, () => {
      stack.finishTrees();
    });
    detach();
    expect(stack.expectOne('CHIM-LIF-005').cause).toBe(stopped);
    expect([...tree.neighbors, ...tree.paths, ...tree.connections].map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead']);
    for (const target of stack.targets) target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME);
    stack.settle();
    expect(toldTo(host).at(-1)).toBe(NDIS_STATUS_OFFLOAD_RESUME);
    const again = stack.offload(host);
    stack.proveItWorks(host, first(again.connections));
    stack.close();
  });
});
