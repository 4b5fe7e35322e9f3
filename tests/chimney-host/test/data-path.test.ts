import type { ChimneyConnection } from '@ndis-chimney/host';
import { textsOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  netBufferListDataLength,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bytes, createHostStack, from, text } from './host-stack.ts';

/** A TCP segment from port 80 to 49152, header and payload. */
const segment = (payload: string, headerBytes = 20, ports: readonly [number, number] = [80, 49_152]): Uint8Array => {
  const data = bytes(payload);
  const whole = new Uint8Array(headerBytes + data.length);
  new DataView(whole.buffer).setUint16(0, ports[0]);
  new DataView(whole.buffer).setUint16(2, ports[1]);
  whole[12] = (headerBytes / 4) << 4;
  whole.set(data, headerBytes);
  return whole;
};

describe.each([0, 1, 3])('over %i intermediate drivers', (intermediates) => {
  test('a limit accepts so many bytes and leaves the rest with the target (CHIM-RXI-005, GV-RXI-4)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const received: string[] = [];
    connection.received$.subscribe((chunk) => received.push(text(chunk)));
    connection.limitReceived(8);
    expect(stack.target.indicate(stack.handle, 'hello')).toMatchObject({ status: NDIS_STATUS_SUCCESS, bytesConsumed: 5 });
    expect(stack.target.indicate(stack.handle, 'world')).toMatchObject({ status: NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, bytesConsumed: 3 });
    expect(stack.target.indicate(stack.handle, 'more')).toMatchObject({ status: NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, bytesConsumed: 0 });
    expect([received, connection.receiveLimit]).toEqual([['hello', 'wor'], 0]);
    await stack.rest();
    // Only what was accepted in full is the host's to return (CHIM-RET-002).
    expect(stack.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(1);
    // More room: the refused bytes are asked for with a receive of none.
    connection.limitReceived(100);
    expect(stack.target.receives.map(netBufferListDataLength)).toEqual([0]);
    stack.target.completeReceives();
    stack.target.indicate(stack.handle, 'ld');
    expect(received).toEqual(['hello', 'wor', 'ld']);
    await stack.close();
  });

  test('a limit that is raised while nothing was refused asks for nothing', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    connection.received$.subscribe();
    connection.limitReceived(10);
    connection.limitReceived(Infinity);
    expect(stack.target.receives).toEqual([]);
    await stack.close();
  });

  test('indications of one DPC are returned in one list, oldest first (CHIM-RET-003)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    connection.received$.subscribe();
    const lists = ['one', 'two', 'three'].map((content) => stack.target.indicate(stack.handle, content).netBufferList);
    await stack.rest();
    const returned = stack.target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list as NetBufferList);
    expect([returned.length, returned[0] === lists[0]]).toEqual([1, true]);
    expect(textsOf(returned[0] ?? null)).toEqual(['one', 'two', 'three']);
    await stack.close();
  });

  test('a segment is forwarded as it is: header, options, payload, one per NBL (CHIM-FWD-002)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const segments = [segment('payload'), segment('with options', 32)];
    const forwarded = segments.map((one) => connection.forward(one));
    expect(stack.target.forwards.map((nbl) => nbl.firstNetBuffer?.mdlChain?.buffer === segments[stack.target.forwards.indexOf(nbl)])).toEqual([true, true]);
    stack.target.completeForwards();
    expect((await Promise.all(forwarded)).map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    await stack.close();
  });

  test('segments wait while the connection is being offloaded, and go down in order when it is (CHIM-FWD-003)', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(from(49_152));
    await stack.rest();
    const forwarded = ['first', 'second'].flatMap((payload) => stack.host.connections.map((connection) => connection.forward(segment(payload))));
    expect(stack.target.forwards).toEqual([]);
    stack.accept();
    await offloading;
    expect(stack.target.forwards.map((nbl) => textsOf(nbl)[0]?.slice(20))).toEqual(['first', 'second']);
    stack.target.completeForwards();
    await Promise.all(forwarded);
    await stack.close();
  });

  test('once a connection is being taken back its segments are the host’s to process (CHIM-FWD-003)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const terminated = connection.terminate();
    expect(await connection.forward(segment('late'))).toEqual({ status: NDIS_STATUS_UPLOAD_IN_PROGRESS, bytesTransferred: 0 });
    await stack.complete('terminate');
    await terminated;
    expect((await connection.forward(segment('later'))).status).toBe(NDIS_STATUS_INVALID_STATE);
    expect(stack.target.calls.count('miniportTcpOffloadForward')).toBe(0);
    await stack.close();
  });

  test('the send backlog follows the target, and the bytes in flight the peer', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    expect([connection.sendBacklogBytes, connection.bytesInFlight]).toEqual([null, 0]);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 65_536);
    const sends = connection.sendList([[bytes('four')], [bytes('five5')]]);
    expect([connection.sendBacklogBytes, connection.bytesInFlight]).toEqual([65_536, 9]);
    stack.target.completeSends(1);
    expect(connection.bytesInFlight).toBe(5);
    stack.target.completeSends();
    await Promise.all(sends);
    expect(connection.bytesInFlight).toBe(0);
    await stack.close();
  });

  test('the first subscriber hears of events that came before it', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
    const [first, second]: [string[], string[]] = [[], []];
    connection.events$.subscribe(({ type }) => first.push(type));
    connection.events$.subscribe(({ type }) => second.push(type));
    expect([first, second]).toEqual([['disconnect'], []]);
    await stack.close();
  });

  test('an optional request is obeyed when the policy says so, a mandatory one whatever it says (CHIM-EVT-008)', async () => {
    const asked: number[] = [];
    const stack = createHostStack({
      intermediates,
      host: {
        uploadPolicy: ({ reason }) => {
          asked.push(reason);
          return reason === TCP_UPLOAD_REASON.LowActivity;
        },
      },
    });
    const connection = await stack.connect();
    const reasons = TCP_UPLOAD_REASON;
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reasons.SmallIO);
    await stack.rest();
    expect(connection.offloadState).toBe('Offloaded');
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reasons.LowActivity);
    await stack.rest();
    expect(connection.offloadState).toBe('Uploading');
    await stack.complete('terminate');
    // Nobody is asked about a mandatory one.
    await stack.connect();
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reasons.HardwareFailure);
    await stack.rest();
    await stack.complete('terminate');
    expect([asked, stack.host.connections]).toEqual([[reasons.SmallIO, reasons.LowActivity], []]);
    await stack.close();
  });
});

