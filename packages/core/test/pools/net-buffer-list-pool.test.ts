import { Mdl, NetBuffer, NetBufferList, type NetBufferListPool } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createTestNdis } from '../drivers.ts';

const bytes = new Mdl(new Uint8Array(100));

function allocate(pool: NetBufferListPool): NetBufferList {
  const nbl = pool.allocateNetBufferAndNetBufferList(bytes, 10, 20);
  if (nbl === null) throw new Error('the pool is at its limit');
  return nbl;
}

function firstOf(nbl: NetBufferList): NetBuffer {
  if (nbl.firstNetBuffer === null) throw new Error('the NBL has no NET_BUFFER');
  return nbl.firstNetBuffer;
}

/** Values of every member that users see, the pool's own marks left out. */
function membersOf(nbl: NetBufferList): Record<string, unknown> {
  const { firstNetBuffer, ...members } = Object.fromEntries(Object.entries(nbl)) as Record<string, unknown>;
  const first = Object.fromEntries(Object.entries(firstNetBuffer as object));
  return { ...members, ...Object.fromEntries(Object.entries(first).map(([key, value]) => [`nb.${key}`, value])) };
}

describe('NET_BUFFER_LIST pool', () => {
  test('an NBL comes with one NET_BUFFER on the bytes it was asked for', () => {
    const pool = createTestNdis().ndis.allocateNetBufferListPool('owner', { protocolId: 6 });
    const nbl = allocate(pool);
    expect(pool.protocolId).toBe(6);
    expect(nbl.ndisPoolHandle).toBe(pool);
    expect(nbl.firstNetBuffer).toMatchObject({ mdlChain: bytes, currentMdl: bytes, dataOffset: 10, currentMdlOffset: 10, dataLength: 20, next: null });
  });

  test('what is freed is used again, and is as new whatever was done to it', () => {
    const pool = createTestNdis().ndis.allocateNetBufferListPool('owner');
    const nbl = allocate(pool);
    const asNew = membersOf(nbl);
    for (const key of ['parentNetBufferList', 'ndisReserved0', 'protocolReserved0', 'protocolReserved3', 'miniportReserved1', 'scratch'] as const) nbl[key] = nbl;
    nbl.status = 5;
    nbl.flags = 6;
    nbl.nblFlags = 7;
    nbl.childRefCount = 8;
    nbl.tcpOffloadBytesTransferred = 9;
    nbl.tcpReceiveNoPush = true;
    nbl.tcpReceiveBytesTransferred = 10;
    nbl.setInfo(3, 'something');
    const nb = firstOf(nbl);
    nb.checksumBias = 1;
    nb.protocolReserved5 = nbl;
    nb.miniportReserved0 = nbl;
    nb.scatterGatherList = nbl;
    pool.freeNetBufferList(nbl);
    const again = allocate(pool);
    expect(again).toBe(nbl);
    expect({ ...membersOf(again), otherInfo: null }).toEqual(asNew);
    expect(again.getInfo(3)).toBe(0);
  });

  test('it counts what is out', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const nbls = [allocate(pool), allocate(pool), allocate(pool)];
    const nb = pool.allocateNetBuffer(bytes, 0, 1);
    expect([pool.outstanding, pool.outstandingNetBuffers]).toEqual([3, 1]);
    expect(ndis.outstanding).toEqual({ netBufferLists: 3, netBuffers: 1, contexts: 0, operations: 0 });
    for (const nbl of nbls) pool.freeNetBufferList(nbl);
    pool.freeNetBuffer(nb);
    expect(ndis.outstanding).toEqual({ netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 });
  });

  test('at its limit it answers null, and has one again when one was freed', () => {
    const pool = createTestNdis().ndis.allocateNetBufferListPool('owner', { limit: 2 });
    const first = allocate(pool);
    allocate(pool);
    expect(pool.allocateNetBufferAndNetBufferList(null, 0, 0)).toBeNull();
    expect(pool.outstanding).toBe(2);
    pool.freeNetBufferList(first);
    expect(allocate(pool)).toBe(first);
  });

  const misuse: [what: string, free: (pool: NetBufferListPool, other: NetBufferListPool) => void][] = [
    [
      'twice',
      (pool) => {
        const nbl = allocate(pool);
        pool.freeNetBufferList(nbl);
        pool.freeNetBufferList(nbl);
      },
    ],
    [
      'into another pool',
      (pool, other) => {
        pool.freeNetBufferList(allocate(other));
      },
    ],
    [
      'that was never in a pool',
      (pool) => {
        pool.freeNetBufferList(new NetBufferList(new NetBuffer()));
      },
    ],
    [
      'that still has a second NET_BUFFER',
      (pool) => {
        const nbl = allocate(pool);
        firstOf(nbl).next = pool.allocateNetBuffer(bytes, 0, 1);
        pool.freeNetBufferList(nbl);
      },
    ],
    [
      'that lost its NET_BUFFER',
      (pool) => {
        const nbl = allocate(pool);
        nbl.firstNetBuffer = null;
        pool.freeNetBufferList(nbl);
      },
    ],
  ];

  test.each(misuse)('CHIM-NBL-010: freeing an NBL %s is refused, and the pool goes on', (_what, free) => {
    const { ndis, violations } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const other = ndis.allocateNetBufferListPool('other');
    expect(() => {
      free(pool, other);
    }).toThrow(/^CHIM-NBL-010: owner: NdisFreeNetBufferList/);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ rule: 'CHIM-NBL-010', actor: 'owner', page: 'nf-nblapi-ndisfreenetbufferlist.md' });
    // It gives nothing out twice.
    expect(allocate(pool)).not.toBe(allocate(pool));
  });

  test('CHIM-NBL-010: an NBL with a context on it, or one that is still out, is not freed', () => {
    const { ndis, rules } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const contexts = ndis.allocateNetBufferListContextPool({ name: 'owner' });
    const nbl = allocate(pool);
    contexts.allocateNetBufferListContext(nbl);
    expect(() => {
      pool.freeNetBufferList(nbl);
    }).toThrow(/still carries a context/);
    contexts.freeNetBufferListContext(nbl);
    nbl.sourceHandle = {} as never;
    expect(() => {
      pool.freeNetBufferList(nbl);
    }).toThrow(/is still out/);
    nbl.sourceHandle = null;
    pool.freeNetBufferList(nbl);
    expect(rules()).toEqual(['CHIM-NBL-010', 'CHIM-NBL-010']);
    expect(pool.outstanding).toBe(0);
  });

  test('CHIM-NBL-010: a NET_BUFFER is freed once, into its pool, and never the one an NBL came with', () => {
    const { ndis, rules } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const foreign = ndis.allocateNetBufferListPool('other').allocateNetBuffer(bytes, 0, 1);
    const freed = pool.allocateNetBuffer(bytes, 0, 1);
    pool.freeNetBuffer(freed);
    for (const bad of [freed, foreign, firstOf(allocate(pool))]) {
      expect(() => {
        pool.freeNetBuffer(bad);
      }).toThrow(/^CHIM-NBL-010: owner: NdisFreeNetBuffer:/);
    }
    expect(rules()).toEqual(['CHIM-NBL-010', 'CHIM-NBL-010', 'CHIM-NBL-010']);
    expect(pool.allocateNetBuffer(bytes, 3, 4)).toBe(freed);
    expect(freed).toMatchObject({ dataOffset: 3, dataLength: 4, next: null });
  });

  test('CHIM-LIF-007: a pool with something out is not freed; a freed one gives nothing out', () => {
    const { ndis, rules } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const nbl = allocate(pool);
    expect(() => {
      pool.freeNetBufferListPool();
    }).toThrow(/1 NET_BUFFER_LISTs and 0 NET_BUFFERs/);
    pool.freeNetBufferList(nbl);
    pool.freeNetBufferListPool();
    expect(() => allocate(pool)).toThrow(/the pool is freed/);
    expect(() => pool.allocateNetBuffer(bytes, 0, 1)).toThrow(/the pool is freed/);
    expect(rules()).toEqual(['CHIM-LIF-007', 'CHIM-NBL-010', 'CHIM-NBL-010']);
    expect(ndis.outstanding.netBufferLists).toBe(0);
  });

  test('observers are told of every NBL and NET_BUFFER that comes and goes', () => {
    const { ndis } = createTestNdis();
    const pool = ndis.allocateNetBufferListPool('owner');
    const log: unknown[] = [];
    ndis.attachObserver({
      allocated: (kind, object, owner) => log.push(['allocated', kind, object, owner]),
      freed: (kind, object, owner) => log.push(['freed', kind, object, owner]),
    });
    const nbl = allocate(pool);
    const nb = pool.allocateNetBuffer(bytes, 0, 1);
    pool.freeNetBuffer(nb);
    pool.freeNetBufferList(nbl);
    expect(log).toEqual([
      ['allocated', 'NET_BUFFER_LIST', nbl, 'owner'],
      ['allocated', 'NET_BUFFER', nb, 'owner'],
      ['freed', 'NET_BUFFER', nb, 'owner'],
      ['freed', 'NET_BUFFER_LIST', nbl, 'owner'],
    ]);
  });
});
