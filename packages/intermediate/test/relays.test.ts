import { OffloadEntry, OidRelay, WaitingOperations, relayStatus, relayedNeighborQuery, type WaitingOperation } from '@ndis-chimney/intermediate';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_PENDING,
  NdisOidRequest,
  NdisStatusIndication,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createEdge, given } from './edge.ts';

describe('OidRelay', () => {
  const request = (): NdisOidRequest =>
    Object.assign(new NdisOidRequest(), { requestType: NDIS_REQUEST_TYPE.NdisRequestSetInformation, oid: 0x77, portNumber: 3, timeout: 4, requestId: 'id', informationBuffer: { a: 1 }, informationBufferLength: 8 });

  test('a request of its own goes down, like the one from above; what comes back at once is in the latter', () => {
    const edge = createEdge();
    const relay = new OidRelay<string>();
    const upper = request();
    edge.oidAnswer = (lower) => {
      expect(lower).not.toBe(upper);
      expect(lower).toMatchObject({ requestType: upper.requestType, oid: 0x77, portNumber: 3, timeout: 4, requestId: 'id', informationBuffer: upper.informationBuffer, informationBufferLength: 8 });
      Object.assign(lower, { informationBuffer: 'answer', bytesWritten: 1, bytesRead: 2, bytesNeeded: 3 });
      return NDIS_STATUS_NOT_SUPPORTED;
    };
    expect(relay.down(edge.binding, 'edge', upper)).toBe(NDIS_STATUS_NOT_SUPPORTED);
    expect(upper).toMatchObject({ informationBuffer: 'answer', bytesWritten: 1, bytesRead: 2, bytesNeeded: 3, ndisReserved: null });
    expect(() => relay.up(given(edge.requests[0]))).toThrow(TypeError);
  });

  test('what comes back later names the request from above and where it came from, once', () => {
    const edge = createEdge();
    const relay = new OidRelay<string>();
    const uppers = [request(), request()];
    expect(uppers.map((upper, at) => relay.down(edge.binding, `edge ${at}`, upper))).toEqual([NDIS_STATUS_PENDING, NDIS_STATUS_PENDING]);
    const [first, second] = edge.requests as [NdisOidRequest, NdisOidRequest];
    second.bytesRead = 9;
    expect(relay.up(second)).toEqual({ upperEdge: 'edge 1', upperRequest: uppers[1] });
    expect([uppers[0]?.bytesRead, uppers[1]?.bytesRead]).toEqual([0, 9]);
    expect(relay.up(first).upperRequest).toBe(uppers[0]);
    expect(() => relay.up(first)).toThrow(/not sent down by this driver/);
  });

  test('a request that is refused below is thrown to the caller, and not waited for', () => {
    const { ndis, binding } = createEdge();
    const relay = new OidRelay<string>();
    const refused: object[] = [];
    const error = new Error('refused');
    ndis.attachObserver({
      enter(_crossing, _edge, lower) {
        refused.push(lower);
        throw error;
      },
    });
    const upper = request();
    expect(() => relay.down(binding, 'edge', upper)).toThrow(error);
    expect(upper).toMatchObject({ informationBuffer: { a: 1 }, bytesRead: 0, ndisReserved: null });
    expect(() => relay.up(given(refused[0]) as NdisOidRequest)).toThrow(/not sent down by this driver/);
  });
});

describe('WaitingOperations', () => {
  test('what finds memory goes at once; what does not waits, and keeps what comes later behind it', () => {
    const { ndis, runtime } = createEdge();
    const waiting = new WaitingOperations(ndis.dpcQueue);
    let memory = 1;
    const went: string[] = [];
    const relay = (name: string): WaitingOperation => ({
      relay() {
        if (memory === 0) return false;
        memory--;
        went.push(name);
        return true;
      },
      fail() {
        went.push(`${name} failed`);
      },
    });
    for (const name of ['a', 'b', 'c', 'd']) waiting.attempt(relay(name));
    expect([went, waiting.count]).toEqual([['a'], 3]);
    memory = 1;
    waiting.attempt(relay('e'));
    expect(went).toEqual(['a']);
    waiting.retry();
    expect(went).toEqual(['a']);
    runtime.settle();
    expect([went, waiting.count]).toEqual([['a', 'b'], 3]);
    memory = 5;
    waiting.retry();
    runtime.settle();
    expect([went, waiting.count]).toEqual([['a', 'b', 'c', 'd', 'e'], 0]);
  });

  test('what is refused at once is not kept; what is refused after it waited is failed, and those behind it go', () => {
    const { ndis, runtime, violations } = createEdge();
    const waiting = new WaitingOperations(ndis.dpcQueue);
    const went: string[] = [];
    let hasMemory = true;
    const relay = (name: string, isRefused = false): WaitingOperation => ({
      relay() {
        if (!hasMemory) return false;
        if (isRefused) throw new Error(`${name} refused`);
        went.push(name);
        return true;
      },
      fail() {
        went.push(`${name} failed`);
      },
    });
    expect(() => {
      waiting.attempt(relay('a', true));
    }).toThrow('a refused');
    expect([went, waiting.count]).toEqual([[], 0]);
    hasMemory = false;
    for (const [name, isRefused] of [['b', false], ['c', true], ['d', false]] as const) waiting.attempt(relay(name, isRefused));
    hasMemory = true;
    waiting.retry();
    runtime.settle();
    expect([went, waiting.count]).toEqual([['b', 'c failed', 'd'], 0]);
    expect(violations.map(({ message }) => message)).toEqual([expect.stringContaining('c refused')]);
  });
});

describe('indications', () => {
  test('a status goes on as one of the virtual miniport, all else as it is', () => {
    const { miniport, ndis } = createEdge();
    const from: NdisStatusIndication = Object.assign(new NdisStatusIndication(), { sourceHandle: 'below', portNumber: 2, statusCode: NDIS_STATUS_OFFLOAD_PAUSE, flags: 3, destinationHandle: 'to', requestId: 'id', statusBuffer: {}, statusBufferSize: 4 });
    const seen: NdisStatusIndication[] = [];
    ndis.attachObserver({ enter: (_crossing, _edge, subject) => seen.push(subject as NdisStatusIndication) });
    relayStatus(miniport, from);
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toBe(from);
    from.sourceHandle = miniport;
    expect(seen[0]).toEqual(from);
  });

  test('a neighbor query names the upper handle during the relay, and the own one afterwards, also when it throws', () => {
    const { binding } = createEdge();
    const upperHandle = new OffloadHandle(binding, 'upper');
    const entry = new OffloadEntry(binding, upperHandle, 'edge');
    const block = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, entry.handle);
    const seen: unknown[] = [];
    relayedNeighborQuery<string>(block, (up, edge) => seen.push(up.ndisOffloadHandle, edge));
    expect(seen[0] === upperHandle && seen[1] === 'edge').toBe(true);
    expect(block.offloadHandle).toBe(entry.handle);
    expect(() => {
      relayedNeighborQuery<string>(block, () => {
        throw new Error('boom');
      });
    }).toThrow('boom');
    expect(block.offloadHandle).toBe(entry.handle);
  });

  test('a query that names nothing goes nowhere', () => {
    let relayed = 0;
    relayedNeighborQuery(createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState), () => {
      relayed++;
    });
    expect(relayed).toBe(0);
  });
});
