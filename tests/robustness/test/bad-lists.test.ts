import { blocksOf, createProbeStack, link, membersOf, newTree, present, ProbeHost, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, NetBuffer, type BytesConsumed, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

type Send = (stack: ProbeStack, list: NetBufferList) => unknown;

const sends: [name: string, send: Send][] = [
  ['send', ({ host, connection }, list) => host.binding.offloadTcpSend(connection, list)],
  ['receive', ({ host, connection }, list) => host.binding.offloadTcpReceive(connection, list)],
  ['forward', ({ host, connection }, list) => host.binding.offloadTcpForward(connection, list)],
  ['ordinary send', ({ host }, list) => { host.binding.sendNetBufferLists(list, 0, 0); }],
];

/** Makes a list of five whose last member points back to this one, and unlinks it again for the end of the test. */
function loopingTo({ host }: ProbeStack, at: number): { list: NetBufferList; met: NetBufferList; cut: () => void } {
  const list = host.list('0', '1', '2', '3', '4');
  const members = membersOf(list);
  const last = present(members[4]);
  last.next = present(members[at]);
  return { list, met: present(members[at]), cut: () => { last.next = null; } };
}

function keepIndicated(stack: ProbeStack, text: string): NetBufferList {
  stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed) => {
    bytesConsumed.value = text.length;
    return NDIS_STATUS_SUCCESS;
  });
  return stack.target.indicate(stack.lowest(stack.connection), text).netBufferList;
}

