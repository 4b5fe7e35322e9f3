// Group C: the data path.
import {
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  netBufferListBytes,
  type BytesConsumed,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, present, textOf } from './ground.ts';

/** Lets the host take so many bytes of what is indicated. @returns what it was offered. */
function hostTakes(ground: Ground, count: number): Uint8Array[] {
  const offered: Uint8Array[] = [];
  ground.host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: OffloadHandle, nbl: NetBufferList, _status: number, bytesConsumed: BytesConsumed) => {
    const bytes = netBufferListBytes(nbl);
    offered.push(bytes);
    bytesConsumed.value = Math.min(count, bytes.length);
    if (bytesConsumed.value === bytes.length) return NDIS_STATUS_SUCCESS;
    return bytesConsumed.value === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
  });
  return offered;
}

describe('C1: a half-dead connection', () => {
  test('nothing comes of sends, receives and events; others are alive', () => {
    const ground = new Ground([{ fault: 'C1', where: { hostPort: 5000 } }]);
    const [dead, alive] = [ground.connect(5000), ground.connect(5001)];
    hostTakes(ground, 100);
    for (const connection of [dead, alive]) ground.host.send(connection, String(connection === dead));
    ground.target.completeSends();
    expect(ground.completed).toEqual(['false']);
    expect(ground.target.indicate(dead, 'lost').status).toBe(NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
    expect(ground.target.indicate(alive, 'found').status).toBe(NDIS_STATUS_SUCCESS);
    ground.target.event(dead, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
    expect(ground.events).toEqual([]);
    ground.advance(3_600_000);
    expect(dead.state).toBe('offloaded');
    expect(ground.faults.injections).toEqual({ C1: 1 });
  });

  test('taking it back helps', () => {
    const ground = new Ground([{ fault: 'C1', nth: 1 }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a');
    ground.target.completeSends();
    expect(ground.completed).toEqual([]);
    ground.terminate(connection);
    expect(ground.completed).toEqual(['a']);
    expect(connection.state).toBe('dead');
    expect(ground.violations).toEqual([]);
  });
});

test('C3: packets of the ordinary path are lost, and the driver has them back', () => {
  const ground = new Ground([{ fault: 'C3', every: 2 }]);
  const packets = ['1', '2', '3', '4'].map((content) => ground.target.indicateOrdinary(0, content));
  ground.settle();
  expect(ground.host.calls.of('protocolReceiveNetBufferLists').map(([, list]) => textOf(list as NetBufferList))).toEqual(['1', '3']);
  expect(ground.target.calls.of('miniportReturnNetBufferLists').map(([, list]) => list)).toEqual([packets[1], packets[3]]);
});

test('C5: what the host returns does not get back into the target\'s pool', () => {
  const ground = new Ground([{ fault: 'C5' }]);
  hostTakes(ground, 100);
  const { netBufferList } = ground.target.indicate(ground.connect(), 'abc');
  ground.host.binding.offloadTcpReceiveReturn(netBufferList);
  ground.advance(1000);
  expect(ground.host.binding.indicatedNetBufferLists).toBe(0);
  expect(ground.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(0);
  ground.faults.heal();
  ground.settle();
  expect(ground.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(1);
});

/** How many bits differ. */
function distance(one: Uint8Array, other: Uint8Array): number {
  let bits = 0;
  one.forEach((byte, at) => {
    for (let difference = byte ^ (other[at] ?? 0); difference !== 0; difference >>>= 1) bits += difference & 1;
  });
  return bits;
}

describe('C6: one bit of the payload', () => {
  const truth = new TextEncoder().encode('what the peer has sent');

  test('of an indication is wrong; the memory it lies in is not', () => {
    const ground = new Ground([{ fault: 'C6' }]);
    const offered = hostTakes(ground, 100);
    const { netBufferList } = ground.target.indicate(ground.connect(), 'what the peer has sent');
    expect(distance(present(offered[0]), truth)).toBe(1);
    ground.host.binding.offloadTcpReceiveReturn(netBufferList);
    expect(netBufferListBytes(netBufferList)).toEqual(truth);
  });

  test('of an indication that is refused is right again when it is offered again', () => {
    const ground = new Ground([{ fault: 'C6', nth: 1 }]);
    const offered = hostTakes(ground, 0);
    const connection = ground.connect();
    const { netBufferList } = ground.target.indicate(connection, 'what the peer has sent');
    ground.target.indicateNbl(connection, netBufferList);
    expect(offered.map((bytes) => distance(bytes, truth))).toEqual([1, 0]);
  });

  test('of what was placed in a receive request', () => {
    const ground = new Ground([{ fault: 'C6' }]);
    const nbl = ground.host.receive(ground.connect(), 32);
    const netBuffer = present(nbl.firstNetBuffer);
    present(netBuffer.mdlChain).buffer.set(truth);
    netBuffer.advanceDataStart(truth.length);
    ground.target.receives.length = 0;
    nbl.tcpOffloadBytesTransferred = truth.length;
    ground.target.handlers.tcpOffloadReceiveComplete(nbl);
    const memory = present(netBuffer.mdlChain).buffer;
    expect(distance(memory.subarray(0, truth.length), truth)).toBe(1);
    expect([...memory.subarray(truth.length)].every((byte) => byte === 0)).toBe(true);
  });
});

test.each([
  [0, 'all of it'],
  [2, 'the rest'],
])('C10: the host takes %i bytes, %s is forgotten', (count) => {
  const ground = new Ground([{ fault: 'C10' }]);
  hostTakes(ground, count);
  const answer = ground.target.indicate(ground.connect(), 'abcdef');
  expect(answer).toMatchObject({ status: NDIS_STATUS_SUCCESS, bytesConsumed: 6 });
  ground.settle();
  expect(ground.target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list)).toEqual([answer.netBufferList]);
  expect(ground.host.binding.indicatedNetBufferLists).toBe(0);
});

test('C11: packets are lent, and the driver has them back as if they had been returned', () => {
  const ground = new Ground([{ fault: 'C11' }]);
  const list = ground.target.indicateOrdinary(0, 'a packet');
  expect(ground.host.calls.of('protocolReceiveNetBufferLists').map((args) => args[4])).toEqual([NDIS_RECEIVE_FLAGS_RESOURCES]);
  expect(ground.host.binding.indicatedNetBufferLists).toBe(0);
  ground.settle();
  expect(ground.target.calls.of('miniportReturnNetBufferLists').map(([, nbl]) => nbl)).toEqual([list]);
  expect(ground.violations).toEqual([]);
});
