import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createProbeStack, membersOf, present, ProbeHost, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  type BytesConsumed,
  type DdiCrossingName,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisOidRequest,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn } from './refusal.ts';
import { stopNext } from './stopping.ts';

type Step = (stack: ProbeStack) => unknown;

const throughIntermediates = STACK_SHAPES.filter(([, { intermediates }]) => intermediates !== 0);

/** A further connection, for what ends it. */
function further({ host, target }: ProbeStack): OffloadHandle {
  const tree = host.offload();
  target.completeTree('initiate');
  host.calls.clear();
  return present(tree.connections[0]);
}

/** NBLs that came back to the host by a callback. */
function returnedTo({ host }: ProbeStack, callback: string): NetBufferList[] {
  return host.calls.of(callback).flatMap(([, list]) => membersOf(list as NetBufferList));
}

const trees: [crossing: DdiCrossingName, prepare: (stack: ProbeStack) => () => void, callback: string][] = [
  ['initiateOffload', ({ host }) => () => { host.offload(); }, 'protocolInitiateOffloadComplete'],
  ['terminateOffload', (stack) => { const handle = further(stack); return () => { stack.host.binding.terminateOffload(stack.host.connections(handle)); }; }, 'protocolTerminateOffloadComplete'],
  ['updateOffload', ({ host, connection }) => () => { host.binding.updateOffload(host.connections(connection)); }, 'protocolUpdateOffloadComplete'],
  ['invalidateOffload', (stack) => { const handle = further(stack); return () => { stack.host.binding.invalidateOffload(stack.host.connections(handle)); }; }, 'protocolInvalidateOffloadComplete'],
  ['queryOffloadState', ({ host, connection }) => () => { host.binding.queryOffloadState(host.connections(connection)); }, 'protocolQueryOffloadComplete'],
];

const lists: [crossing: DdiCrossingName, start: (stack: ProbeStack) => NetBufferList, callback: string][] = [
  ['offloadTcpSend', ({ host, connection }) => host.send(connection, 'x', 'y'), 'protocolTcpOffloadSendComplete'],
  ['offloadTcpReceive', ({ host, connection }) => host.receive(connection, 1, 2), 'protocolTcpOffloadReceiveComplete'],
  ['offloadTcpForward', ({ host, connection }) => host.forward(connection, 'x', 'y'), 'protocolTcpOffloadForwardComplete'],
  ['offloadTcpDisconnect', (stack) => stack.host.disconnect(further(stack)), 'protocolTcpOffloadDisconnectComplete'],
  ['sendNetBufferLists', ({ host }) => host.sendOrdinary('x', 'y'), 'protocolSendNetBufferListsComplete'],
];