describe.each(STACK_SHAPES)('bad lists, %s', (_name, shape) => {
  describe.each(sends)('%s', (_operation, send) => {
    test.each([0, 2, 4])('CHIM-NBL-008: a list that loops back to member %i is refused whole', (at) => {
      const stack = createProbeStack(shape);
      const { list, met, cut } = loopingTo(stack, at);
      expectRefused(stack, () => send(stack, list), { rule: 'CHIM-NBL-008', actor: 'probe host', object: met });
      cut();
      // The list is as good as new.
      send(stack, list);
      expectGoesOn(stack);
    });

    test.each(sends)('CHIM-NBL-004: an NBL that is below already, by a %s, is refused', (_how, sendBefore) => {
      const stack = createProbeStack(shape);
      const list = stack.host.list('x');
      sendBefore(stack, list);
      expectRefused(stack, () => send(stack, list), { rule: 'CHIM-NBL-004', actor: 'probe host', object: list });
      expectGoesOn(stack);
    });

    test.each([0, 1, 2])('CHIM-NBL-004: one that is below already spoils the whole list, at place %i', (at) => {
      const stack = createProbeStack(shape);
      const { host } = stack;
      const out = host.send(stack.connection, 'out');
      const fresh = membersOf(host.list('a', 'b'));
      const members = [...fresh.slice(0, at), out, ...fresh.slice(at)];
      // The target has its own list of what it holds: linking the NBL elsewhere does it no harm.
      const list = link(members);
      expectRefused(stack, () => send(stack, list), { rule: 'CHIM-NBL-004', actor: 'probe host', object: out });
      link(fresh);
      out.next = null;
      expectGoesOn(stack);
    });

    test('CHIM-NBL-004: an NBL that travels in a tree is out, too', () => {
      const stack = createProbeStack(shape);
      const { host, target } = stack;
      const chain = host.list('in', 'a tree');
      const tree = newTree(host.binding);
      const block = present(blocksOf(tree.root)[2]);
      block.netBufferListChain = chain;
      host.initiate(tree.root);
      expectRefused(stack, () => send(stack, chain), { rule: 'CHIM-NBL-004', actor: 'probe host', object: chain });
      target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
      block.netBufferListChain = null;
      send(stack, chain);
      expectGoesOn(stack);
    });

    test.each([0, 1])('CHIM-NBL-010: an NBL that was freed, at place %i, is refused, and what is free behind it stays free', (at) => {
      const stack = createProbeStack(shape);
      const { host } = stack;
      const fresh = host.list('fresh');
      const freed = membersOf(host.list('a', 'b', 'c'));
      host.free(freed);
      const last = present(freed[2]);
      fresh.next = last;
      expectRefused(stack, () => send(stack, at === 0 ? last : fresh), { rule: 'CHIM-NBL-010', actor: 'probe host', object: last }, { lists: freed });
      fresh.next = null;
      expect(host.list('again', 'and', 'again')).toBe(last);
      expectGoesOn(stack);
    });

    test('CHIM-NBL-004: received data is not sent: it is the target’s', () => {
      const stack = createProbeStack(shape);
      const nbl = keepIndicated(stack, 'received');
      expectRefused(stack, () => send(stack, nbl), { rule: 'CHIM-NBL-004', actor: 'probe host', object: nbl });
      stack.host.binding.offloadTcpReceiveReturn(nbl);
      expectGoesOn(stack);
    });

    test('CHIM-NBL-004: what went down on another binding is refused here', () => {
      const stack = createProbeStack(shape);
      const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
      second.bindTo(stack.host.binding.adapterName);
      const list = second.sendOrdinary('theirs');
      expectRefused(stack, () => send(stack, list), { rule: 'CHIM-NBL-004', actor: 'probe host', object: list });
      stack.finishAll();
      second.free();
      expectGoesOn(stack);
    });
  });

  const shapes: [what: string, make: (stack: ProbeStack) => NetBufferList][] = [
    ['two NBLs', ({ host }) => host.list('a', 'b')],
    [
      'no NET_BUFFER',
      ({ host }) => {
        const nbl = host.list('a');
        nbl.firstNetBuffer = null;
        return nbl;
      },
    ],
    [
      'two NET_BUFFERs',
      ({ host }) => {
        const nbl = host.list('a');
        present(nbl.firstNetBuffer).next = new NetBuffer();
        return nbl;
      },
    ],
  ];

  test.each(shapes)('CHIM-DSC-002: a disconnect with %s is refused', (_what, make) => {
    const stack = createProbeStack(shape);
    const { host, connection } = stack;
    const nbl = make(stack);
    const first = nbl.firstNetBuffer;
    expectRefused(stack, () => host.binding.offloadTcpDisconnect(connection, nbl, 1), { rule: 'CHIM-DSC-002', actor: 'probe host', object: nbl });
    nbl.firstNetBuffer = first ?? new NetBuffer();
    nbl.firstNetBuffer.next = null;
    expectGoesOn(stack);
  });

  test('CHIM-RET-002: received data is returned once', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const nbl = keepIndicated(stack, 'x');
    host.binding.offloadTcpReceiveReturn(nbl);
    expectRefused(stack, () => { host.binding.offloadTcpReceiveReturn(nbl); }, { rule: 'CHIM-RET-002', actor: 'probe host', object: nbl });
    expectRefused(stack, () => { host.binding.returnNetBufferLists(nbl, 0); }, { rule: 'CHIM-RET-002', actor: 'probe host', object: nbl });
    expectGoesOn(stack);
  });

  test('CHIM-RET-002: a list to return that loops, or has an NBL that was never indicated, is refused whole', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    const [first, second] = [keepIndicated(stack, 'x'), keepIndicated(stack, 'y')] as const;
    first.next = second;
    second.next = first;
    expectRefused(stack, () => { host.binding.offloadTcpReceiveReturn(first); }, { rule: 'CHIM-RET-002', actor: 'probe host', object: first });
    second.next = host.list('never indicated');
    expectRefused(stack, () => { host.binding.offloadTcpReceiveReturn(first); }, { rule: 'CHIM-RET-002', actor: 'probe host', object: second.next });
    second.next = null;
    host.binding.offloadTcpReceiveReturn(first);
    expectGoesOn(stack);
  });

  test('CHIM-RET-003: data is not returned over the adapter of another target', () => {
    const stack = createProbeStack(shape);
    const other = createProbeStack(shape);
    const nbl = keepIndicated(other, 'theirs');
    expectRefused(stack, () => { stack.host.binding.offloadTcpReceiveReturn(nbl); }, { rule: 'CHIM-RET-003', actor: 'probe host', object: nbl }, { lists: [nbl] });
    other.host.binding.offloadTcpReceiveReturn(nbl);
    expectGoesOn(other);
    expectGoesOn(stack);
  });

  test('CHIM-RET-003: what the host itself sent is not returned', () => {
    const stack = createProbeStack(shape);
    const list = stack.host.send(stack.connection, 'x');
    expectRefused(stack, () => { stack.host.binding.offloadTcpReceiveReturn(list); }, { rule: 'CHIM-RET-003', actor: 'probe host', object: list });
    expectGoesOn(stack);
  });
});