describe('what a target’s callback asks for during a call', () => {
  test('a send comes after the send (CHIM-SND-005), a receive after the receive (CHIM-RCV-002)', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    let depth = 0;
    let deepest = 0;
    const requests: Promise<unknown>[] = [];
    connection.events$.subscribe(() => requests.push(connection.send(bytes('answer')), connection.receive(new Uint8Array(4))));
    for (const entry of ['miniportTcpOffloadSend', 'miniportTcpOffloadReceive']) {
      stack.target.calls.on(entry, () => {
        depth++;
        deepest = Math.max(deepest, depth);
        if (stack.target.calls.count(entry) === 1) stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 1);
        depth--;
        return NDIS_STATUS_PENDING;
      });
    }
    requests.push(connection.send(bytes('first')));
    // Each call makes the callback ask for a send and a receive; none of it goes down before the call has returned.
    expect(stack.target.sends.map((nbl) => textsOf(nbl)[0])).toEqual(['first', 'answer', 'answer']);
    expect(stack.target.calls.entries.filter((entry) => entry === 'miniportTcpOffloadSend')).toHaveLength(3);
    expect(deepest).toBe(1);
    stack.target.calls.off('miniportTcpOffloadSend');
    stack.target.calls.off('miniportTcpOffloadReceive');
    stack.target.completeSends();
    stack.target.completeReceives();
    await Promise.all(requests);
    await stack.close();
  });

  test('a disconnect comes after what was sent before it, and what a later call asks for after both', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const requests: Promise<unknown>[] = [];
    connection.events$.subscribe(() => requests.push(connection.send(bytes('last')), connection.disconnect({ data: bytes('bye') })));
    stack.target.calls.clear();
    // The second send, which waited, is answered with a receive.
    connection.received$.subscribe(() => requests.push(connection.receive(new Uint8Array(1))));
    stack.target.calls.on('miniportTcpOffloadSend', (_context: unknown, _connection: unknown, list: NetBufferList) => {
      if (textsOf(list)[0] === 'last') stack.target.indicate(stack.handle, 'x');
      else stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 1);
      return NDIS_STATUS_PENDING;
    });
    requests.push(connection.send(bytes('first')));
    expect(stack.target.calls.entries).toEqual(['miniportTcpOffloadSend', 'miniportTcpOffloadSend', 'miniportTcpOffloadDisconnect', 'miniportTcpOffloadReceive']);
    stack.target.completeReceives();
    stack.target.completeSends();
    stack.target.completeDisconnect();
    await Promise.all(requests);
    await stack.close();
  });

  test('a terminate comes when the call has returned (CHIM-TRM-001)', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    connection.events$.subscribe(() => void connection.terminate());
    const order: string[] = [];
    stack.target.calls.on('miniportTcpOffloadReceive', () => {
      stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 1);
      order.push(`receive returns, ${stack.operations.length} operations`);
      return NDIS_STATUS_PENDING;
    });
    const received = connection.receive(new Uint8Array(4));
    order.push(stack.operations.join());
    expect(order).toEqual(['receive returns, 0 operations', 'terminate']);
    stack.target.completeReceives(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.complete('terminate');
    expect((await received).status).toBe(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.close();
  });
});