describe.each(throughIntermediates)('stopped on the way down, below the lowest intermediate driver, %s', (_name, shape) => {
  test.each(trees)('%s: the host gets its tree back, failed, once; the driver keeps nothing of it', (crossing, prepare, callback) => {
    const stack = createProbeStack(shape);
    const start = prepare(stack);
    const { error, detach } = stopNext(stack.ndis, crossing, stack.lowest(stack.connection).binding);
    start();
    detach();
    const { actor, cause } = stack.expectViolation('CHIM-LIF-005');
    expect([actor, cause]).toEqual(['im1', error]);
    expect([stack.host.calls.count(callback), stack.target.trees.length]).toEqual([0, 0]);
    stack.settle();
    expect(stack.host.calls.of(callback).map(([, root]) => (root as ProtocolOffloadBlockList).status)).toEqual([NDIS_STATUS_FAILURE]);
    expectGoesOn(stack);
  });

  test.each(lists)('%s: the host gets its list back, failed, once, without the contexts of the driver', (crossing, start, callback) => {
    const stack = createProbeStack(shape);
    const { error, detach } = stopNext(stack.ndis, crossing, stack.lowest(stack.connection).binding);
    const list = start(stack);
    detach();
    const { actor, cause } = stack.expectViolation('CHIM-LIF-005');
    expect([actor, cause]).toEqual(['im1', error]);
    expect(returnedTo(stack, callback)).toEqual([]);
    const members = membersOf(list);
    stack.settle();
    const returned = returnedTo(stack, callback);
    expect(returned).toHaveLength(stack.host.nbls.size);
    expect([returned.includes(list), stack.ndis.outstanding.contexts]).toEqual([true, 0]);
    for (const nbl of [...members, ...returned]) expect([nbl.status, nbl.sourceHandle, nbl.context]).toEqual([NDIS_STATUS_FAILURE, null, null]);
    expectGoesOn(stack);
  });

  test('oidRequest: the host is answered NOT_SUPPORTED, and the driver waits for nothing', () => {
    const stack = createProbeStack(shape);
    const { error, detach } = stopNext(stack.ndis, 'oidRequest', stack.lowest(stack.connection).binding);
    const { request, status } = stack.host.request(0, 0x77);
    detach();
    expect([status, request.ndisReserved, stack.host.calls.count('protocolOidRequestComplete')]).toEqual([NDIS_STATUS_NOT_SUPPORTED, null, 0]);
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    expectGoesOn(stack);
  });

  const returns: [crossing: DdiCrossingName, entry: string, keep: (stack: ProbeStack) => NetBufferList, giveBack: (stack: ProbeStack, list: NetBufferList) => void][] = [
    ['offloadTcpReceiveReturn', 'miniportTcpOffloadReceiveReturn', keepReceived, ({ host }, list) => { host.binding.offloadTcpReceiveReturn(list); }],
    ['returnNetBufferLists', 'miniportReturnNetBufferLists', ({ target }) => target.indicateOrdinary(0, 'x', 'y'), ({ host }, list) => { host.binding.returnNetBufferLists(list, 0); }],
  ];

  test.each(returns)('%s: what the host has returned comes back to the target all the same, later', (crossing, entry, keep, giveBack) => {
    const stack = createProbeStack(shape);
    const list = keep(stack);
    const { error, detach } = stopNext(stack.ndis, crossing, stack.lowest(stack.connection).binding);
    giveBack(stack, list);
    detach();
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    expect(stack.target.calls.count(entry)).toBe(0);
    stack.settle();
    expect(stack.target.calls.of(entry).map(([, returned]) => returned === list)).toEqual([true]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expectGoesOn(stack);
  });
});

function keepReceived(stack: ProbeStack): NetBufferList {
  stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
    bytesConsumed.value = 1;
    return NDIS_STATUS_SUCCESS;
  });
  return stack.target.indicate(stack.lowest(stack.connection), 'x').netBufferList;
}

const completions: [crossing: DdiCrossingName, start: Step, complete: Step, callback: string][] = [
  ['initiateOffloadComplete', ({ host }) => host.offload(), ({ target }) => target.completeTree('initiate'), 'protocolInitiateOffloadComplete'],
  ['terminateOffloadComplete', (stack) => { stack.host.binding.terminateOffload(stack.host.connections(further(stack))); }, ({ target }) => target.completeTree('terminate'), 'protocolTerminateOffloadComplete'],
  ['updateOffloadComplete', ({ host, connection }) => { host.binding.updateOffload(host.connections(connection)); }, ({ target }) => target.completeTree('update'), 'protocolUpdateOffloadComplete'],
  ['invalidateOffloadComplete', (stack) => { stack.host.binding.invalidateOffload(stack.host.connections(further(stack))); }, ({ target }) => target.completeTree('invalidate'), 'protocolInvalidateOffloadComplete'],
  ['queryOffloadStateComplete', ({ host, connection }) => { host.binding.queryOffloadState(host.connections(connection)); }, ({ target }) => target.completeTree('query'), 'protocolQueryOffloadComplete'],
  ['tcpOffloadSendComplete', ({ host, connection }) => host.send(connection, 'x', 'y'), ({ target }) => target.completeSends(), 'protocolTcpOffloadSendComplete'],
  ['tcpOffloadReceiveComplete', ({ host, connection }) => host.receive(connection, 1, 2), ({ target }) => target.completeReceives(), 'protocolTcpOffloadReceiveComplete'],
  ['tcpOffloadForwardComplete', ({ host, connection }) => host.forward(connection, 'x'), ({ target }) => target.completeForwards(), 'protocolTcpOffloadForwardComplete'],
  ['tcpOffloadDisconnectComplete', (stack) => stack.host.disconnect(further(stack)), ({ target }) => target.completeDisconnect(), 'protocolTcpOffloadDisconnectComplete'],
  ['sendNetBufferListsComplete', ({ host }) => host.sendOrdinary('x', 'y'), ({ target }) => target.completeOrdinarySends(), 'protocolSendNetBufferListsComplete'],
];

