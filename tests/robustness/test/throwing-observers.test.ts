import { blocksOf, createMuxStack, createProbeStack, membersOf, newTree, present, ProbeHost, Snapshots, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { DDI_CROSSING, NDIS_NET_BUFFER_LIST_INFO, type BytesConsumed, type DdiCrossingName, type NDIS_STATUS, type NdisBinding, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn } from './refusal.ts';
import { stopNext } from './stopping.ts';

/** Brings the stack to where the crossing is next, and says how to make it. */
type Prepare = (stack: ProbeStack) => () => unknown;

const crossings: [crossing: DdiCrossingName, prepare: Prepare][] = [
  ['offloadTcpSend', ({ host, connection }) => { const list = host.list('x', 'y'); return () => host.binding.offloadTcpSend(connection, list); }],
  ['offloadTcpReceive', ({ host, connection }) => { const list = host.list(1, 2); return () => host.binding.offloadTcpReceive(connection, list); }],
  ['offloadTcpForward', ({ host, connection }) => { const list = host.list('x'); return () => host.binding.offloadTcpForward(connection, list); }],
  ['offloadTcpDisconnect', ({ host, connection }) => { const nbl = host.list(0); return () => host.binding.offloadTcpDisconnect(connection, nbl, 1); }],
  ['sendNetBufferLists', ({ host }) => { const list = host.list('x'); return () => { host.binding.sendNetBufferLists(list, 0, 0); }; }],
  ['tcpOffloadSendComplete', ({ host, target, connection }) => { host.send(connection, 'x', 'y'); return () => target.completeSends(); }],
  ['tcpOffloadReceiveComplete', ({ host, target, connection }) => { host.receive(connection, 1); return () => target.completeReceives(); }],
  ['tcpOffloadForwardComplete', ({ host, target, connection }) => { host.forward(connection, 'x'); return () => target.completeForwards(); }],
  ['tcpOffloadDisconnectComplete', ({ host, target, connection }) => { host.disconnect(connection); return () => target.completeDisconnect(); }],
  ['sendNetBufferListsComplete', ({ host, target }) => { host.sendOrdinary('x', 'y'); return () => target.completeOrdinarySends(); }],
  [
    'initiateOffload',
    ({ host }) => {
      const { root } = newTree(host.binding);
      for (const block of blocksOf(root)) host.handles.set(present(block.offloadHandle), block);
      return () => { host.binding.initiateOffload(root); };
    },
  ],
  ['queryOffloadState', ({ host, connection }) => { const root = host.connections(connection); return () => { host.binding.queryOffloadState(root); }; }],
  ['updateOffload', ({ host, connection }) => { const root = host.connections(connection); return () => { host.binding.updateOffload(root); }; }],
  ['invalidateOffload', ({ host, connection }) => { const root = host.connections(connection); return () => { host.binding.invalidateOffload(root); }; }],
  ['terminateOffload', ({ host, connection }) => { const root = host.connections(connection); return () => { host.binding.terminateOffload(root); }; }],
  [
    'initiateOffloadComplete',
    ({ host, target }) => {
      host.offload();
      const { tree } = present(target.trees.pop());
      for (const block of blocksOf(tree)) present(block.miniportOffloadContext).miniportOffloadContext = {};
      return () => { target.passUp('initiate', tree); };
    },
  ],
  ['queryOffloadStateComplete', ({ host, target, connection }) => { host.binding.queryOffloadState(host.connections(connection)); return () => target.completeTree('query'); }],
  ['updateOffloadComplete', ({ host, target, connection }) => { host.binding.updateOffload(host.connections(connection)); return () => target.completeTree('update'); }],
  ['invalidateOffloadComplete', ({ host, target, connection }) => { host.binding.invalidateOffload(host.connections(connection)); return () => target.completeTree('invalidate'); }],
  ['terminateOffloadComplete', ({ host, target, connection }) => { host.binding.terminateOffload(host.connections(connection)); return () => target.completeTree('terminate'); }],
  ['tcpOffloadReceiveHandler', (stack) => { const nbl = stack.target.list('x'); return () => stack.target.indicateNbl(stack.lowest(stack.connection), nbl); }],
  ['offloadTcpReceiveReturn', (stack) => { const list = keep(stack); return () => { stack.host.binding.offloadTcpReceiveReturn(list); }; }],
  ['tcpOffloadEventHandler', (stack) => () => { stack.target.event(stack.lowest(stack.connection), 2); }],
  ['offloadEventIndicate', (stack) => () => { stack.target.askAboutNeighbor(stack.lowest(stack.neighbor), 2); }],
  ['indicateStatusEx', ({ target }) => () => { target.indicateStatus(1); }],
  ['indicateReceiveNetBufferLists', ({ host, target }) => { const list = target.list('x'); return () => { target.miniport.indicateReceiveNetBufferLists(list, 0, 1, 0); host.binding.returnNetBufferLists(list, 0); }; }],
  ['returnNetBufferLists', ({ host, target }) => { const list = target.indicateOrdinary(0, 'x'); return () => { host.binding.returnNetBufferLists(list, 0); }; }],
  ['oidRequest', ({ host }) => () => host.request(0, 0x77)],
];

function keep(stack: ProbeStack): NetBufferList {
  stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
    bytesConsumed.value = 1;
    return 0;
  });
  return stack.target.indicate(stack.lowest(stack.connection), 'x').netBufferList;
}

