import { DDI_CROSSING, Mdl, NDIS_STATUS_SUCCESS, type DdiCrossing, type NdisObserver, type NetBufferList } from '@ndis-chimney/types';
import type { Ndis, ObserverRank } from '@ndis-chimney/core';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, start, type TestHost, type TestTarget } from './drivers.ts';

interface Bound {
  readonly ndis: Ndis;
  readonly target: TestTarget;
  readonly host: TestHost;
  readonly nbl: NetBufferList;
}

function bound(): Bound {
  const { ndis } = createTestNdis();
  const target = createTarget();
  start(ndis, target);
  const host = createHost(ndis);
  bind(ndis, host);
  const nbl = ndis.allocateNetBufferListPool('host').allocateNetBufferAndNetBufferList(new Mdl(new Uint8Array(1)), 0, 1);
  if (nbl === null) throw new Error('no NBL');
  return { ndis, target, host, nbl };
}

/** One ordinary send and its completion. */
function roundTrip({ host, target, nbl }: Bound): void {
  host.binding.sendNetBufferLists(nbl, 0, 3);
  target.miniport.sendNetBufferListsComplete(nbl, 4);
}

describe('observers', () => {
  test('enter and leave come in pairs around the driver’s handler, with edge, subject and count', () => {
    const stack = bound();
    const log: unknown[] = [];
    const note = (phase: string) => (crossing: DdiCrossing, edge: object, subject: object, third: number) => {
      log.push([phase, crossing, edge, subject, third, stack.target.entries().at(-1), stack.host.entries().at(-1)]);
    };
    stack.ndis.attachObserver({ enter: note('enter'), leave: note('leave') });
    roundTrip(stack);
    const { binding } = stack.host;
    const down = DDI_CROSSING.sendNetBufferLists;
    const up = DDI_CROSSING.sendNetBufferListsComplete;
    expect(log).toEqual([
      ['enter', down, binding, stack.nbl, 1, 'miniportRestart', 'protocolNetPnPEvent'],
      ['leave', down, binding, stack.nbl, NDIS_STATUS_SUCCESS, 'miniportSendNetBufferLists', 'protocolNetPnPEvent'],
      ['enter', up, binding, stack.nbl, 1, 'miniportSendNetBufferLists', 'protocolNetPnPEvent'],
      ['leave', up, binding, stack.nbl, NDIS_STATUS_SUCCESS, 'miniportSendNetBufferLists', 'protocolSendNetBufferListsComplete'],
    ]);
  });

  test('a verifier sees things first, then traces, then streams; those of one rank in the order they came', () => {
    const stack = bound();
    const order: string[] = [];
    const attach = (name: string, rank?: ObserverRank): void => {
      const observer: NdisObserver = { enter: () => order.push(name) };
      if (rank === undefined) stack.ndis.attachObserver(observer);
      else stack.ndis.attachObserver(observer, rank);
    };
    attach('stream 1', 'stream');
    attach('trace 1');
    attach('verifier 1', 'verifier');
    attach('trace 2', 'trace');
    attach('stream 2', 'stream');
    attach('verifier 2', 'verifier');
    stack.host.binding.sendNetBufferLists(stack.nbl, 0, 0);
    expect(order).toEqual(['verifier 1', 'verifier 2', 'trace 1', 'trace 2', 'stream 1', 'stream 2']);
  });

  test('bindings that open later are observed too; a detached observer sees nothing more', () => {
    const stack = bound();
    const edges: string[] = [];
    const detach = stack.ndis.attachObserver({ enter: (_crossing, edge) => edges.push((edge.protocolBindingContext as TestHost).name) });
    const second = createHost(stack.ndis, 'second');
    bind(stack.ndis, second);
    const other = { ...stack, host: second };
    roundTrip(stack);
    roundTrip(other);
    expect(edges).toEqual(['host', 'host', 'second', 'second']);
    expect(stack.ndis.observer).not.toBeNull();
    detach();
    expect(stack.ndis.observer).toBeNull();
    roundTrip(stack);
    roundTrip(other);
    expect(edges).toHaveLength(4);
  });

  test('detaching one leaves the others', () => {
    const stack = bound();
    let seen = 0;
    const detach = stack.ndis.attachObserver({ enter: () => undefined });
    stack.ndis.attachObserver({ enter: () => seen++ });
    detach();
    detach();
    roundTrip(stack);
    expect(seen).toBe(2);
  });

  test('one that is attached twice sees everything twice, and detaching takes away one attachment, once', () => {
    const stack = bound();
    let seen = 0;
    const observer: NdisObserver = { enter: () => seen++ };
    const detach = stack.ndis.attachObserver(observer);
    const detachAgain = stack.ndis.attachObserver(observer, 'stream');
    roundTrip(stack);
    expect(seen).toBe(4);
    detach();
    detach();
    roundTrip(stack);
    expect([seen, stack.ndis.observer === null]).toEqual([6, false]);
    detachAgain();
    roundTrip(stack);
    expect([seen, stack.ndis.observer]).toEqual([6, null]);
  });

  test('the ordinary receive path is announced per adapter, also when nobody receives', () => {
    const { ndis, target, nbl } = bound();
    const seen: unknown[] = [];
    ndis.attachObserver({ nonOffload: (...what) => seen.push(what) });
    const alone = createTarget('alone');
    start(ndis, alone, 'nic 2');
    alone.miniport.indicateReceiveNetBufferLists(nbl, 0, 1, 0);
    expect(alone.entries().at(-1)).toBe('miniportReturnNetBufferLists');
    target.miniport.indicateReceiveNetBufferLists(nbl, 0, 1, 0);
    expect(seen).toEqual([
      [alone.miniport, nbl, 1],
      [target.miniport, nbl, 1],
    ]);
  });
});
