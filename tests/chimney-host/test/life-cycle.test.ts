import { describeConnection } from '@ndis-chimney/host';
import { blocksOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NdisTcpConnectionOffload,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ENDS, bytes, createHostStack } from './host-stack.ts';

describe.each([0, 1, 3])('the host over %i intermediate drivers', (intermediates) => {
  test('offers nothing between OFFLOAD_PAUSE and OFFLOAD_RESUME, and keeps what it has', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    await stack.rest();
    expect(await stack.host.offload(describeConnection(ENDS))).toEqual({ status: NDIS_STATUS_PAUSED, connection: null });
    expect(connection.offloadState).toBe('Offloaded');
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, stack.target.capabilities);
    await stack.rest();
    await stack.connect();
    await stack.close();
  });

  test('learns from OFFLOAD_RESUME what the adapter can do now (CHIM-CAP-004)', async () => {
    const stack = createHostStack({ intermediates });
    const name = stack.host.adapterNames[0] ?? '';
    const capabilities = new NdisTcpConnectionOffload();
    capabilities.tcpConnectionOffloadCapacity = 7;
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
    await stack.rest();
    expect(stack.host.capabilitiesOf(name)).toMatchObject({ tcpConnectionOffloadCapacity: 7 });
    await stack.close();
  });

  test('takes everything back after UPLOAD_ALL, from a DPC', async () => {
    const stack = createHostStack({ intermediates });
    const connections = [await stack.connect(), await stack.connect()];
    stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
    await stack.rest();
    // Both depend on the same path: with it and its neighbor they make one tree.
    expect(stack.target.trees.map(({ operation, tree }) => [operation, blocksOf(tree).length])).toEqual([['terminate', 4]]);
    await stack.complete('terminate');
    expect(connections.map(({ offloadState }) => offloadState)).toEqual(['InHost', 'InHost']);
    expect((await stack.host.offload(describeConnection(ENDS))).status).toBe(NDIS_STATUS_PAUSED);
    await stack.close();
  });

  test('holds a pause until everything is its own again, and offers again after the restart', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    let isPaused = false;
    stack.ndis.pauseAdapter(stack.target.miniport, () => {
      isPaused = true;
    });
    await stack.rest();
    expect([isPaused, connection.offloadState]).toEqual([false, 'Uploading']);
    await stack.complete('terminate');
    expect([isPaused, connection.offloadState]).toEqual([true, 'InHost']);
    expect((await stack.host.offload(describeConnection(ENDS))).status).toBe(NDIS_STATUS_PAUSED);
    stack.ndis.restartAdapter(stack.target.miniport);
    await stack.rest();
    await stack.connect();
    await stack.close();
  });

  test('gives everything back when it is unbound, requests and all', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const sent = connection.send(bytes('unacknowledged'));
    let isUnbound = false;
    stack.ndis.unbindAdapter(stack.binding, () => {
      isUnbound = true;
    });
    await stack.rest();
    expect(isUnbound).toBe(false);
    stack.target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.complete('terminate');
    expect([isUnbound, (await sent).status, stack.host.adapterNames]).toEqual([true, NDIS_STATUS_UPLOAD_IN_PROGRESS, []]);
    await stack.close();
  });

  test('an offload that is on its way when the host is unbound ends, and its connection goes back', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(describeConnection(ENDS));
    let isUnbound = false;
    stack.ndis.unbindAdapter(stack.binding, () => {
      isUnbound = true;
    });
    await stack.rest();
    stack.accept();
    await stack.rest();
    await stack.complete('terminate');
    const { status, connection } = await offloading;
    expect([status, connection?.offloadState, isUnbound]).toEqual([NDIS_STATUS_SUCCESS, 'InHost', true]);
    await stack.close();
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('whatever the order of DPCs, all connections end and nothing is left (seed %i)', async (seed) => {
  const stack = createHostStack({ intermediates: 2, seed, target: { isAutomatic: true } });
  const connections = [];
  for (let count = 0; count < 4; count++) {
    const { connection } = await stack.runtime.drive(stack.host.offload(describeConnection(ENDS)));
    if (connection !== null) connections.push(connection);
  }
  const sent = connections.flatMap((connection) => connection.sendList(Array.from({ length: 5 }, () => [bytes('message')])));
  stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
  await stack.runtime.drive(Promise.all(connections.map((connection) => connection.terminate())));
  expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(sent.map(() => NDIS_STATUS_SUCCESS));
  expect(stack.violations).toEqual([]);
  await stack.close();
});
