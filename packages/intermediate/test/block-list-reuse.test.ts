import { BlockListReuse, CallEntryPool, NetBufferListTracker, type BlockListReuseLimits, type OffloadEntry } from '@ndis-chimney/intermediate';
import {
  BlockWalk,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NetBufferList,
  OFFLOAD_HANDLE_STATE,
  OFFLOAD_STATE_TYPE,
  OffloadBlockList,
  OffloadHandle,
  type MiniportOffloadBlockList,
  type NdisBinding,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createEdge, given, type Edge } from './edge.ts';

const { NeighborOffloadState, Ip4OffloadState, TcpOffloadState } = OFFLOAD_STATE_TYPE;

interface Setup extends Edge {
  readonly reuse: BlockListReuse<string>;
  readonly sends: NetBufferListTracker<string>;
  readonly down: (root: OffloadBlockList) => OffloadBlockList | null;
  readonly up: (operation: 'initiate' | 'terminate' | 'query', root: OffloadBlockList) => OffloadBlockList;
  readonly cancel: (root: OffloadBlockList) => void;
}

function setup(limits: BlockListReuseLimits = {}, contexts = Infinity): Setup {
  const edge = createEdge();
  const sends = new NetBufferListTracker<string>(edge.ndis, { name: 'im' }, { limit: contexts });
  const reuse = new BlockListReuse<string>(edge.ndis, 'im', sends, new NetBufferListTracker<NdisBinding>(edge.ndis, { name: 'im' }), limits);
  return {
    ...edge,
    reuse,
    sends,
    down: (root) => reuse.down(root as unknown as MiniportOffloadBlockList, 'edge', edge.binding) as OffloadBlockList | null,
    up: (operation, root) => reuse.up(operation, root as unknown as ProtocolOffloadBlockList).tree as unknown as OffloadBlockList,
    cancel: (root) => {
      reuse.cancel(root as unknown as ProtocolOffloadBlockList);
    },
  };
}

/** A block as it comes down: named by a handle of the driver above, which is bound to the virtual miniport. */
function block(type: (typeof OFFLOAD_STATE_TYPE)[keyof typeof OFFLOAD_STATE_TYPE], handle: OffloadHandle | null): OffloadBlockList {
  return new OffloadBlockList(type, handle, null);
}

/** The binding above: what upper handles are made for, and roots are tagged with. */
const above: NdisBinding = createEdge().binding;
const newHandle = (): OffloadHandle => new OffloadHandle(above, 'upper');

const blocksOf = (root: OffloadBlockList): OffloadBlockList[] => {
  const walk = new BlockWalk<OffloadBlockList>();
  const blocks: OffloadBlockList[] = [];
  for (let at: OffloadBlockList | null = walk.start(root); at !== null; at = walk.next(at)) blocks.push(at);
  return blocks;
};

const picture = (root: OffloadBlockList): unknown[] =>
  blocksOf(root).map(({ offloadHandle, imReserved0, imReserved1, sourceHandle, netBufferListChain }) => [offloadHandle, offloadHandle?.miniportOffloadContext, imReserved0, imReserved1, sourceHandle, netBufferListChain, netBufferListChain?.context]);

/** neighbor → path → two connections, new objects all of them, what an upper driver keeps in the blocks set. */
function newTree(): OffloadBlockList {
  const neighbor = block(NeighborOffloadState, newHandle());
  const path = block(Ip4OffloadState, newHandle());
  const [first, second] = [block(TcpOffloadState, newHandle()), block(TcpOffloadState, newHandle())] as const;
  neighbor.dependentBlockList = path;
  path.dependentBlockList = first;
  first.nextBlock = second;
  blocksOf(neighbor).forEach((each, at) => {
    each.imReserved0 = `upper ${at}`;
    each.imReserved1 = at;
  });
  neighbor.sourceHandle = above;
  return neighbor;
}

