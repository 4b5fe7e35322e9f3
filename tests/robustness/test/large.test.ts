import { createProbeStack, membersOf, present, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_SUCCESS,
  NetBufferList,
  OFFLOAD_STATE_TYPE,
  OffloadBlockList,
  OffloadHandle,
  type BytesConsumed,
  type NDIS_STATUS,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const MILLION = 1_000_000;
const TREE = 100_000;

/** A list of so many NBLs without data. */
function listOf(count: number): { head: NetBufferList; nbls: NetBufferList[] } {
  const nbls = Array.from({ length: count }, () => new NetBufferList());
  for (let at = 1; at < count; at++) present(nbls[at - 1]).next = present(nbls[at]);
  return { head: present(nbls[0]), nbls };
}

type Grow = (blocks: readonly OffloadBlockList[]) => void;

/** How many blocks hang together. */
const growths: [how: string, grow: Grow][] = [
  [
    'side by side under one path',
    (blocks) => {
      const [neighbor, path, first] = blocks as [OffloadBlockList, OffloadBlockList, OffloadBlockList];
      neighbor.dependentBlockList = path;
      path.dependentBlockList = first;
      for (let at = 3; at < blocks.length; at++) present(blocks[at - 1]).nextBlock = present(blocks[at]);
    },
  ],
  [
    // No legal tree is deeper than three, but nothing must depend on that.
    'one below the other',
    (blocks) => {
      for (let at = 1; at < blocks.length; at++) present(blocks[at - 1]).dependentBlockList = present(blocks[at]);
    },
  ],
  [
    'in neighbors of three',
    (blocks) => {
      for (let at = 0; at + 2 < blocks.length; at += 3) {
        const [neighbor, path, connection] = blocks.slice(at, at + 3) as [OffloadBlockList, OffloadBlockList, OffloadBlockList];
        neighbor.dependentBlockList = path;
        path.dependentBlockList = connection;
        if (at > 0) present(blocks[at - 3]).nextBlock = neighbor;
      }
    },
  ],
];

function treeOf(stack: ProbeStack, count: number, grow: Grow): { root: ProtocolOffloadBlockList; blocks: OffloadBlockList[]; handles: OffloadHandle[] } {
  const handles = Array.from({ length: count }, () => new OffloadHandle(stack.host.binding, null));
  const blocks = handles.map((handle) => new OffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, handle, null));
  grow(blocks);
  return { root: blocks[0] as unknown as ProtocolOffloadBlockList, blocks, handles };
}

/** Takes a tree up again by hand: what a target would do with it is not what is tested. */
function completeAll(stack: ProbeStack, operation: 'initiate' | 'terminate', blocks: readonly OffloadBlockList[]): void {
  const { tree } = present(stack.target.trees.pop());
  for (const block of blocks) {
    block.status = NDIS_STATUS_SUCCESS;
    if (operation === 'initiate') present(block.offloadHandle).miniportOffloadContext = blocks;
  }
  stack.target.passUp(operation, tree);
}

describe.each([
  [false, MILLION],
  [true, MILLION / 4],
])('through three intermediate drivers, observed: %s', (isObserved, length) => {
  test(`a list of ${length} NBLs goes down and comes back, each NBL in its place`, { timeout: 60_000 }, () => {
    const stack = createProbeStack({ intermediates: 3, isObserved });
    const { host, target, connection } = stack;
    const { head, nbls } = listOf(length);
    host.binding.offloadTcpSend(connection, head);
    expect([target.sends.length, stack.ndis.outstanding.contexts]).toEqual([length, 3 * length]);
    target.completeSends();
    expect(host.calls.of('protocolTcpOffloadSendComplete').map(([, list]) => list === head)).toEqual([true]);
    let at = 0;
    for (let nbl: NetBufferList | null = head; nbl !== null; nbl = nbl.next) if (nbl !== nbls[at++]) throw new Error(`NBL ${at} is not in its place`);
    expect([at, nbls.some(({ sourceHandle, context }) => sourceHandle !== null || context !== null)]).toEqual([length, false]);
    stack.close();
  });

  test.each(growths)('a tree of 100,000 blocks, %s, is offloaded and taken back', { timeout: 60_000 }, (_how, grow) => {
    const stack = createProbeStack({ intermediates: 3, isObserved });
    const { host } = stack;
    const { root, blocks, handles } = treeOf(stack, TREE, grow);
    host.binding.initiateOffload(root);
    completeAll(stack, 'initiate', blocks);
    expect(handles.filter(({ state }) => state === 'offloaded').length).toBeGreaterThanOrEqual(TREE - 1);
    host.binding.terminateOffload(root);
    completeAll(stack, 'terminate', blocks);
    expect(handles.every(({ state }) => state !== 'offloaded' && state !== 'terminating')).toBe(true);
    stack.close();
  });
});

/** Counts how often members of objects are read, as a measure of work that does not depend on the machine. */
class ReadCounter {
  reads = 0;

  watch(object: object, member: string): void {
    let value: unknown = Reflect.get(object, member);
    Object.defineProperty(object, member, {
      get: () => {
        this.reads++;
        return value;
      },
      set: (next: unknown) => {
        value = next;
      },
    });
  }
}

/** Expects twice the size to be twice the work, give or take the part that does not grow. */
function expectLinear(work: (size: number) => number, size: number): void {
  const [once, twice] = [work(size), work(2 * size)];
  expect(once).toBeGreaterThan(size);
  expect(twice / once).toBeGreaterThan(1.8);
  expect(twice / once).toBeLessThan(2.2);
}

