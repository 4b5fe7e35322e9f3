import { Mdl, NDIS_STATUS_SUCCESS, NetBuffer } from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createTarget, createTestNdis, start } from './drivers.ts';

/** A NET_BUFFER on all the bytes of MDLs of these sizes. */
function netBufferOn(sizes: readonly number[]): { netBuffer: NetBuffer; mdls: Mdl[]; total: number } {
  const mdls = sizes.map((size) => new Mdl(new Uint8Array(size)));
  mdls.forEach((mdl, at) => {
    mdl.next = mdls[at + 1] ?? null;
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return { netBuffer: new NetBuffer(mdls[0] ?? null, 0, total), mdls, total };
}

describe('data start', () => {
  test('advancing and retreating tell observers how far it moved', () => {
    const { ndis } = createTestNdis();
    const moves: [NetBuffer, number][] = [];
    ndis.attachObserver({ dataStart: (...move) => moves.push(move) });
    const { netBuffer } = netBufferOn([4, 4]);
    ndis.advanceNetBufferDataStart(netBuffer, 3, false);
    expect(ndis.retreatNetBufferDataStart(netBuffer, 2, 0)).toBe(NDIS_STATUS_SUCCESS);
    expect(moves).toEqual([
      [netBuffer, 3],
      [netBuffer, -2],
    ]);
    expect([netBuffer.dataOffset, netBuffer.dataLength]).toEqual([1, 7]);
  });

  test('a move that is refused tells nobody', () => {
    const { ndis } = createTestNdis();
    const moves: unknown[] = [];
    ndis.attachObserver({ dataStart: (...move) => moves.push(move) });
    const { netBuffer } = netBufferOn([4]);
    expect(() => {
      ndis.advanceNetBufferDataStart(netBuffer, 5, false);
    }).toThrow(TypeError);
    expect(() => ndis.retreatNetBufferDataStart(netBuffer, -1, 0)).toThrow(TypeError);
    expect(moves).toEqual([]);
  });

  test('with freeMdl the MDLs that were consumed whole leave the chain, the window stays', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), fc.nat(30), (sizes, step) => {
        const { ndis } = createTestNdis();
        const { netBuffer, mdls, total } = netBufferOn(sizes);
        const byteCount = Math.min(step, total);
        ndis.advanceNetBufferDataStart(netBuffer, byteCount, true);
        expect(netBuffer.mdlChain).toBe(netBuffer.currentMdl);
        expect(netBuffer.dataOffset).toBe(netBuffer.currentMdlOffset);
        expect(netBuffer.dataLength).toBe(total - byteCount);
        // The first byte of the window is the one that was at `byteCount` before.
        const before = mdls.slice(0, mdls.findIndex((mdl) => mdl === netBuffer.currentMdl)).reduce((sum, mdl) => sum + mdl.byteCount, 0);
        expect(before + netBuffer.currentMdlOffset).toBe(byteCount);
      }),
    );
  });
});

describe('scatter-gather list', () => {
  test('it lists the runs of the window, in order and without empty ones', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), fc.nat(30), fc.nat(30), (sizes, from, length) => {
        const { ndis } = createTestNdis();
        const target = createTarget();
        start(ndis, target);
        const { netBuffer, mdls, total } = netBufferOn(sizes);
        // Every byte says which it is.
        let value = 0;
        for (const { buffer } of mdls) for (let i = 0; i < buffer.length; i++) buffer[i] = value++;
        const offset = Math.min(from, total);
        netBuffer.describe(mdls[0] ?? null, offset, Math.min(length, total - offset));
        const list = target.miniport.allocateNetBufferSGList(netBuffer);
        if (list === null) throw new Error('no list');
        const bytes = list.elements.flatMap(({ buffer, byteOffset, length: count }) => [...buffer.subarray(byteOffset, byteOffset + count)]);
        expect(bytes).toEqual(Array.from({ length: netBuffer.dataLength }, (_, at) => offset + at));
        for (const { length: count } of list.elements) expect(count).toBeGreaterThan(0);
        target.miniport.freeNetBufferSGList(list, netBuffer);
        expect(netBuffer.scatterGatherList).toBeNull();
      }),
    );
  });

  test('CHIM-NBL-010: it is freed once, with its NET_BUFFER', () => {
    const { ndis, rules } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    const { netBuffer } = netBufferOn([4]);
    const list = target.miniport.allocateNetBufferSGList(netBuffer);
    if (list === null) throw new Error('no list');
    expect(() => {
      target.miniport.freeNetBufferSGList(list, new NetBuffer());
    }).toThrow(/^CHIM-NBL-010: target:/);
    target.miniport.freeNetBufferSGList(list, netBuffer);
    expect(() => {
      target.miniport.freeNetBufferSGList(list, netBuffer);
    }).toThrow(/freed before/);
    expect(rules()).toEqual(['CHIM-NBL-010', 'CHIM-NBL-010']);
  });
});
