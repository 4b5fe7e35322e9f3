import { NetBufferList, type NetBufferListContextPool } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createTestNdis } from '../drivers.ts';

const listOf = (count: number): NetBufferList[] => {
  const nbls = Array.from({ length: count }, () => new NetBufferList());
  nbls.forEach((nbl, at) => {
    nbl.next = nbls[at + 1] ?? null;
  });
  return nbls;
};
const headOf = (nbls: readonly NetBufferList[]): NetBufferList => {
  const [head] = nbls;
  if (head === undefined) throw new Error('the list is empty');
  return head;
};
const ownersOn = (nbl: NetBufferList): string[] => {
  const owners: string[] = [];
  for (let context = nbl.context; context !== null; context = context.next) owners.push(context.owner?.name ?? '');
  return owners;
};

describe('NET_BUFFER_LIST contexts', () => {
  test.each([[5], ['x'], [{}]])('a list that leads to %j gets none, and what was pushed is free again', (value) => {
    const { ndis } = createTestNdis();
    const contexts = ndis.allocateNetBufferListContextPool({ name: 'driver' });
    const [first, second] = [new NetBufferList(), new NetBufferList()];
    first.next = value as NetBufferList;
    expect(() => contexts.pushOnList(first, 'edge')).toThrow(/driver.*member 1 of netBufferList/);
    expect([first.context, contexts.outstanding]).toEqual([null, 0]);
    contexts.pushOnList(second, 'edge');
    expect([first.context, ownersOn(second)]).toEqual([null, ['driver']]);
  });

  test('they form a stack: the last pushed is on top, and comes off first', () => {
    const { ndis } = createTestNdis();
    const upper = ndis.allocateNetBufferListContextPool({ name: 'upper' });
    const lower = ndis.allocateNetBufferListContextPool({ name: 'lower' });
    const nbl = new NetBufferList();
    const first = upper.allocateNetBufferListContext(nbl);
    const second = lower.allocateNetBufferListContext(nbl);
    expect(ownersOn(nbl)).toEqual(['lower', 'upper']);
    expect(lower.topOf(nbl)).toBe(second);
    expect(upper.topOf(nbl)).toBeNull();
    lower.freeNetBufferListContext(nbl);
    expect(upper.topOf(nbl)).toBe(first);
    upper.freeNetBufferListContext(nbl);
    expect(nbl.context).toBeNull();
    expect(ndis.outstanding.contexts).toBe(0);
  });

  test('a context keeps what its owner puts in, and a new one holds nothing', () => {
    const { ndis } = createTestNdis();
    const pool: NetBufferListContextPool<{ note: string }> = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbl = new NetBufferList();
    const context = pool.allocateNetBufferListContext(nbl);
    if (context === null) throw new Error('no context');
    context.contextData = { note: 'mine' };
    context.upperEdge = 'edge';
    expect(pool.topOf(nbl)?.contextData?.note).toBe('mine');
    pool.freeNetBufferListContext(nbl);
    const again = pool.allocateNetBufferListContext(nbl);
    expect(again).toBe(context);
    expect(again).toMatchObject({ contextData: null, upperEdge: null, sourceHandle: null, next: null, owner: { name: 'owner' } });
  });

  test('a context that is used again, by whichever way it came back, holds nothing of its last life', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbl = new NetBufferList();
    const fill = (): void => {
      const context = pool.topOf(nbl);
      if (context === null) throw new Error('no context');
      expect(context.contextData).toBeNull();
      context.contextData = { old: true };
    };
    pool.allocateNetBufferListContext(nbl);
    fill();
    pool.freeNetBufferListContext(nbl);
    for (let times = 0; times < 2; times++) {
      pool.pushOnList(nbl, 'edge');
      fill();
      pool.popFromList(nbl);
    }
    pool.allocateNetBufferListContext(nbl);
    fill();
  });

  test.each([
    ['another driver’s', 'other'],
    ['none', null],
  ])('CHIM-NBL-009: freeing where the top context is %s is refused, and changes nothing', (_what, top) => {
    const { ndis, violations } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbl = new NetBufferList();
    if (top !== null) {
      pool.allocateNetBufferListContext(nbl);
      ndis.allocateNetBufferListContextPool({ name: top }).allocateNetBufferListContext(nbl);
    }
    const before = ownersOn(nbl);
    expect(() => {
      pool.freeNetBufferListContext(nbl);
    }).toThrow(/^CHIM-NBL-009: owner:/);
    expect(() => {
      pool.popFromList(nbl);
    }).toThrow(/^CHIM-NBL-009: owner:/);
    expect(ownersOn(nbl)).toEqual(before);
    expect(violations.map(({ objects }) => objects)).toEqual([[nbl], [nbl]]);
  });

  test('CHIM-NBL-009: a context is freed once', () => {
    const { ndis, rules } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbl = new NetBufferList();
    pool.allocateNetBufferListContext(nbl);
    pool.freeNetBufferListContext(nbl);
    expect(() => {
      pool.freeNetBufferListContext(nbl);
    }).toThrow(/freed before, or never allocated/);
    expect(rules()).toEqual(['CHIM-NBL-009']);
    expect(pool.outstanding).toBe(0);
  });

  test('at its limit it answers null', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' }, { limit: 1 });
    const [a, b] = listOf(2) as [NetBufferList, NetBufferList];
    expect(pool.allocateNetBufferListContext(a)).not.toBeNull();
    expect(pool.allocateNetBufferListContext(b)).toBeNull();
    expect([pool.outstanding, b.context]).toEqual([1, null]);
    pool.freeNetBufferListContext(a);
    expect(pool.allocateNetBufferListContext(b)).not.toBeNull();
  });

  test('pushOnList saves the source of every NBL, popFromList puts it back', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbls = listOf(5);
    const sources = nbls.map((nbl, at) => (nbl.sourceHandle = (at % 2 === 0 ? null : { at }) as never));
    expect(pool.pushOnList(headOf(nbls), 'edge')).toBe(true);
    expect(nbls.map((nbl) => [nbl.context?.sourceHandle, nbl.context?.upperEdge])).toEqual(sources.map((source) => [source, 'edge']));
    expect(pool.outstanding).toBe(5);
    for (const nbl of nbls) nbl.sourceHandle = null;
    pool.popFromList(headOf(nbls));
    expect(nbls.map(({ sourceHandle }) => sourceHandle)).toEqual(sources);
    expect(nbls.every(({ context }) => context === null)).toBe(true);
    expect(pool.outstanding).toBe(0);
  });

  test('pushOnList is all or nothing: at the limit no NBL of the list gets a context', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' }, { limit: 3 });
    const nbls = listOf(4);
    expect(pool.pushOnList(headOf(nbls), 'edge')).toBe(false);
    expect(nbls.every(({ context }) => context === null)).toBe(true);
    expect(pool.outstanding).toBe(0);
    expect(pool.pushOnList(headOf(listOf(3)), 'edge')).toBe(true);
  });

  test('popFromList is all or nothing: one NBL without the driver’s context stops it', () => {
    const { ndis, rules } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbls = listOf(3);
    pool.pushOnList(headOf(nbls), 'edge');
    pool.freeNetBufferListContext(headOf(nbls.slice(2)));
    expect(() => {
      pool.popFromList(headOf(nbls));
    }).toThrow(/CHIM-NBL-009/);
    expect(nbls.map(ownersOn)).toEqual([['owner'], ['owner'], []]);
    expect(rules()).toEqual(['CHIM-NBL-009']);
  });

  test('observers are told of every context that comes and goes', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const out = new Set<object>();
    ndis.attachObserver({
      allocated: (kind, object, owner) => {
        expect([kind, owner, out.has(object)]).toEqual(['NET_BUFFER_LIST_CONTEXT', 'owner', false]);
        out.add(object);
      },
      freed: (kind, object, owner) => {
        expect([kind, owner, out.delete(object)]).toEqual(['NET_BUFFER_LIST_CONTEXT', 'owner', true]);
      },
    });
    const nbls = listOf(3);
    pool.pushOnList(headOf(nbls), 'edge');
    pool.allocateNetBufferListContext(headOf(nbls));
    expect(out.size).toBe(4);
    pool.freeNetBufferListContext(headOf(nbls));
    pool.popFromList(headOf(nbls));
    expect(out.size).toBe(0);
  });
});