describe('misuse', () => {
  const cases: [string, (connection: ChimneyConnection) => Promise<unknown>, string][] = [
    ['no bytes', (connection) => connection.forward('segment' as never), 'forward: the segment is not a Uint8Array'],
    ['less than a header', (connection) => connection.forward(new Uint8Array(19)), 'forward: the segment has 19 bytes, less than a TCP header'],
    ['a header longer than the segment', (connection) => connection.forward(segment('').fill(0xF0, 12, 13)), 'forward: the segment says that its header has 60 of its 20 bytes'],
    ['an IP header', (connection) => connection.forward(Uint8Array.of(0x45, 0, 0, 40, ...segment(''))), 'forward: the segment says that its header has 0 of its 24 bytes'],
    ['another connection’s', (connection) => connection.forward(segment('', 20, [49_152, 80])), 'forward: the segment goes from port 49152 to 80, and the connection’s peer sends from 80 to 49152'],
  ];
  test.each(cases)('%s is no segment to forward (CHIM-FWD-002)', async (_what, act, message) => {
    const stack = createHostStack();
    await expect(act(await stack.connect())).rejects.toThrow(`ChimneyConnection.${message.replace('’', "'")}`);
    expect(stack.target.forwards).toEqual([]);
    await stack.close();
  });

  test.each([-1, 1.5, NaN])('%f is no limit', async (limit) => {
    const stack = createHostStack();
    const connection = await stack.connect();
    expect(() => { connection.limitReceived(limit); }).toThrow(new TypeError(`ChimneyConnection.limitReceived: ${limit} is not a number of bytes`));
    await stack.close();
  });

  test('a connection that is still being offloaded takes no data (CHIM-ST-002)', async () => {
    const stack = createHostStack();
    const offloading = stack.host.offload(from(1));
    await stack.rest();
    const [connection] = stack.host.connections;
    expect(await Promise.all([connection?.send(bytes('x')), connection?.receive(new Uint8Array(1)), connection?.disconnect()])).toEqual(Array.from({ length: 3 }, () => ({ status: NDIS_STATUS_INVALID_STATE, bytesTransferred: 0 })));
    stack.accept();
    await offloading;
    await stack.close();
  });
});

describe('a connection that is offered with its FIN sent', () => {
  const { TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionClosing, TcpConnectionLastAck } = TCP_OFFLOAD_CONNECTION_STATE;
  test.each([TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionClosing, TcpConnectionLastAck])('sends nothing more, and no second FIN (CHIM-DSC-013, state %i)', async (tcpState) => {
    const stack = createHostStack();
    const connection = await stack.connect(from(1, { tcpState }));
    await expect(connection.send(bytes('late'))).rejects.toThrow(new TypeError('ChimneyConnection.send: the connection was disconnected'));
    await expect(connection.disconnect()).rejects.toThrow(new TypeError('ChimneyConnection.disconnect: the connection was disconnected before'));
    expect([stack.target.calls.count('miniportTcpOffloadSend'), stack.target.calls.count('miniportTcpOffloadDisconnect')]).toEqual([0, 0]);
    await stack.close();
  });

  test('may still be reset', async () => {
    const stack = createHostStack();
    const connection = await stack.connect(from(1, { tcpState: TcpConnectionFinWait2 }));
    stack.target.isAutomatic = true;
    const reset = connection.disconnect({ abortive: true });
    stack.target.runDpc();
    expect((await reset).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });
});