describe('BlockListReuse', () => {
  test('down: every object gets an entry and a handle of the driver’s own, in the very same blocks', () => {
    const { reuse, down, binding } = setup();
    const root = newTree();
    const blocks = blocksOf(root);
    const upper = blocks.map(({ offloadHandle }) => offloadHandle);
    expect(down(root)).toBe(root);
    blocks.forEach(({ offloadHandle }, at) => {
      const entry = offloadHandle?.owner as OffloadEntry<string>;
      expect([offloadHandle === entry.handle, entry.upperHandle === upper[at], entry.upperEdge, offloadHandle?.binding === binding, offloadHandle?.miniportOffloadContext]).toEqual([true, true, 'edge', true, null]);
    });
    expect([reuse.offloadEntries, reuse.callEntries]).toEqual([4, 1]);
  });

  test('up after an initiate: what succeeded names the driver’s entry, what failed names nothing, all else is as it was', () => {
    const { reuse, down, up } = setup();
    const root = newTree();
    const blocks = blocksOf(root);
    const before = picture(root).map((row) => (row as unknown[]).filter((_value, column) => column !== 1));
    down(root);
    const entries = blocks.map(({ offloadHandle }) => offloadHandle?.owner);
    blocks.forEach((each, at) => {
      each.status = at === 3 ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS;
    });
    expect(up('initiate', root)).toBe(root);
    expect(picture(root).map((row) => (row as unknown[]).filter((_value, column) => column !== 1))).toEqual(before);
    expect(blocks.map(({ offloadHandle }) => offloadHandle?.miniportOffloadContext)).toEqual([entries[0], entries[1], entries[2], null]);
    expect([reuse.offloadEntries, reuse.callEntries]).toEqual([3, 0]);
  });

  test('a reference finds its entry again, and a terminate that succeeds frees it; one that fails does not', () => {
    const { reuse, down, up } = setup();
    const root = newTree();
    down(root);
    up('initiate', root);
    const entries = blocksOf(root).map(({ offloadHandle }) => offloadHandle?.miniportOffloadContext);
    const reference = block(TcpOffloadState, given(blocksOf(root)[2]).offloadHandle);
    down(reference);
    expect(reference.offloadHandle?.owner).toBe(entries[2]);
    reference.status = NDIS_STATUS_FAILURE;
    up('terminate', reference);
    expect(reuse.offloadEntries).toBe(4);
    down(reference);
    reference.status = NDIS_STATUS_SUCCESS;
    up('terminate', reference);
    expect([reuse.offloadEntries, reuse.callEntries]).toEqual([3, 0]);
  });

  test('placeholders stay placeholders', () => {
    const { reuse, down, up } = setup();
    const placeholder = block(NeighborOffloadState, null);
    placeholder.dependentBlockList = block(Ip4OffloadState, newHandle());
    down(placeholder);
    expect([placeholder.offloadHandle, reuse.offloadEntries]).toEqual([null, 1]);
    up('initiate', placeholder);
    expect(placeholder.offloadHandle).toBeNull();
  });

  test('send data in the tree gets contexts, which come off when its object failed', () => {
    const { sends, down, up, binding } = setup();
    const root = newTree();
    const chain = new NetBufferList();
    chain.sourceHandle = binding;
    given(blocksOf(root)[2]).netBufferListChain = chain;
    down(root);
    expect([sends.outstanding, chain.context?.sourceHandle]).toEqual([1, binding]);
    chain.sourceHandle = null;
    for (const each of blocksOf(root)) each.status = NDIS_STATUS_FAILURE;
    up('initiate', root);
    expect([sends.outstanding, chain.context, chain.sourceHandle]).toEqual([0, null, binding]);
  });

  const shortages: [what: string, limits: BlockListReuseLimits, contexts: number][] = [
    ['call entries', { callEntries: 0 }, Infinity],
    ...[0, 1, 2, 3].map((offloadEntries): [string, BlockListReuseLimits, number] => [`offload entries beyond ${offloadEntries}`, { offloadEntries }, Infinity]),
    ['contexts for send data', {}, 1],
  ];

  test.each(shortages)('without memory for %s it answers null, and the tree is as it was', (_what, limits, contexts) => {
    const { reuse, sends, down } = setup(limits, contexts);
    const root = newTree();
    const chain = new NetBufferList();
    chain.next = new NetBufferList();
    given(blocksOf(root)[2]).netBufferListChain = new NetBufferList();
    given(blocksOf(root)[3]).netBufferListChain = chain;
    const before = picture(root);
    expect(down(root)).toBeNull();
    expect(picture(root)).toEqual(before);
    expect([reuse.offloadEntries, reuse.callEntries, sends.outstanding]).toEqual([0, 0, 0]);
  });

  test('cancel: a tree of new objects is what it was when it came down, its send data without contexts, and nothing is kept', () => {
    const { reuse, sends, down, up, cancel, binding } = setup();
    const root = newTree();
    const chain = new NetBufferList();
    chain.next = new NetBufferList();
    for (const nbl of [chain, chain.next]) nbl.sourceHandle = binding;
    given(blocksOf(root)[3]).netBufferListChain = chain;
    const before = picture(root);
    down(root);
    expect([reuse.offloadEntries, reuse.callEntries, sends.outstanding]).toEqual([4, 1, 2]);
    cancel(root);
    expect(picture(root)).toEqual(before);
    expect([chain.context, chain.sourceHandle, chain.next.context, chain.next.sourceHandle]).toEqual([null, binding, null, binding]);
    expect([reuse.offloadEntries, reuse.callEntries, sends.outstanding]).toEqual([0, 0, 0]);
    // It can go down again, and be completed.
    down(root);
    for (const each of blocksOf(root)) each.status = NDIS_STATUS_FAILURE;
    for (const nbl of [chain, chain.next]) nbl.sourceHandle = null;
    up('initiate', root);
    expect([picture(root), reuse.offloadEntries, reuse.callEntries, sends.outstanding]).toEqual([before, 0, 0, 0]);
  });

  test('cancel: what a tree refers to stays offloaded; of a mixed tree only the new objects are forgotten', () => {
    const { reuse, down, up, cancel } = setup();
    const offloaded = newTree();
    down(offloaded);
    // What NDIS does when the driver below completes.
    for (const { offloadHandle } of blocksOf(offloaded)) given(offloadHandle).ndisState = OFFLOAD_HANDLE_STATE.offloaded;
    up('initiate', offloaded);
    const [, linked, connection] = blocksOf(offloaded);
    const reference = block(TcpOffloadState, given(connection).offloadHandle);
    const entry = reference.offloadHandle?.miniportOffloadContext;
    down(reference);
    cancel(reference);
    expect([reference.offloadHandle === connection?.offloadHandle, reference.offloadHandle?.miniportOffloadContext === entry, reuse.offloadEntries, reuse.callEntries]).toEqual([true, true, 4, 0]);
    const linker = block(Ip4OffloadState, given(linked).offloadHandle);
    linker.dependentBlockList = block(TcpOffloadState, newHandle());
    linker.nextBlock = block(Ip4OffloadState, null);
    const before = picture(linker);
    down(linker);
    expect(reuse.offloadEntries).toBe(5);
    cancel(linker);
    expect([picture(linker), reuse.offloadEntries, reuse.callEntries]).toEqual([before, 4, 0]);
  });

  test('cancel: a call entry is free for the next call, and observers see all of it go', () => {
    const { ndis, reuse, down, cancel } = setup({ callEntries: 1, offloadEntries: 4 });
    const out = new Set<object>();
    ndis.attachObserver({ allocated: (_kind, object) => out.add(object), freed: (_kind, object) => out.delete(object) });
    for (let times = 0; times < 3; times++) {
      const root = newTree();
      expect(down(root)).toBe(root);
      expect([out.size, down(newTree())]).toEqual([5, null]);
      cancel(root);
    }
    expect([out.size, reuse.callEntries, reuse.offloadEntries]).toEqual([0, 0, 0]);
  });

  test('any tree goes down and comes up as it was, several at a time, in any order', () => {
    const type = fc.constantFrom(NeighborOffloadState, Ip4OffloadState, TcpOffloadState);
    // Parents by index; each later block hangs under or beside an earlier one.
    const shape = fc.array(fc.record({ type, isPlaceholder: fc.boolean(), under: fc.boolean(), parent: fc.nat(100) }), { minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat(100)), (shapes, order) => {
        const { reuse, down, up } = setup();
        const roots = shapes.map((nodes) => {
          const blocks: OffloadBlockList[] = [];
          for (const node of nodes) {
            const made = block(node.type, node.isPlaceholder ? null : newHandle());
            made.imReserved0 = {};
            const parent = blocks[node.parent % Math.max(1, blocks.length)];
            if (parent !== undefined && node.under) {
              made.nextBlock = parent.dependentBlockList;
              parent.dependentBlockList = made;
            } else if (parent !== undefined) {
              made.nextBlock = parent.nextBlock;
              parent.nextBlock = made;
            }
            blocks.push(made);
          }
          return given(blocks[0]);
        });
        const before = roots.map(picture);
        for (const root of roots) down(root);
        expect(reuse.callEntries).toBe(roots.length);
        const waiting = roots.map((root, at) => ({ root, at }));
        while (waiting.length > 0) {
          const [{ root, at }] = waiting.splice(given(order.next().value) % waiting.length, 1) as [{ root: OffloadBlockList; at: number }];
          for (const each of blocksOf(root)) each.status = NDIS_STATUS_FAILURE;
          up('initiate', root);
          expect(picture(root)).toEqual(before[at]);
        }
        expect([reuse.callEntries, reuse.offloadEntries]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  test('observers are told of every entry that comes and goes', () => {
    const { ndis, down, up } = setup();
    const out = new Map<object, string>();
    ndis.attachObserver({
      allocated: (kind, object, owner) => out.set(object, `${kind} of ${owner}`),
      freed: (kind, object, owner) => {
        expect(out.get(object)).toBe(`${kind} of ${owner}`);
        out.delete(object);
      },
    });
    const root = newTree();
    down(root);
    expect([...out.values()].sort()).toEqual(['IM_CALL_ENTRY of im', ...Array.from({ length: 4 }, () => 'IM_OFFLOAD_ENTRY of im')]);
    for (const each of blocksOf(root)) each.status = NDIS_STATUS_FAILURE;
    up('initiate', root);
    expect(out.size).toBe(0);
  });
});

describe('CallEntryPool', () => {
  test('entries are used again, and a returned one remembers nothing', () => {
    const { ndis } = createEdge();
    const pool = new CallEntryPool<string>('im', 1);
    const entry = given(pool.allocate(ndis, 'edge'));
    expect([pool.allocate(ndis, 'edge'), pool.outstanding]).toEqual([null, 1]);
    const root = block(TcpOffloadState, newHandle());
    [root.imReserved0, root.imReserved1, root.sourceHandle] = ['of the driver above', 'likewise', above];
    entry.save(root);
    expect([root.imReserved0, root.imReserved1]).toEqual([entry, null]);
    root.sourceHandle = null;
    entry.restore(root);
    expect([root.imReserved0, root.imReserved1, root.sourceHandle]).toEqual(['of the driver above', 'likewise', above]);
    pool.release(ndis, entry);
    expect([Object.values(entry), pool.outstanding]).toEqual([[null, null, null, null], 0]);
    const again = given(pool.allocate(ndis, 'other edge'));
    expect([again === entry, again.upperEdge]).toEqual([true, 'other edge']);
  });
});
