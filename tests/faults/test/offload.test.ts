// Group B, what concerns offloads and uploads; C2 and G2, which are events without a cause.
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, blocksOf, newTree } from './ground.ts';

test('B1: an initiate fails with NDIS_STATUS_RESOURCES, and the driver never sees it', () => {
  const ground = new Ground([{ fault: 'B1', where: { hostPort: 5000 } }]);
  const { root, connection, blocks } = ground.tree(5000);
  ground.host.initiate(root);
  expect(connection.state).toBe('offloading');
  ground.settle();
  expect(connection.state).toBe('dead');
  expect(blocks.map(({ status }) => status)).toEqual([NDIS_STATUS_RESOURCES, NDIS_STATUS_RESOURCES, NDIS_STATUS_RESOURCES]);
  expect(ground.target.trees).toEqual([]);
  expect(ground.connect(5001).state).toBe('offloaded');
  expect(ground.faults.injections).toEqual({ B1: 1 });
});

describe('B2: a tree that is offloaded in part', () => {
  test.each([1, 2, 3])('of three connections number %i is left out', (nth) => {
    const ground = new Ground([{ fault: 'B2', nth, parameters: { status: 'NDIS_STATUS_OFFLOAD_TCP_ENTRIES' } }]);
    const { root, connections } = newTree(ground.host.binding, { connectionsPerPath: 3 });
    const shape = blocksOf(root);
    ground.host.initiate(root);
    expect(blocksOf(root)).toHaveLength(4);
    ground.target.completeTree('initiate');
    expect(blocksOf(root).map((block, at) => block === shape[at])).toEqual([true, true, true, true, true]);
    expect(shape.map(({ status }) => status)).toEqual([
      NDIS_STATUS_SUCCESS,
      NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
      ...[1, 2, 3].map((place) => (place === nth ? NDIS_STATUS_OFFLOAD_TCP_ENTRIES : NDIS_STATUS_SUCCESS)),
    ]);
    expect(connections.map(({ state }) => state)).toEqual([1, 2, 3].map((place) => (place === nth ? 'dead' : 'offloaded')));
    expect(ground.violations).toEqual([]);
  });

  test('the only connection: path and neighbor are offloaded for nothing', () => {
    const ground = new Ground([{ fault: 'B2' }]);
    const { root, connection, blocks } = ground.tree();
    ground.host.initiate(root);
    ground.target.completeTree('initiate');
    expect(connection.state).toBe('dead');
    expect(blocks.map(({ offloadHandle }) => offloadHandle?.state)).toEqual(['offloaded', 'offloaded', 'dead']);
  });
});

describe('B3: an upload storm', () => {
  test('by NDIS_STATUS_UPLOAD_ALL', () => {
    const ground = new Ground([{ fault: 'B3', nth: 1 }]);
    ground.host.send(ground.connect(), 'a');
    ground.settle();
    expect(ground.statuses).toEqual([NDIS_STATUS_UPLOAD_ALL]);
  });

  test('by an event for every connection, time after time', () => {
    const ground = new Ground([{ fault: 'B3', parameters: { mode: 'each', periodMs: 10 }, where: { operation: 'Timer' }, limit: 2 }]);
    const connections = [ground.connect(), ground.connect()];
    ground.advance(35);
    expect(ground.events).toEqual([...connections, ...connections].map((handle) => [handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested]));
    expect(ground.faults.log.events.map(({ atMs }) => atMs)).toEqual([10, 20]);
  });
});

test('B4: the upload of a busy connection is asked for, and only of that one', () => {
  const ground = new Ground([{ fault: 'B4', where: { hostPort: 5001 }, every: 2, parameters: { reason: 'SmallIO' } }]);
  const [idle, busy] = [ground.connect(5000), ground.connect(5001)];
  for (let count = 0; count < 4; count++) for (const handle of [idle, busy]) ground.host.send(handle, 'a');
  ground.settle();
  expect(ground.events).toEqual([busy, busy].map((handle) => [handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.SmallIO]));
});

describe('C2: a connection is reset under load', () => {
  test('TcpIndicateAbort comes once so much is outstanding', () => {
    const ground = new Ground([{ fault: 'C2', parameters: { minOutstanding: 3 } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a', 'b');
    ground.settle();
    expect(ground.events).toEqual([]);
    ground.host.send(connection, 'c');
    ground.settle();
    expect(ground.events).toEqual([[connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0]]);
  });

  test('not when it is gone before the DPC runs', () => {
    const ground = new Ground([{ fault: 'C2' }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a');
    ground.target.completeSends();
    ground.host.binding.terminateOffload(ground.block(connection));
    ground.target.completeTree('terminate');
    ground.settle();
    expect(ground.faults.injections).toEqual({ C2: 1 });
    expect(ground.events).toEqual([]);
    expect(ground.violations).toEqual([]);
  });
});

test('G2: a reset during an initiate: upload of everything, and then the initiate fails', () => {
  const ground = new Ground([{ fault: 'G2', nth: 1 }]);
  const { root, connection } = ground.tree();
  ground.host.initiate(root);
  ground.settle();
  expect(ground.statuses).toEqual([NDIS_STATUS_UPLOAD_ALL]);
  expect(connection.state).toBe('offloading');
  ground.advance(100);
  expect(root.status).toBe(NDIS_STATUS_FAILURE);
  expect(connection.state).toBe('dead');
  expect(ground.connect().state).toBe('offloaded');
});
