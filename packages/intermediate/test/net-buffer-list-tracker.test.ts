import { NetBufferListTracker } from '@ndis-chimney/intermediate';
import { NetBufferList } from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createEdge, given } from './edge.ts';

const listOf = (count: number): NetBufferList[] => {
  const nbls = Array.from({ length: count }, () => new NetBufferList());
  nbls.forEach((nbl, at) => {
    nbl.next = nbls[at + 1] ?? null;
  });
  return nbls;
};

const membersOf = (list: NetBufferList | null): NetBufferList[] => {
  const members: NetBufferList[] = [];
  for (let nbl = list; nbl !== null; nbl = nbl.next) members.push(nbl);
  return members;
};

describe('NetBufferListTracker', () => {
  test('it remembers where each NBL came from, and puts the source back', () => {
    const { ndis, binding } = createEdge();
    const tracker = new NetBufferListTracker<string>(ndis, { name: 'im' });
    const nbls = listOf(3);
    for (const nbl of nbls) nbl.sourceHandle = binding;
    expect(tracker.push(given(nbls[0]), 'edge')).toBe(true);
    expect(nbls.map((nbl) => tracker.upperEdgeOf(nbl))).toEqual(['edge', 'edge', 'edge']);
    expect(tracker.outstanding).toBe(3);
    for (const nbl of nbls) nbl.sourceHandle = null;
    tracker.pop(given(nbls[0]));
    expect(nbls.map(({ sourceHandle, context }) => [sourceHandle, context])).toEqual(nbls.map(() => [binding, null]));
    expect([tracker.outstanding, tracker.upperEdgeOf(given(nbls[0]))]).toEqual([0, null]);
  });

  test('without memory for the whole list it tracks none of it', () => {
    const { ndis } = createEdge();
    const tracker = new NetBufferListTracker<string>(ndis, { name: 'im' }, { limit: 2 });
    const nbls = listOf(3);
    expect(tracker.push(given(nbls[0]), 'edge')).toBe(false);
    expect([tracker.outstanding, nbls.every(({ context }) => context === null)]).toEqual([0, true]);
  });

  test('a mixed completion list is split by upper interface: order kept, the very same NBLs, contexts popped', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 20 }), (edges) => {
        const { ndis } = createEdge();
        const tracker = new NetBufferListTracker<string>(ndis, { name: 'im' });
        const nbls = edges.map((edge) => {
          const nbl = new NetBufferList();
          tracker.push(nbl, edge);
          return nbl;
        });
        nbls.forEach((nbl, at) => {
          nbl.next = nbls[at + 1] ?? null;
        });
        const delivered: [string, NetBufferList[]][] = [];
        tracker.popByUpperEdge(given(nbls[0]), (edge, run) => {
          // All contexts are off before the first delivery.
          expect(tracker.outstanding).toBe(0);
          delivered.push([edge, membersOf(run)]);
        });
        expect(delivered.map(([edge]) => edge)).toEqual([...new Set(edges)]);
        for (const [edge, run] of delivered) {
          const expected = nbls.filter((_nbl, at) => edges[at] === edge);
          expect(run.length === expected.length && run.every((nbl, at) => nbl === expected[at])).toBe(true);
        }
      }),
    );
  });
});