describe.each(throughIntermediates)('stopped on the way up, above the highest intermediate driver, %s', (_name, shape) => {
  const highest = `im${shape.intermediates ?? 0}`;

  test.each(completions)('%s: the completion reaches the host all the same, later and once', (crossing, start, complete, callback) => {
    const stack = createProbeStack(shape);
    start(stack);
    const { error, detach } = stopNext(stack.ndis, crossing, stack.host.binding);
    complete(stack);
    detach();
    const { actor, cause } = stack.expectViolation('CHIM-LIF-005');
    expect([actor, cause, stack.host.calls.count(callback)]).toEqual([highest, error, 0]);
    stack.settle();
    expect(stack.host.calls.count(callback)).toBe(1);
    expectGoesOn(stack);
  });

  test('tcpOffloadReceiveHandler: the data is not accepted, and the target’s as it was', () => {
    const stack = createProbeStack(shape);
    const { error, detach } = stopNext(stack.ndis, 'tcpOffloadReceiveHandler', stack.host.binding);
    const { status, bytesConsumed, netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'x');
    detach();
    expect([status, bytesConsumed, netBufferList.sourceHandle, netBufferList.context]).toEqual([NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0, null, null]);
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    expectGoesOn(stack);
  });

  test('indicateReceiveNetBufferLists: the packets come back to the target', () => {
    const stack = createProbeStack(shape);
    const { error, detach } = stopNext(stack.ndis, 'indicateReceiveNetBufferLists', stack.host.binding);
    const list = stack.target.indicateOrdinary(0, 'x', 'y');
    detach();
    expect(stack.target.calls.of('miniportReturnNetBufferLists').map(([, returned]) => returned === list)).toEqual([true]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    expectGoesOn(stack);
  });

  test('an upload that is stopped brings its send data all the same, later and once', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const handle = further(stack);
    const chain = host.send(handle, 'unsent', 'data');
    const root = host.connections(handle);
    host.binding.terminateOffload(root);
    target.sends.length = 0;
    const { detach } = stopNext(stack.ndis, 'terminateOffloadComplete', host.binding);
    target.completeTree('terminate', { change: (block) => { block.netBufferListChain = chain; } });
    detach();
    stack.expectViolation('CHIM-LIF-005');
    stack.settle();
    expect(host.calls.of('protocolTerminateOffloadComplete').map(([, tree]) => tree === root)).toEqual([true]);
    expect([root.netBufferListChain === chain, handle.state]).toEqual([true, 'dead']);
    for (const nbl of membersOf(chain)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expectGoesOn(stack);
  });
});

/** The edges between the host and the target, from the top. */
function edgesOf({ connection }: ProbeStack): NdisBinding[] {
  const edges: NdisBinding[] = [];
  let handle = connection;
  for (edges.push(handle.binding); handle.binding.adapterName !== 'nic'; edges.push(handle.binding)) {
    handle = (handle.miniportOffloadContext as { readonly handle: OffloadHandle }).handle;
  }
  return edges;
}

describe.each(STACK_SHAPES)('stopped at any edge, %s', (_name, shape) => {
  const downcalls = [
    ...trees.map(([crossing, prepare, callback]) => [crossing, prepare, callback] as const),
    ...lists.map(([crossing, start, callback]) => [crossing, (stack: ProbeStack) => () => start(stack), callback] as const),
  ];

  test.each(downcalls)('%s: the host is told so, or gets back what it passed down; nothing is lost', (crossing, prepare, callback) => {
    for (let at = 0; at <= (shape.intermediates ?? 0); at++) {
      const stack = createProbeStack(shape);
      const start = prepare(stack);
      stack.host.calls.clear();
      const { error, detach } = stopNext(stack.ndis, crossing, present(edgesOf(stack)[at]));
      if (at === 0) expect(start).toThrow(error);
      else start();
      detach();
      stack.finishAll();
      expect(stack.violations.splice(0).map(({ cause }) => cause)).toEqual(at === 0 ? [] : [error]);
      expect(stack.host.calls.count(callback) > 0).toBe(at !== 0);
      expectGoesOn(stack);
    }
  });

  test.each(completions)('%s: the driver that completes is told so, or it arrives later; nothing is lost', (crossing, start, complete, callback) => {
    for (let at = 0; at <= (shape.intermediates ?? 0); at++) {
      const stack = createProbeStack(shape);
      start(stack);
      const edges = edgesOf(stack);
      const { error, detach } = stopNext(stack.ndis, crossing, present(edges[at]));
      const isLowest = at === edges.length - 1;
      if (isLowest) expect(() => { complete(stack); }).toThrow(error);
      else complete(stack);
      detach();
      expect(stack.host.calls.count(callback)).toBe(0);
      if (isLowest) complete(stack);
      stack.settle();
      expect(stack.host.calls.count(callback)).toBe(1);
      expect(stack.violations.splice(0).map(({ cause }) => cause)).toEqual(isLowest ? [] : [error]);
      expectGoesOn(stack);
    }
  });
});

describe.each(STACK_SHAPES)('stopped where it starts, %s', (_name, shape) => {
  test('a completion that NDIS owes is not stopped, nor are those behind it: the observer is told', () => {
    const stack = createProbeStack(shape);
    stack.target.calls.once('miniportTcpOffloadSend', () => {
      throw new Error('boom');
    });
    stack.host.send(stack.connection, 'a', 'b', 'c');
    stack.expectViolation('CHIM-LIF-005');
    const { error, detach } = stopNext(stack.ndis, 'tcpOffloadSendComplete');
    stack.settle();
    detach();
    const { actor, cause } = stack.expectViolation('CHIM-LIF-005');
    expect([actor, cause]).toEqual(['an observer', error]);
    expect(returnedTo(stack, 'protocolTcpOffloadSendComplete')).toHaveLength(3);
    expectGoesOn(stack);
  });

  test('an OID completion that is stopped can be made again, and arrives once', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    let pending: NdisOidRequest | null = null;
    target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest): NDIS_STATUS => {
      pending = request;
      return NDIS_STATUS_PENDING;
    });
    const { request } = host.request(0, 0x77);
    const below = present<NdisOidRequest>(pending);
    const { error, detach } = stopNext(stack.ndis, 'oidRequestComplete');
    expect(() => { target.miniport.oidRequestComplete(below, NDIS_STATUS_SUCCESS); }).toThrow(error);
    detach();
    expect(host.calls.count('protocolOidRequestComplete')).toBe(0);
    target.miniport.oidRequestComplete(below, NDIS_STATUS_SUCCESS);
    expect(host.calls.of('protocolOidRequestComplete')).toEqual([[host.context, request, NDIS_STATUS_SUCCESS]]);
    expectGoesOn(stack);
  });

  test.each([0, 1])('a mixed ordinary completion that is stopped for binding %i is stopped whole, and then delivered to all', (at) => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
    second.bindTo(host.binding.adapterName);
    const lists = [host.sendOrdinary('a'), second.sendOrdinary('b'), host.sendOrdinary('c')];
    const { error, detach } = stopNext(stack.ndis, 'sendNetBufferListsComplete', [host.binding, second.binding][at]);
    // The driver next to the hosts completes them as one list: the target, or the highest intermediate driver.
    if (shape.intermediates === 0) {
      expect(() => stack.target.completeOrdinarySends()).toThrow(error);
      expect(membersOf(present(lists[0]))).toEqual(lists);
      expect(lists.map(({ sourceHandle }) => sourceHandle === host.binding || sourceHandle === second.binding)).toEqual([true, true, true]);
    } else {
      stack.target.completeOrdinarySends();
      expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    }
    expect([host, second].map(({ calls }) => calls.count('protocolSendNetBufferListsComplete'))).toEqual([0, 0]);
    detach();
    if (shape.intermediates === 0) stack.target.completeOrdinarySends();
    else stack.settle();
    expect([host, second].map(({ calls }) => calls.of('protocolSendNetBufferListsComplete').map(([, list]) => membersOf(list as NetBufferList)))).toEqual([[[lists[0], lists[2]]], [[lists[1]]]]);
    second.free();
    expectGoesOn(stack);
  });
});

describe.each(throughIntermediates)('operations that wait for memory in an intermediate driver, %s', (_name, shape) => {
  test('one that is stopped when its turn comes is completed with failure, and those behind it go', () => {
    const stack = createProbeStack({ ...shape, createIntermediate: (ndis, options) => new PassThroughDriver(ndis, { ...options, callEntries: 1 }) });
    const { host, target, connection } = stack;
    const roots = [0, 1, 2].map(() => host.connections(connection));
    for (const root of roots) host.binding.queryOffloadState(root);
    const { error, detach } = stopNext(stack.ndis, 'queryOffloadState', stack.lowest(connection).binding);
    target.completeTree('query');
    stack.settle();
    detach();
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(error);
    while (target.trees.length > 0) {
      target.completeTree('query');
      stack.settle();
    }
    const completed = host.calls.of('protocolQueryOffloadComplete').map(([, root]) => root as ProtocolOffloadBlockList);
    expect(new Set(completed)).toEqual(new Set(roots));
    expect(completed.filter(({ status }) => status === NDIS_STATUS_FAILURE)).toEqual([roots[1]]);
    expectGoesOn(stack);
  });
});
