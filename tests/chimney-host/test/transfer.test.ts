import type { ChimneyConnection, TransferResult } from '@ndis-chimney/host';
import { bytesOf, membersOf, textsOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bytes, createHostStack, text, type HostStack } from './host-stack.ts';

const given = (stack: HostStack, entry: string): NetBufferList[] => stack.target.calls.of(entry).flatMap(([, , list]) => membersOf(list as NetBufferList));

/** The buffers an NBL describes: the objects themselves. */
const buffersOf = (nbl: NetBufferList | undefined): Uint8Array[] => {
  const buffers: Uint8Array[] = [];
  for (let mdl = nbl?.firstNetBuffer?.mdlChain ?? null; mdl !== null; mdl = mdl.next) buffers.push(mdl.buffer);
  return buffers;
};

describe.each([0, 1, 3])('through %i intermediate drivers', (intermediates) => {
  test('the target sees the caller’s own bytes: nothing is copied on the way down', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [first, second] = [bytes('first '), bytes('second')];
    const sent = connection.send([first, second]);
    const [nbl] = given(stack, 'miniportTcpOffloadSend');
    expect(buffersOf(nbl)[0]).toBe(first);
    expect(buffersOf(nbl)[1]).toBe(second);
    stack.target.completeSends();
    expect(await sent).toEqual({ status: NDIS_STATUS_SUCCESS, bytesTransferred: 12 });
    await stack.close();
  });

  test('a view into a larger buffer sends its own bytes only', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const sent = connection.send(bytes('__middle__').subarray(2, 8));
    expect(textsOf(stack.target.sends[0] ?? null)).toEqual(['middle']);
    stack.target.completeSends();
    expect(await sent).toEqual({ status: NDIS_STATUS_SUCCESS, bytesTransferred: 6 });
    await stack.close();
  });

  test('several messages go down as one list with one call, each with a promise of its own', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const sent = connection.sendList([[bytes('one')], [bytes('two'), bytes('three')], [bytes('four')]]);
    expect(stack.target.calls.of('miniportTcpOffloadSend').map(([, , list]) => textsOf(list as NetBufferList))).toEqual([['one', 'twothree', 'four']]);
    const order: number[] = [];
    sent.forEach((promise, at) => void promise.then(() => order.push(at)));
    stack.target.completeSends(1);
    await stack.rest();
    expect(order).toEqual([0]);
    stack.target.completeSends();
    expect((await Promise.all(sent)).map(({ bytesTransferred }) => bytesTransferred)).toEqual([3, 8, 4]);
    await stack.close();
  });

  test('a receive fills the caller’s own buffer and resolves with how much of it', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const buffer = new Uint8Array(16);
    const received = connection.receive(buffer, { noPush: true });
    const [nbl] = given(stack, 'miniportTcpOffloadReceive');
    expect(nbl?.tcpReceiveNoPush).toBe(true);
    expect(buffersOf(nbl)[0]).toBe(buffer);
    bytesOf('hello').forEach((byte, at) => (buffer[at] = byte));
    const { receives, handlers } = stack.target;
    const [taken] = receives.splice(0);
    if (taken !== undefined) {
      taken.status = NDIS_STATUS_SUCCESS;
      taken.tcpOffloadBytesTransferred = 5;
      handlers.tcpOffloadReceiveComplete(taken);
    }
    const { bytesTransferred } = await received;
    expect(text(buffer.subarray(0, bytesTransferred))).toBe('hello');
    await stack.close();
  });

  test('a graceful disconnect carries the last data and ends the sending half only', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const disconnected = connection.disconnect({ data: bytes('bye') });
    const [[, , nbl, flags] = []] = stack.target.calls.of('miniportTcpOffloadDisconnect');
    expect([textsOf(nbl as NetBufferList), flags]).toEqual([['bye'], TCP_DISCONNECT_GRACEFUL_CLOSE]);
    stack.target.completeDisconnect();
    expect(await disconnected).toEqual({ status: NDIS_STATUS_SUCCESS, bytesTransferred: 3 });
    expect(connection.offloadState).toBe('Offloaded');
    await expect(connection.send(bytes('more'))).rejects.toThrow('the connection was disconnected');
    const received = connection.receive(new Uint8Array(4));
    stack.target.completeReceives();
    expect((await received).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });

  test('an abortive disconnect asks for a reset, also after a graceful one', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const graceful = connection.disconnect();
    const abortive = connection.disconnect({ abortive: true });
    expect(stack.target.calls.of('miniportTcpOffloadDisconnect').map(([, , , flags]) => flags)).toEqual([TCP_DISCONNECT_GRACEFUL_CLOSE, TCP_DISCONNECT_ABORTIVE_CLOSE]);
    stack.target.completeDisconnect(NDIS_STATUS_REQUEST_ABORTED);
    stack.target.completeDisconnect();
    expect([(await graceful).status, (await abortive).status]).toEqual([NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS]);
    await stack.close();
  });

  test('NBLs and MDLs are used again: a million bytes in small sends allocate a handful', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const seen = new Set<NetBufferList>();
    for (let round = 0; round < 1000; round++) {
      const sent = connection.send(new Uint8Array(1000));
      const [nbl] = stack.target.completeSends();
      if (nbl !== undefined) seen.add(nbl);
      expect((await sent).bytesTransferred).toBe(1000);
    }
    expect(seen.size).toBeLessThan(5);
    await stack.close();
  });
});