describe.each([0, 1, 3])('an observer that throws, %i intermediate drivers', (intermediates) => {
  test.each(crossings)('stops %s: the caller gets its error, nothing has happened, and the next attempt succeeds', (crossing, prepare) => {
    const stack = createProbeStack({ intermediates });
    const attempt = prepare(stack);
    const { error, detach } = stopNext(stack.ndis, crossing);
    const snapshots = new Snapshots(stack);
    const before = snapshots.take();
    const calls = [stack.host.calls.entries, stack.target.calls.entries];
    expect(attempt).toThrow(error);
    expect(snapshots.take()).toEqual(before);
    expect([stack.host.calls.entries, stack.target.calls.entries]).toEqual(calls);
    detach();
    attempt();
    stack.finishAll();
    stack.violations.length = 0;
    if (stack.connection.state === 'offloaded') stack.proveItWorks();
    stack.close();
  });

  test('a data downcall that is stopped is as good as never made, list by list and NBL by NBL', () => {
    const stack = createProbeStack({ intermediates });
    const { host, connection } = stack;
    for (const texts of [['a'], ['a', 'b'], Array.from({ length: 70 }, String)]) {
      const list = host.list(...texts);
      const { detach } = stopNext(stack.ndis, 'offloadTcpSend');
      const snapshots = new Snapshots(stack, { lists: [list] });
      const before = snapshots.take();
      expect(() => host.binding.offloadTcpSend(connection, list)).toThrow();
      expect(snapshots.take()).toEqual(before);
      detach();
      host.binding.offloadTcpSend(connection, list);
      stack.finishAll();
    }
    stack.proveItWorks();
    stack.close();
  });

  test('a list on its way down that is stopped between two intermediate drivers comes back failed', () => {
    const stack = createProbeStack({ intermediates });
    if (intermediates === 0) return;
    const { host, connection } = stack;
    const lowest = stack.lowest(connection).binding;
    const error = new Error('stopped');
    // Relays learn where lists come from; the second one takes the short way.
    stack.proveItWorks();
    const detach = stack.ndis.attachObserver({});
    stack.proveItWorks();
    detach();
    host.calls.clear();
    let isArmed = true;
    stack.ndis.attachObserver({
      enter(seen, edge) {
        if (!isArmed || edge !== lowest || seen !== DDI_CROSSING.offloadTcpSend) return;
        isArmed = false;
        throw error;
      },
    });
    const list = host.send(connection, 'x', 'y');
    const violation = stack.expectViolation('CHIM-LIF-005');
    // The intermediate driver above that edge let the error through.
    expect([violation.actor, violation.cause]).toEqual(['im1', error]);
    stack.settle();
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expect(host.calls.of('protocolTcpOffloadSendComplete').flatMap(([, completed]) => membersOf(completed as NetBufferList))).toHaveLength(2);
    stack.proveItWorks();
    stack.close();
  });
});

