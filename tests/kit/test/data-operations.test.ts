import { createProbeStack, link, membersOf, STACK_SHAPES, textsOf, type ProbeHost, type ProbeStack, type ProbeTarget } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

interface DataOperation {
  readonly entry: string;
  readonly callback: string;
  readonly start: (host: ProbeHost, connection: OffloadHandle, list: NetBufferList) => NDIS_STATUS;
  readonly complete: (target: ProbeTarget, count?: number, status?: NDIS_STATUS) => NetBufferList[];
}

const operations: [name: string, operation: DataOperation][] = [
  [
    'send',
    {
      entry: 'miniportTcpOffloadSend',
      callback: 'protocolTcpOffloadSendComplete',
      start: ({ binding }, connection, list) => binding.offloadTcpSend(connection, list),
      complete: (target, ...how) => target.completeSends(...how),
    },
  ],
  [
    'receive',
    {
      entry: 'miniportTcpOffloadReceive',
      callback: 'protocolTcpOffloadReceiveComplete',
      start: ({ binding }, connection, list) => binding.offloadTcpReceive(connection, list),
      complete: (target, ...how) => target.completeReceives(...how),
    },
  ],
  [
    'forward',
    {
      entry: 'miniportTcpOffloadForward',
      callback: 'protocolTcpOffloadForwardComplete',
      start: ({ binding }, connection, list) => binding.offloadTcpForward(connection, list),
      complete: (target, ...how) => target.completeForwards(...how),
    },
  ],
];

const contextsOn = (nbl: NetBufferList): string[] => {
  const owners: string[] = [];
  for (let context = nbl.context; context !== null; context = context.next) owners.push(context.owner?.name ?? '');
  return owners;
};

const namesFromTheTop = ({ intermediates }: ProbeStack): string[] => intermediates.map(({ name }) => name);