describe.each([false, true])('work grows with the size and not with its square, observed: %s', (isObserved) => {
  const lists: [what: string, run: (stack: ProbeStack, head: NetBufferList) => void][] = [
    ['send', ({ host, target, connection }, head) => { host.binding.offloadTcpSend(connection, head); target.completeSends(); }],
    ['send, completed one by one', ({ host, target, connection }, head) => { host.binding.offloadTcpSend(connection, head); while (target.completeSends(1).length > 0); }],
    ['receive', ({ host, target, connection }, head) => { host.binding.offloadTcpReceive(connection, head); target.completeReceives(); }],
    ['forward', ({ host, target, connection }, head) => { host.binding.offloadTcpForward(connection, head); target.completeForwards(); }],
    ['ordinary send', ({ host, target }, head) => { host.binding.sendNetBufferLists(head, 0, 0); target.completeOrdinarySends(); }],
    ['ordinary packets', ({ host, target }, head) => { target.miniport.indicateReceiveNetBufferLists(head, 0, membersOf(head).length, 0); host.binding.returnNetBufferLists(head, 0); }],
    [
      'a list that loops and is refused',
      ({ host, connection }, head) => {
        const last = present(membersOf(head).at(-1));
        last.next = head;
        expect(() => host.binding.offloadTcpForward(connection, head)).toThrow(/CHIM-NBL-008/);
        last.next = null;
      },
    ],
    [
      'a send that its target drops by throwing',
      (stack, head) => {
        stack.target.calls.once('miniportTcpOffloadSend', () => {
          throw new Error('boom');
        });
        stack.host.binding.offloadTcpSend(stack.connection, head);
        stack.settle();
      },
    ],
  ];

  test.each(lists)('%s', (_what, run) => {
    expectLinear((size) => {
      const stack = createProbeStack({ intermediates: 3, isObserved });
      const counter = new ReadCounter();
      const { head, nbls } = listOf(size);
      for (const nbl of nbls) {
        counter.watch(nbl, 'next');
        counter.watch(nbl, 'sourceHandle');
        counter.watch(nbl, 'context');
      }
      run(stack, head);
      const { reads } = counter;
      stack.violations.length = 0;
      stack.close();
      return reads;
    }, 300);
  });

  test('sends of two connections, alternating, completed in one list', () => {
    expectLinear((size) => {
      const stack = createProbeStack({ intermediates: 3, isObserved });
      const counter = new ReadCounter();
      const { host, target } = stack;
      const others = host.offload({ connectionsPerPath: 2 });
      target.completeTree('initiate');
      const { nbls } = listOf(size);
      nbls.forEach((nbl, at) => {
        nbl.next = null;
        counter.watch(nbl, 'next');
        counter.watch(nbl, 'sourceHandle');
        counter.watch(nbl, 'context');
        host.binding.offloadTcpSend(present(others.connections[at % 2]), nbl);
      });
      target.completeSends();
      const { reads } = counter;
      stack.close();
      return reads;
    }, 300);
  });

  test.each(growths)('a tree, %s', (_how, grow) => {
    expectLinear((size) => {
      const stack = createProbeStack({ intermediates: 3, isObserved });
      const counter = new ReadCounter();
      const { root, blocks } = treeOf(stack, size, grow);
      for (const block of blocks) {
        counter.watch(block, 'nextBlock');
        counter.watch(block, 'dependentBlockList');
        counter.watch(block, 'ndisReserved0');
        counter.watch(block, 'offloadHandle');
      }
      stack.host.binding.initiateOffload(root);
      completeAll(stack, 'initiate', blocks);
      stack.host.binding.terminateOffload(root);
      completeAll(stack, 'terminate', blocks);
      const { reads } = counter;
      stack.close();
      return reads;
    }, 300);
  });

  test('a tree that is refused at its last block', () => {
    expectLinear((size) => {
      const stack = createProbeStack({ intermediates: 3, isObserved });
      const counter = new ReadCounter();
      const { root, blocks } = treeOf(stack, size, present(growths[0])[1]);
      for (const block of blocks) {
        counter.watch(block, 'nextBlock');
        counter.watch(block, 'ndisReserved0');
      }
      present(blocks.at(-1)).nextBlock = present(blocks[1]);
      expect(() => { stack.host.binding.initiateOffload(root); }).toThrow(/CHIM-BLK-001/);
      const { reads } = counter;
      stack.violations.length = 0;
      stack.close();
      return reads;
    }, 300);
  });

  test('indications and their returns', () => {
    expectLinear((size) => {
      const stack = createProbeStack({ intermediates: 3, isObserved });
      const { host, target } = stack;
      host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
        bytesConsumed.value = 1;
        return NDIS_STATUS_SUCCESS;
      });
      const key = stack.lowest(stack.connection);
      const counter = new ReadCounter();
      const nbls = Array.from({ length: size }, () => target.list('x'));
      for (const nbl of nbls) {
        counter.watch(nbl, 'next');
        counter.watch(nbl, 'sourceHandle');
        counter.watch(nbl, 'context');
        target.indicateNbl(key, nbl);
      }
      nbls.forEach((nbl, at) => {
        nbl.next = nbls[at + 1] ?? null;
      });
      host.binding.offloadTcpReceiveReturn(present(nbls[0]));
      const { reads } = counter;
      stack.close();
      return reads;
    }, 300);
  });
});

test('the count itself notices quadratic work', () => {
  const squareWork = (size: number): number => {
    const counter = new ReadCounter();
    const { head, nbls } = listOf(size);
    for (const nbl of nbls) counter.watch(nbl, 'next');
    for (const nbl of nbls) if (!membersOf(head).includes(nbl)) throw new Error('gone');
    return counter.reads;
  };
  expect(() => {
    expectLinear(squareWork, 50);
  }).toThrow();
});
