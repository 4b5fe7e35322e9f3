import { createProbeStack, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { BytesConsumed, NDIS_STATUS_SUCCESS, NetBufferListContext, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

const NOTHING = [null, undefined] as const;
const WRONG = [5, 'text', true, {}, [], new BytesConsumed(), () => undefined] as const;

type Call = (stack: ProbeStack, value: never, nbl: NetBufferList) => void;

/** Calls of the host, each with one argument replaced. */
const lists: [name: string, call: Call][] = [
  ['NdisOffloadTcpSend', ({ host, connection }, list) => host.binding.offloadTcpSend(connection, list)],
  ['NdisOffloadTcpReceive', ({ host, connection }, list) => host.binding.offloadTcpReceive(connection, list)],
  ['NdisOffloadTcpForward', ({ host, connection }, list) => host.binding.offloadTcpForward(connection, list)],
  ['NdisOffloadTcpDisconnect', ({ host, connection }, list) => host.binding.offloadTcpDisconnect(connection, list, 1)],
  ['NdisOffloadTcpReceiveReturn', ({ host }, list) => { host.binding.offloadTcpReceiveReturn(list); }],
  ['NdisSendNetBufferLists', ({ host }, list) => { host.binding.sendNetBufferLists(list, 0, 0); }],
  ['NdisReturnNetBufferLists', ({ host }, list) => { host.binding.returnNetBufferLists(list, 0); }],
];

const trees: [name: string, call: Call][] = [
  ['NdisInitiateOffload', ({ host }, tree) => { host.binding.initiateOffload(tree); }],
  ['NdisTerminateOffload', ({ host }, tree) => { host.binding.terminateOffload(tree); }],
  ['NdisUpdateOffload', ({ host }, tree) => { host.binding.updateOffload(tree); }],
  ['NdisInvalidateOffload', ({ host }, tree) => { host.binding.invalidateOffload(tree); }],
  ['NdisQueryOffloadState', ({ host }, tree) => { host.binding.queryOffloadState(tree); }],
];

const handles: [name: string, call: Call][] = [
  ['NdisOffloadTcpSend', ({ host }, handle, nbl) => host.binding.offloadTcpSend(handle, nbl)],
  ['NdisOffloadTcpReceive', ({ host }, handle, nbl) => host.binding.offloadTcpReceive(handle, nbl)],
  ['NdisOffloadTcpForward', ({ host }, handle, nbl) => host.binding.offloadTcpForward(handle, nbl)],
  ['NdisOffloadTcpDisconnect', ({ host }, handle, nbl) => host.binding.offloadTcpDisconnect(handle, nbl, 1)],
];

/** Calls of the target. */
const completions: [name: string, call: Call][] = [
  ['NdisTcpOffloadSendComplete', ({ target }, list) => { target.handlers.tcpOffloadSendComplete(list); }],
  ['NdisTcpOffloadReceiveComplete', ({ target }, list) => { target.handlers.tcpOffloadReceiveComplete(list); }],
  ['NdisTcpOffloadForwardComplete', ({ target }, list) => { target.handlers.tcpOffloadForwardComplete(list); }],
  ['NdisTcpOffloadDisconnectComplete', ({ target }, list) => { target.handlers.tcpOffloadDisconnectComplete(list); }],
  ['NdisMSendNetBufferListsComplete', ({ target }, list) => { target.miniport.sendNetBufferListsComplete(list, 0); }],
  ['NdisMIndicateReceiveNetBufferLists', ({ target }, list) => { target.miniport.indicateReceiveNetBufferLists(list, 0, 1, 0); }],
  ['NdisTcpOffloadReceiveHandler', (stack, list) => stack.target.handlers.tcpOffloadReceiveHandler(stack.lowest(stack.connection), list, NDIS_STATUS_SUCCESS, new BytesConsumed())],
];

const treeCompletions: [name: string, call: Call][] = [
  ['NdisMInitiateOffloadComplete', ({ target }, tree) => { target.miniport.initiateOffloadComplete(tree); }],
  ['NdisMTerminateOffloadComplete', ({ target }, tree) => { target.miniport.terminateOffloadComplete(tree); }],
  ['NdisMUpdateOffloadComplete', ({ target }, tree) => { target.miniport.updateOffloadComplete(tree); }],
  ['NdisMInvalidateOffloadComplete', ({ target }, tree) => { target.miniport.invalidateOffloadComplete(tree); }],
  ['NdisMQueryOffloadStateComplete', ({ target }, tree) => { target.miniport.queryOffloadStateComplete(tree); }],
  ['NdisMOffloadEventIndicate', ({ target }, tree) => { target.miniport.offloadEventIndicate(tree, 2); }],
];

const indicationHandles: [name: string, call: Call][] = [
  ['NdisTcpOffloadEventHandler', ({ target }, handle) => { target.handlers.tcpOffloadEventHandler(handle, 2, 0); }],
  ['NdisTcpOffloadReceiveHandler', ({ target }, handle, nbl) => target.handlers.tcpOffloadReceiveHandler(handle, nbl, NDIS_STATUS_SUCCESS, new BytesConsumed())],
];

describe.each(STACK_SHAPES)('what is no argument, %s', (_name, shape) => {
  /** The call is tried with every value, in one stack, which must then still be in order. */
  function tryAll(name: string, call: Call, values: readonly unknown[], actor: string): void {
    const stack = createProbeStack(shape);
    const nbl = stack.host.list('x');
    for (const value of values) {
      expectRefused(stack, () => { call(stack, value as never, nbl); }, { actor, message: new RegExp(name) });
    }
    expectGoesOn(stack);
  }

  test.each(lists)('%s with something else than a list is a TypeError that says who called what with what', (name, call) => {
    tryAll(name, call, WRONG, 'probe host');
  });

  test.each(lists)('%s with no list at all likewise', (name, call) => {
    tryAll(name, call, NOTHING, 'probe host');
  });

  test.each(trees)('%s with something else than a block list likewise', (name, call) => {
    tryAll(name, call, [...NOTHING, ...WRONG, new NetBufferListContext()], 'probe host');
  });

  test.each(handles)('%s with nothing for a handle likewise', (name, call) => {
    tryAll(name, call, NOTHING, 'probe host');
  });

  test.each(completions)('%s with something else than a list likewise', (name, call) => {
    tryAll(name, call, [...NOTHING, ...WRONG], 'probe target');
  });

  test.each(treeCompletions)('%s with something else than a block list likewise', (name, call) => {
    tryAll(name, call, [...NOTHING, ...WRONG], 'probe target');
  });

  test.each(indicationHandles)('%s with something else than a handle likewise', (name, call) => {
    tryAll(name, call, [...NOTHING, ...WRONG], 'probe target');
  });

  test.each(lists)('%s with a list whose second member is none is refused whole', (name, call) => {
    const stack = createProbeStack(shape);
    if (name.includes('Return')) return;
    for (const value of WRONG) {
      const list = stack.host.list('good');
      list.next = value as never;
      const refusal = name === 'NdisOffloadTcpDisconnect' ? { rule: 'CHIM-DSC-002', actor: 'probe host' } : { actor: 'probe host', message: new RegExp(name) };
      expectRefused(stack, () => { call(stack, list as never, list); }, refusal);
      list.next = null;
    }
    expectGoesOn(stack);
  });

  test.each(lists)('%s with an object without a prototype likewise', (name, call) => {
    tryAll(name, call, [Object.create(null)], 'probe host');
  });

  const notOpen: [state: string, shut: (stack: ProbeStack) => void][] = [
    ['paused', ({ ndis, target }) => { ndis.pauseAdapter(target.miniport); }],
    ['closed', ({ ndis, host }) => { ndis.unbindAdapter(host.binding); }],
  ];

  describe.each(notOpen)('on a binding that is %s', (_state, shut) => {
    test.each(handles)('%s with something else than a handle is a TypeError, and nothing goes down', (name, call) => {
      const stack = createProbeStack(shape);
      const nbl = stack.host.list('x');
      stack.terminateAll();
      shut(stack);
      for (const value of [...NOTHING, ...WRONG]) {
        expectRefused(stack, () => { call(stack, value as never, nbl); }, { actor: 'probe host', message: new RegExp(name) });
      }
      stack.close();
    });
  });

  test.each(handles)('%s with something else than a handle is a TypeError', (name, call) => {
    tryAll(name, call, WRONG, 'probe host');
  });

  const unended: [name: string, start: (stack: ProbeStack, list: NetBufferList) => unknown, held: (stack: ProbeStack) => NetBufferList[], callback: string][] = [
    ['send', ({ host, connection }, list) => host.binding.offloadTcpSend(connection, list), ({ target }) => target.sends, 'protocolTcpOffloadSendComplete'],
    ['receive', ({ host, connection }, list) => host.binding.offloadTcpReceive(connection, list), ({ target }) => target.receives, 'protocolTcpOffloadReceiveComplete'],
    ['forward', ({ host, connection }, list) => host.binding.offloadTcpForward(connection, list), ({ target }) => target.forwards, 'protocolTcpOffloadForwardComplete'],
    ['ordinary send', ({ host }, list) => { host.binding.sendNetBufferLists(list, 0, 0); }, ({ target }) => target.ordinarySends, 'protocolSendNetBufferListsComplete'],
  ];

  test.each(unended)('a %s whose last next is undefined goes down as a list that ends, and comes back', (_what, start, held, callback) => {
    const stack = createProbeStack(shape);
    // What is usual goes a shorter way than what comes first.
    for (let times = 1; times <= 3; times++) {
      const list = stack.host.list('a', 'b');
      present(list.next).next = undefined as never;
      start(stack, list);
      expect(held(stack)).toHaveLength(2);
      stack.finishAll();
      expect(stack.host.calls.of(callback).map(([, completed]) => completed).at(-1)).toBe(list);
      const { ndisCallDepth } = stack.connection;
      expect([ndisCallDepth, stack.lowest(stack.connection).ndisCallDepth, stack.lowest(stack.connection).binding.outstandingNetBufferLists]).toEqual([0, 0, 0]);
    }
    expectGoesOn(stack);
  });

  test.each(['relayTcpSend', 'relayTcpReceive'] as const)('%s without a pool of contexts is a TypeError, and nothing goes down', (relay) => {
    const stack = createProbeStack(shape);
    const { host, connection } = stack;
    const other = createProbeStack(shape);
    const nbl = host.list('x');
    const foreign = other.ndis.allocateNetBufferListContextPool({ name: 'elsewhere' });
    for (const contexts of [...NOTHING, ...WRONG, foreign]) {
      expectRefused(stack, () => host.binding[relay](connection, nbl, contexts as never, null), { actor: 'probe host', message: /contexts is .*not a pool/ });
    }
    expectGoesOn(stack);
  });

  const rest: [name: RegExp, call: (stack: ProbeStack, value: never) => void][] = [
    [/^NdisMIndicateStatusEx \(called by probe target\)/, ({ target }, value) => { target.miniport.indicateStatusEx(value); }],
    [/^NdisOidRequest \(called by probe host\)/, ({ host }, value) => { host.binding.oidRequest(value); }],
    [/^NdisFreeNetBufferList \(called by probe host\)/, ({ host }, value) => { host.pool.freeNetBufferList(value); }],
    [/^NdisOpenAdapterEx \(called by probe host\)/, ({ host, ndis }, value) => { ndis.openAdapterEx(host.protocolHandle, {}, value); }],
    [/^NdisOpenAdapterEx: ndisProtocolHandle/, ({ ndis }, value) => { ndis.openAdapterEx(value, {}, null as never); }],
    [/^NdisMDeregisterMiniportDriver: ndisDriverHandle/, ({ ndis }, value) => { ndis.deregisterMiniportDriver(value); }],
    [/^NdisDeregisterProtocolDriver: ndisProtocolHandle/, ({ ndis }, value) => { ndis.deregisterProtocolDriver(value); }],
    [/^unbindAdapter: binding/, ({ ndis }, value) => { ndis.unbindAdapter(value); }],
    [/^removeAdapter: ndisMiniportHandle/, ({ ndis }, value) => { ndis.removeAdapter(value); }],
  ];

  test.each(rest)('%s: a TypeError names the call for whatever is no argument of it', (message, call) => {
    const stack = createProbeStack(shape);
    for (const value of NOTHING) {
      expect(() => { call(stack, value as never); }).toThrow(TypeError);
      expect(() => { call(stack, value as never); }).toThrow(message);
    }
    expect(stack.violations).toEqual([]);
    expectGoesOn(stack);
  });

  test('the handle of a driver’s other edge is not taken for this one’s', () => {
    const { ndis, host, target } = createProbeStack(shape);
    expect(() => { ndis.deregisterMiniportDriver(host.protocolHandle as never); }).toThrow(/^NdisMDeregisterMiniportDriver: /);
    expect(() => { ndis.deregisterProtocolDriver(target.driverHandle as never); }).toThrow(/^NdisDeregisterProtocolDriver: /);
    expect(() => { ndis.bindAdapter(host.protocolHandle, host.binding as never); }).toThrow(/^bindAdapter: /);
  });
});