describe('misuse of a connection', () => {
  const cases: [what: string, act: (connection: ChimneyConnection) => Promise<TransferResult>, message: string][] = [
    ['a string for bytes', (connection) => connection.send('text' as never), 'send: data is not a Uint8Array'],
    ['words for bytes', (connection) => connection.send(new Uint16Array(2) as never), 'send: data is not a Uint8Array'],
    ['nothing for bytes', (connection) => connection.send(undefined as never), 'send: data is not a Uint8Array'],
    ['a hole between buffers', (connection) => connection.send([bytes('a'), null as never]), 'send: data is not a Uint8Array'],
    ['a DataView for a buffer', (connection) => connection.receive(new DataView(new ArrayBuffer(4)) as never), 'receive: the buffer is not a Uint8Array'],
    ['a string for last data', (connection) => connection.disconnect({ data: 'bye' as never }), 'disconnect: data is not a Uint8Array'],
    ['data with a reset', (connection) => connection.disconnect({ data: bytes('x'), abortive: true }), 'disconnect: an abortive one carries no data'],
  ];
  test.each(cases)('%s is refused, and nothing reaches the target', async (_what, act, message) => {
    const stack = createHostStack();
    const connection = await stack.connect();
    stack.target.calls.clear();
    await expect(act(connection)).rejects.toThrow(new TypeError(`ChimneyConnection.${message}`));
    expect(stack.target.calls.entries).toEqual([]);
    await stack.close();
  });

  test('a second graceful disconnect is refused (CHIM-DSC-013)', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const disconnected = connection.disconnect();
    await expect(connection.disconnect()).rejects.toThrow('the connection was disconnected before');
    stack.target.completeDisconnect();
    await disconnected;
    await stack.close();
  });

  test('bytes of another realm are bytes', async () => {
    const { runInNewContext } = await import('node:vm');
    const stack = createHostStack();
    const connection = await stack.connect();
    const sent = connection.send(runInNewContext('Uint8Array.of(104, 105)') as Uint8Array);
    expect(textsOf(stack.target.sends[0] ?? null)).toEqual(['hi']);
    stack.target.completeSends();
    await sent;
    await stack.close();
  });

  test('no message is no call', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    expect(connection.sendList([])).toEqual([]);
    expect(stack.target.calls.count('miniportTcpOffloadSend')).toBe(0);
    await stack.close();
  });
});

test('what is asked of a connection that is the host’s again ends with NDIS_STATUS_INVALID_STATE, and nothing is taken', async () => {
  const stack = createHostStack();
  const connection = await stack.connect();
  const terminated = connection.terminate();
  stack.target.completeTree('terminate');
  await terminated;
  const nothing = { status: NDIS_STATUS_INVALID_STATE, bytesTransferred: 0 };
  expect(await connection.send(bytes('late'))).toEqual(nothing);
  expect(await connection.receive(new Uint8Array(1))).toEqual(nothing);
  expect(await connection.disconnect()).toEqual(nothing);
  await stack.close();
});
