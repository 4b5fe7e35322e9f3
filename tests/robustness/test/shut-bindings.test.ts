import { createProbeStack, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { NdisOidRequest, OffloadHandle, type NetBufferList } from '@ndis-chimney/types';
import { describe, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

type Call = (stack: ProbeStack, nbl: NetBufferList) => unknown;

const dataCalls: [name: string, call: Call][] = [
  ['NdisOffloadTcpSend', ({ host, connection }, nbl) => host.binding.offloadTcpSend(connection, nbl)],
  ['NdisOffloadTcpReceive', ({ host, connection }, nbl) => host.binding.offloadTcpReceive(connection, nbl)],
  ['NdisOffloadTcpForward', ({ host, connection }, nbl) => host.binding.offloadTcpForward(connection, nbl)],
  ['NdisOffloadTcpDisconnect', ({ host, connection }, nbl) => host.binding.offloadTcpDisconnect(connection, nbl, 1)],
  ['NdisSendNetBufferLists', ({ host }, nbl) => { host.binding.sendNetBufferLists(nbl, 0, 0); }],
  ['NdisInitiateOffload', ({ host }) => { host.binding.initiateOffload(host.connections(new OffloadHandle(host.binding, 'new'))); }],
];

describe.each(STACK_SHAPES)('bindings that are shut, %s', (_name, shape) => {
  test.each(dataCalls)('CHIM-LIF-004: %s on a paused binding is refused', (_call, call) => {
    const stack = createProbeStack(shape);
    const nbl = stack.host.list('x');
    stack.ndis.pauseAdapter(stack.target.miniport);
    stack.settle();
    expectRefused(stack, () => call(stack, nbl), { rule: 'CHIM-LIF-004', actor: 'probe host', object: stack.host.binding });
    stack.ndis.restartAdapter(stack.target.miniport);
    stack.settle();
    expectGoesOn(stack);
  });

  const onClosed: [name: string, call: Call][] = [
    ...dataCalls.slice(4),
    ['NdisTerminateOffload', ({ host, neighbor }) => { host.binding.terminateOffload(host.connections(neighbor)); }],
    ['NdisQueryOffloadState', ({ host, neighbor }) => { host.binding.queryOffloadState(host.connections(neighbor)); }],
    ['NdisOidRequest', ({ host }) => host.binding.oidRequest(new NdisOidRequest())],
    ['NdisCloseAdapterEx', ({ host }) => host.binding.closeAdapterEx()],
  ];

  test.each(onClosed)('CHIM-LIF-002: %s on a closed binding is refused, be the close waiting or over', (_call, call) => {
    const stack = createProbeStack({ ...shape, pendLifeCycle: true });
    const { host, ndis } = stack;
    const nbl = host.list('x');
    stack.terminateAll();
    const { binding } = host;
    ndis.unbindAdapter(binding);
    for (const when of ['waiting', 'over']) {
      expectRefused(stack, () => call(stack, nbl), { rule: 'CHIM-LIF-002', actor: 'probe host', object: binding, message: /is closed/ });
      if (when === 'waiting') stack.settle();
    }
    stack.close();
  });

  test('CHIM-LIF-003: a binding with objects offloaded, requests or operations below is not closed', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    expectRefused(stack, () => host.binding.closeAdapterEx(), { rule: 'CHIM-LIF-003', actor: 'probe host', message: /3 objects offloaded/ });
    host.send(stack.connection, 'x', 'y');
    expectRefused(stack, () => host.binding.closeAdapterEx(), { rule: 'CHIM-LIF-003', actor: 'probe host', message: /2 NET_BUFFER_LISTs below/ });
    target.completeSends();
    host.binding.queryOffloadState(host.connections(stack.connection));
    expectRefused(stack, () => host.binding.closeAdapterEx(), { rule: 'CHIM-LIF-003', actor: 'probe host', message: /1 state operations below/ });
    target.completeTree('query');
    expectGoesOn(stack);
  });

  test('CHIM-LIF-002: the virtual miniports of a stack that is gone do not come back', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const top = present(stack.ndis.findAdapter(host.binding.adapterName));
    stack.close();
    host.bindings.length = 0;
    if (host.ndis.findAdapter(top.name) !== null) throw new Error('the adapter is still there');
  });
});