test('a mixed completion that is stopped for one binding is stopped whole: it is the target’s, in its order', () => {
  const stack = createProbeStack();
  const { host, target } = stack;
  const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
  second.bindTo(host.binding.adapterName);
  const tree = second.offload();
  target.completeTree('initiate');
  const stopped = host.send(stack.connection, 'a');
  second.send(present(tree.connections[0]), 'b');
  const { error, detach } = stopNext(stack.ndis, 'tcpOffloadSendComplete');
  expect(() => target.completeSends()).toThrow(error);
  detach();
  expect([host.calls.count('protocolTcpOffloadSendComplete'), second.calls.count('protocolTcpOffloadSendComplete')]).toEqual([0, 0]);
  expect(membersOf(stopped).map(({ sourceHandle }) => sourceHandle)).toEqual([host.binding, second.binding]);
  target.completeSends();
  expect([host.calls.count('protocolTcpOffloadSendComplete'), second.calls.count('protocolTcpOffloadSendComplete')]).toEqual([1, 1]);
  second.binding.terminateOffload(tree.root);
  stack.finishAll();
  second.free();
  stack.close();
});

describe.each(STACK_SHAPES)('a call that an observer stops after it has let others end, %s', (_name, shape) => {
  const edges: [string, (stack: ProbeStack) => NdisBinding][] = [
    ['the uppermost', ({ host }) => host.binding],
    ['the lowest', (stack) => stack.lowest(stack.connection).binding],
  ];

  test.each(edges)('at %s edge: the list is back, and no other is counted as below', (_which, edgeOf) => {
    const stack = createProbeStack(shape);
    const { host, target, ndis, connection } = stack;
    const edge = edgeOf(stack);
    const earlier = host.send(connection, 'earlier');
    const error = new Error('stopped');
    const detach = ndis.attachObserver(
      {
        enter(crossing, at) {
          if (crossing !== DDI_CROSSING.offloadTcpSend || at !== edge) return;
          target.completeSends();
          throw error;
        },
      },
      'verifier',
    );
    const list = host.list('x', 'y');
    const members = [...membersOf(earlier), ...membersOf(list)];
    try {
      host.binding.offloadTcpSend(connection, list);
    } catch (thrown) {
      expect(thrown).toBe(error);
    }
    detach();
    stack.settle();
    for (const { cause } of stack.violations.splice(0)) expect(cause).toBe(error);
    expect(members.map(({ sourceHandle, context }) => [sourceHandle, context])).toEqual([[null, null], [null, null], [null, null]]);
    expect([host.binding, edge].map((one) => one.outstandingNetBufferLists)).toEqual([0, 0]);
    expectGoesOn(stack);
  });
});

test('packets of several VLANs: when a mux is stopped at one interface, the others get theirs and all come back as they were', () => {
  const stack = createMuxStack({ mux: { uppers: [{ name: 'u', vlanId: 5 }, { name: 'v', vlanId: 6 }] } });
  const target = stack.target(0);
  const [u, v] = [stack.host(0), stack.host(1)];
  v.calls.on('protocolReceiveNetBufferLists', (_context: unknown, received: NetBufferList) => {
    v.binding.returnNetBufferLists(received, 0);
  });
  const slot = NDIS_NET_BUFFER_LIST_INFO.Ieee8021QNetBufferListInfo;
  const list = target.list('a', 'b', 'c');
  const members = membersOf(list);
  const tags = [5 << 4, 6 << 4, 5 << 4];
  members.forEach((nbl, at) => {
    nbl.setInfo(slot, present(tags[at]));
  });
  const { error, detach } = stopNext(stack.ndis, 'indicateReceiveNetBufferLists', u.binding);
  target.miniport.indicateReceiveNetBufferLists(list, 0, 3, 0);
  detach();
  expect(stack.expectOne('CHIM-LIF-005').cause).toBe(error);
  expect([u, v].map((host) => host.calls.count('protocolReceiveNetBufferLists'))).toEqual([0, 1]);
  expect(target.calls.of('miniportReturnNetBufferLists').flatMap(([, returned]) => membersOf(returned as NetBufferList)).length).toBe(3);
  expect(members.map((nbl) => [nbl.sourceHandle, nbl.context, nbl.getInfo(slot)])).toEqual(tags.map((tag) => [null, null, tag]));
  stack.close();
});
