import type { UploadResult } from '@ndis-chimney/host';
import { blocksOf, link } from '@ndis-chimney/kit';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_EVENT_TYPE, type MiniportOffloadBlockList, type TcpOffloadStateDelegated } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bytes, createHostStack, text, type HostStack } from './host-stack.ts';

/** The state the target must fill in. */
const delegatedOf = (root: MiniportOffloadBlockList): TcpOffloadStateDelegated => blocksOf(root).at(-1)?.state?.delegated as TcpOffloadStateDelegated;

const tcpOf = (root: MiniportOffloadBlockList): MiniportOffloadBlockList => blocksOf(root).at(-1) ?? root;

const pendingTree = (stack: HostStack): MiniportOffloadBlockList => {
  const pending = stack.target.trees.find(({ operation }) => operation === 'terminate');
  if (pending === undefined) throw new Error('nothing is being terminated');
  return pending.tree;
};

describe.each([0, 1, 3])('a terminate through %i intermediate drivers', (intermediates) => {
  test('gives the connection back with the state the target left it in', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const terminated = connection.terminate();
    expect(connection.offloadState).toBe('Uploading');
    const delegated = delegatedOf(pendingTree(stack));
    delegated.sndUna = delegated.sndNxt = delegated.sndMax = 998;
    delegated.rcvNxt = 41;
    stack.target.completeTree('terminate');
    const { status, state, reason } = await terminated;
    expect([status, state.delegated.sndUna, state.delegated.rcvNxt, state.bufferedData.length, connection.offloadState]).toEqual([NDIS_STATUS_SUCCESS, 998, 41, 0, 'InHost']);
    expect([state.tcp.delegated, reason]).toEqual([state.delegated, 'requested']);
    await stack.close();
  });

  test('called again gives the same promise and asks the target once', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const first = connection.terminate();
    expect(connection.terminate()).toBe(first);
    stack.target.completeTree('terminate');
    await first;
    expect(connection.terminate()).toBe(first);
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(1);
    await stack.close();
  });

  test('brings back undelivered data as a copy, and returns the target its buffers', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const terminated = connection.terminate();
    const chain = stack.target.list('buffered ', 'data');
    delegatedOf(pendingTree(stack)).bufferedData = chain;
    stack.target.completeTree('terminate');
    await stack.rest();
    expect(text((await terminated).state.bufferedData)).toBe('buffered data');
    expect(stack.target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list === chain)).toEqual([true]);
    await stack.close();
  });

  test('ends requests on their way with NDIS_STATUS_UPLOAD_IN_PROGRESS', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const requests = [connection.send(bytes('sent')), connection.receive(new Uint8Array(8)), connection.disconnect()];
    const terminated = connection.terminate();
    const { target } = stack;
    target.completeReceives(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    target.completeDisconnect(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    target.completeTree('terminate');
    await terminated;
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_IN_PROGRESS]);
    await stack.close();
  });

  test('takes sends that come back inside the tree, and says how much of each was acknowledged (CHIM-TRM-020)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const requests = connection.sendList([[bytes('half done')], [bytes('not begun')]]);
    const terminated = connection.terminate();
    const nbls = stack.target.sends.splice(0);
    const [first] = nbls;
    // Five of nine bytes were acknowledged: the rest comes back.
    if (first?.firstNetBuffer != null) {
      first.firstNetBuffer.dataOffset += 5;
      first.firstNetBuffer.dataLength -= 5;
    }
    tcpOf(pendingTree(stack)).netBufferListChain = link(nbls);
    stack.target.completeTree('terminate');
    await terminated;
    expect(await Promise.all(requests)).toEqual([
      { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 5 },
      { status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 0 },
    ]);
    await stack.close();
  });

  test('after which requests are missing reports the target and hangs nobody (CHIM-TRM-007)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const sent = connection.send(bytes('lost'));
    const terminated = connection.terminate();
    stack.target.sends.splice(0);
    stack.target.completeTree('terminate');
    expect((await terminated).status).toBe(NDIS_STATUS_SUCCESS);
    expect(await sent).toEqual({ status: NDIS_STATUS_FAILURE, bytesTransferred: 0 });
    expect(stack.takeViolations()).toEqual(['CHIM-TRM-007']);
    // Nobody owns it any more; only the count of the pool still knows.
    expect(stack.ndis.outstanding.netBufferLists).toBe(1);
    // And the binding, which cannot be closed in order: it is ended all the same.
    let isUnbound = false;
    stack.ndis.unbindAdapter(stack.binding, () => {
      isUnbound = true;
    });
    for (let turn = 0; turn < 10; turn++) {
      stack.settle();
      await Promise.resolve();
    }
    expect(isUnbound).toBe(true);
    expect(stack.takeViolations()).toEqual(['CHIM-LIF-006']);
  });

  test('that the target lost is done again when it says that it has the connection again', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    let isOver = false;
    const terminated = connection.terminate().finally(() => {
      isOver = true;
    });
    await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
    expect([isOver, connection.offloadState]).toEqual([false, 'Lost']);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
    await stack.rest();
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(2);
    await stack.complete('terminate');
    expect((await terminated).status).toBe(NDIS_STATUS_FAILURE);
    expect(connection.offloadState).toBe('InHost');
    await stack.close();
  });

  test('completes what the connection emits', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const ended: string[] = [];
    connection.received$.subscribe({ complete: () => ended.push('received$') });
    connection.events$.subscribe({ complete: () => ended.push('events$') });
    const terminated = connection.terminate();
    stack.target.completeTree('terminate');
    await terminated;
    expect(ended).toEqual(['received$', 'events$']);
    await stack.close();
  });
});

test('who asks for what came back from inside the last change of state gets what everybody gets', async () => {
  const stack = createHostStack();
  const connection = await stack.connect();
  const uploads: UploadResult[] = [];
  stack.host.uploads$.subscribe((result) => uploads.push(result));
  const asked: Promise<UploadResult>[] = [];
  connection.stateChanges$.subscribe(({ to }) => { if (to === 'InHost') asked.push(connection.uploaded); });
  const sent = connection.send(bytes('not acknowledged'));
  stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
  await stack.rest();
  stack.target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
  await stack.complete('terminate');
  await sent;
  expect(uploads.map(({ state }) => state.sendData.map(text))).toEqual([['not acknowledged']]);
  expect((await Promise.all(asked))[0]).toBe(uploads[0]);
  await stack.close();
});