describe.each(STACK_SHAPES)('data operations through %s', (_name, shape) => {
  describe.each(operations)('%s', (_operation, { entry, callback, start, complete }) => {
    test('a list goes down as it is, with the target’s context, and comes back as it is, with the host’s', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      const list = host.list('one', 'two', 'three');
      const members = membersOf(list);
      expect(start(host, connection, list)).toBe(NDIS_STATUS_PENDING);
      expectSame(target.calls.of(entry), [[target, stack.contextOf(connection), list]]);
      // Below, the source is the lowest binding, and every intermediate driver has one context on each NBL.
      for (const nbl of members) expect([nbl.sourceHandle, contextsOn(nbl)]).toEqual([stack.lowest(connection).binding, namesFromTheTop(stack)]);
      expect(host.calls.count(callback)).toBe(0);
      complete(target);
      expectSame(host.calls.of(callback), [[host.context, list]]);
      expect(membersOf(list)).toEqual(members);
      expect(textsOf(list)).toEqual(['one', 'two', 'three']);
      for (const nbl of members) expect([nbl.sourceHandle, nbl.context, nbl.status, nbl.tcpOffloadBytesTransferred]).toEqual([null, null, NDIS_STATUS_SUCCESS, textsOf(link([nbl]))[0]?.length]);
      stack.close();
    });

    test('lists of several calls come back in one list and one call, when the target coalesces them', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      for (const text of ['a', 'b', 'c']) start(host, connection, host.list(`${text}1`, `${text}2`));
      complete(target);
      const completions = host.calls.of(callback);
      expect(completions.map(([, list]) => textsOf(list as NetBufferList))).toEqual([['a1', 'a2', 'b1', 'b2', 'c1', 'c2']]);
      stack.close();
    });

    test('a list comes back in parts, when the target completes it so; each NBL has its own status', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      start(host, connection, host.list('a', 'b', 'c', 'd'));
      complete(target, 1);
      complete(target, 2, NDIS_STATUS_REQUEST_ABORTED);
      complete(target, 1, NDIS_STATUS_FAILURE);
      const seen = host.calls.of(callback).map(([, list]) => membersOf(list as NetBufferList).map(({ status }) => status));
      expect(seen).toEqual([[NDIS_STATUS_SUCCESS], [NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_REQUEST_ABORTED], [NDIS_STATUS_FAILURE]]);
      stack.close();
    });

    test('lists may alternate between host-owned lengths: 1, many, 1', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      for (const length of [1, 5, 1, 64, 2]) {
        const list = host.list(...Array.from({ length }, (_, at) => String(at)));
        start(host, connection, list);
        expect(complete(target)).toHaveLength(length);
        expectSame(host.calls.of(callback).slice(-1), [[host.context, list]]);
        host.free(membersOf(list));
      }
      stack.close();
    });

    test('the host may start the next one inside the completion, with the very same NBLs', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      let left = 4;
      host.calls.on(callback, (_context: unknown, list: NetBufferList) => {
        if (--left > 0) start(host, connection, list);
      });
      start(host, connection, host.list('again', 'and again'));
      while (complete(target).length > 0);
      expect([left, target.calls.count(entry)]).toEqual([0, 4]);
      stack.close();
    });

    test('a target may complete inside its entry', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      target.calls.once(entry, (_context: unknown, _connection: unknown, list: NetBufferList) => {
        const kept = membersOf(list);
        queueForCompletion(target, entry).push(...kept);
        complete(target);
        return NDIS_STATUS_PENDING;
      });
      const list = host.list('x', 'y');
      start(host, connection, list);
      expectSame(host.calls.of(callback), [[host.context, list]]);
      queueForCompletion(target, entry).length = 0;
      stack.close();
    });

    test('requests of several connections travel in one completion list', () => {
      const stack = createProbeStack(shape);
      const { host, target, connection } = stack;
      const other = host.offload();
      target.completeTree('initiate');
      const [second] = other.connections as [OffloadHandle];
      start(host, connection, host.list('a1'));
      start(host, second, host.list('b1'));
      start(host, connection, host.list('a2'));
      complete(target);
      expect(host.calls.of(callback).map(([, list]) => textsOf(list as NetBufferList))).toEqual([['a1', 'b1', 'a2']]);
      stack.close();
    });
  });

  test.each([TCP_DISCONNECT_GRACEFUL_CLOSE, TCP_DISCONNECT_ABORTIVE_CLOSE])('a disconnect goes down with its flags (%i) and comes back alone', (flags) => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const nbl = host.disconnect(connection, flags);
    expectSame(target.calls.of('miniportTcpOffloadDisconnect'), [[target, stack.contextOf(connection), nbl, flags]]);
    expect([nbl.sourceHandle, contextsOn(nbl)]).toEqual([stack.lowest(connection).binding, namesFromTheTop(stack)]);
    target.completeDisconnect();
    expectSame(host.calls.of('protocolTcpOffloadDisconnectComplete'), [[host.context, nbl]]);
    expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    stack.close();
  });

  test('while a request is below, a terminate may be too; the requests come back first', () => {
    const stack = createProbeStack({ ...shape, isAutomatic: true });
    const { host, connection } = stack;
    host.send(connection, 'a', 'b');
    host.receive(connection, 10);
    host.disconnect(connection);
    host.binding.terminateOffload(host.connections(connection));
    expect(host.calls.calls).toEqual([]);
    stack.settle();
    expect(host.calls.entries).toEqual(['protocolTcpOffloadSendComplete', 'protocolTcpOffloadReceiveComplete', 'protocolTcpOffloadDisconnectComplete', 'protocolTerminateOffloadComplete']);
    stack.close();
  });

  test('the ordinary send path: same list down, same list up, flags and port as they are', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const list = host.list('p', 'q');
    host.binding.sendNetBufferLists(list, 7, 1);
    expectSame(target.calls.of('miniportSendNetBufferLists'), [[target, list, 7, 1]]);
    for (const nbl of membersOf(list)) expect(contextsOn(nbl)).toEqual(namesFromTheTop(stack));
    target.ordinarySends.length = 0;
    target.miniport.sendNetBufferListsComplete(list, 2);
    expectSame(host.calls.of('protocolSendNetBufferListsComplete'), [[host.context, list, 2]]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    stack.close();
  });
});

/** The array in which the target keeps what an entry gave it. */
function queueForCompletion(target: ProbeTarget, entry: string): NetBufferList[] {
  if (entry === 'miniportTcpOffloadSend') return target.sends;
  return entry === 'miniportTcpOffloadReceive' ? target.receives : target.forwards;
}
