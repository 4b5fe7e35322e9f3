import { createProbeStack, membersOf, present, ProbeHost, STACK_SHAPES, textOf, textsOf, type ProbeStack, type ProbeStackOptions } from '@ndis-chimney/kit';
import { NDIS_STATUS_SUCCESS, type BytesConsumed, type NetBufferList, type NDIS_STATUS, type OffloadHandle } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

interface Two {
  readonly stack: ProbeStack;
  readonly a: { readonly host: ProbeHost; readonly connection: OffloadHandle };
  readonly b: { readonly host: ProbeHost; readonly connection: OffloadHandle };
  readonly close: () => void;
}

/** Two hosts on the adapter on top, each with a connection. */
function twoHosts(shape: ProbeStackOptions): Two {
  const stack = createProbeStack(shape);
  const host = new ProbeHost(stack.ndis, { name: 'second host' }).register();
  host.bindTo(stack.host.binding.adapterName);
  const tree = host.offload();
  stack.target.completeTree('initiate');
  const [connection] = tree.connections as [OffloadHandle];
  return {
    stack,
    a: { host: stack.host, connection: stack.connection },
    b: { host, connection },
    close: () => {
      stack.finishAll();
      host.binding.terminateOffload(tree.root);
      stack.finishAll();
      host.free();
      stack.close();
    },
  };
}

const completionsOf = ({ calls }: ProbeHost): string[] => calls.of('protocolTcpOffloadSendComplete').map(([, list]) => textsOf(list as NetBufferList).join(' '));

describe.each(STACK_SHAPES)('routing to several bindings through %s', (_name, shape) => {
  test('a completion list that mixes bindings becomes one call per binding, order kept, each NBL the same object', () => {
    const { stack, a, b, close } = twoHosts(shape);
    const sent = new Map<string, NetBufferList>();
    for (const [who, ...texts] of [[a, 'a1', 'a2'], [b, 'b1'], [a, 'a3'], [b, 'b2', 'b3'], [a, 'a4']] as [typeof a, ...string[]][]) {
      for (const nbl of membersOf(who.host.send(who.connection, ...texts))) sent.set(textOf(nbl), nbl);
    }
    stack.target.completeSends();
    expect([completionsOf(a.host), completionsOf(b.host)]).toEqual([['a1 a2 a3 a4'], ['b1 b2 b3']]);
    for (const { host } of [a, b]) {
      for (const [, list] of host.calls.of('protocolTcpOffloadSendComplete')) {
        for (const nbl of membersOf(list as NetBufferList)) {
          expect(sent.get(textOf(nbl))).toBe(nbl);
          expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
        }
      }
    }
    close();
  });

  test('the binding that appears first in the list hears first', () => {
    const { stack, a, b, close } = twoHosts(shape);
    const order: string[] = [];
    for (const { host } of [a, b]) host.calls.on('protocolTcpOffloadSendComplete', () => { order.push(host.name); });
    b.host.send(b.connection, 'first');
    a.host.send(a.connection, 'second');
    stack.target.completeSends();
    expect(order).toEqual(['second host', 'probe host']);
    close();
  });

  test('a list of one binding passes with its head and links as they are, whoever else is bound', () => {
    const { stack, a, close } = twoHosts(shape);
    const list = a.host.send(a.connection, 'x', 'y', 'z');
    const members = membersOf(list);
    stack.target.completeSends();
    expect(a.host.calls.of('protocolTcpOffloadSendComplete')[0]?.[1]).toBe(list);
    expect(membersOf(list).every((nbl, at) => nbl === members[at])).toBe(true);
    close();
  });

  test('grouping survives a callback that sends again and makes the target complete more', () => {
    const { stack, a, b, close } = twoHosts(shape);
    const { target } = stack;
    a.host.calls.once('protocolTcpOffloadSendComplete', (_context: unknown, list: NetBufferList) => {
      // The NBLs are the host's again: it sends them at once, with more, and all comes back before the outer call ends.
      for (const nbl of membersOf(list)) stack.ndis.retreatNetBufferDataStart(present(nbl.firstNetBuffer), nbl.tcpOffloadBytesTransferred, 0);
      a.host.binding.offloadTcpSend(a.connection, list);
      b.host.send(b.connection, 'inner b');
      target.completeSends();
    });
    a.host.send(a.connection, 'a');
    b.host.send(b.connection, 'b');
    a.host.send(a.connection, 'a too');
    target.completeSends();
    expect(completionsOf(a.host)).toEqual(['a a too', 'a a too']);
    expect(completionsOf(b.host)).toEqual(['inner b', 'b']);
    close();
  });

  test('CHIM-LIF-005: a callback that throws does not keep the others from hearing', () => {
    const { stack, a, b, close } = twoHosts(shape);
    a.host.calls.once('protocolTcpOffloadSendComplete', () => {
      throw new Error('boom');
    });
    a.host.send(a.connection, 'a');
    b.host.send(b.connection, 'b');
    stack.target.completeSends();
    expect(completionsOf(b.host)).toEqual(['b']);
    expect(stack.expectViolation('CHIM-LIF-005').actor).toBe('probe host');
    close();
  });

  test('ordinary sends are routed the same way', () => {
    const { stack, a, b, close } = twoHosts(shape);
    a.host.sendOrdinary('a1');
    b.host.sendOrdinary('b1', 'b2');
    a.host.sendOrdinary('a2');
    stack.target.completeOrdinarySends();
    const seen = (host: ProbeHost): string[][] => host.calls.of('protocolSendNetBufferListsComplete').map(([, list]) => textsOf(list as NetBufferList));
    expect([seen(a.host), seen(b.host)]).toEqual([[['a1', 'a2']], [['b1', 'b2']]]);
    close();
  });

  test('data, events and trees go to the binding of their handle, the others hear nothing', () => {
    const { stack, a, b, close } = twoHosts(shape);
    const accept = (_handle: unknown, _nbl: unknown, _status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS => {
      bytesConsumed.value = 1;
      return NDIS_STATUS_SUCCESS;
    };
    b.host.calls.on('protocolTcpOffloadReceiveIndicate', accept);
    a.host.calls.clear();
    b.host.calls.clear();
    const { netBufferList } = stack.target.indicate(stack.lowest(b.connection), 'x');
    stack.target.event(stack.lowest(b.connection), 2);
    b.host.binding.queryOffloadState(b.host.connections(b.connection));
    stack.target.completeTree('query');
    expect(a.host.calls.entries).toEqual([]);
    expect(b.host.calls.entries).toEqual(['protocolTcpOffloadReceiveIndicate', 'protocolTcpOffloadEvent', 'protocolQueryOffloadComplete']);
    b.host.binding.offloadTcpReceiveReturn(netBufferList);
    close();
  });
});
