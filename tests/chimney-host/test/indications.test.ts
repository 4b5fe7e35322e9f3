import type { ChimneyConnection, ConnectionEvent } from '@ndis-chimney/host';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  netBufferListDataLength,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createHostStack, text, type HostStack } from './host-stack.ts';

const eventsOf = (connection: ChimneyConnection): ConnectionEvent[] => {
  const events: ConnectionEvent[] = [];
  connection.events$.subscribe((event) => events.push(event));
  return events;
};

const texts = (connection: ChimneyConnection): string[] => {
  const received: string[] = [];
  connection.received$.subscribe((chunk) => received.push(text(chunk)));
  return received;
};

const returned = (stack: HostStack): unknown[] => stack.target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list);

describe.each([0, 1, 3])('indications through %i intermediate drivers', (intermediates) => {
  test('data nobody subscribes to stays with the target (CHIM-RXI-005)', async () => {
    const stack = createHostStack({ intermediates });
    await stack.connect();
    const { status, bytesConsumed } = stack.target.indicate(stack.handle, 'unread');
    expect([status, bytesConsumed]).toEqual([NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]);
    await stack.rest();
    expect(returned(stack)).toEqual([]);
    await stack.close();
  });

  test('data somebody subscribes to is copied, accepted, and given back after the indication has returned (CHIM-RET-002)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const received: Uint8Array[] = [];
    connection.received$.subscribe((chunk) => received.push(chunk));
    const { status, bytesConsumed, netBufferList } = stack.target.indicate(stack.handle, 'hello');
    expect([status, bytesConsumed]).toEqual([NDIS_STATUS_SUCCESS, 5]);
    expect(returned(stack)).toEqual([]);
    await stack.rest();
    expect(returned(stack)).toHaveLength(1);
    expect(returned(stack)[0]).toBe(netBufferList);
    // The buffer is the target's again; what was received is not.
    netBufferList.firstNetBuffer?.mdlChain?.buffer.fill(0);
    expect(received.map(text)).toEqual(['hello']);
    await stack.close();
  });

  test('subscribing asks for what was refused, with a receive of no bytes', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.indicate(stack.handle, 'again');
    const received = texts(connection);
    const [posted] = stack.target.receives;
    expect(posted === undefined ? -1 : netBufferListDataLength(posted)).toBe(0);
    stack.target.completeReceives();
    stack.target.indicate(stack.handle, 'again');
    expect(received).toEqual(['again']);
    await stack.close();
  });

  test('subscribing to a connection of which nothing was refused asks for nothing', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    texts(connection);
    expect(stack.target.receives).toEqual([]);
    await stack.close();
  });

  test('posting a receive asks for what was refused: subscribing later asks no more', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.indicate(stack.handle, 'again');
    const posted = connection.receive(new Uint8Array(8));
    texts(connection);
    expect(stack.target.receives).toHaveLength(1);
    stack.target.completeReceives();
    await posted;
    await stack.close();
  });

  test('unsubscribing leaves what comes next with the target', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    connection.received$.subscribe().unsubscribe();
    expect(stack.target.indicate(stack.handle, 'x').status).toBe(NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
    await stack.close();
  });

  test('the events of a connection reach its own subscribers, with what they say', async () => {
    const stack = createHostStack({ intermediates });
    const quiet = eventsOf(await stack.connect());
    const events = eventsOf(await stack.connect());
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 65_536);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HighDropRate);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
    expect(events).toEqual([
      { type: 'sendBacklogChange', bytes: 65_536 },
      { type: 'retrieve', reason: TCP_UPLOAD_REASON.HighDropRate, isMandatory: false, isObeyed: false },
      { type: 'disconnect' },
    ]);
    expect(quiet).toEqual([]);
    await stack.close();
  });

  test('the peer’s FIN ends what is received, and nothing else', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    let isComplete = false;
    connection.received$.subscribe({ complete: () => (isComplete = true) });
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
    await stack.rest();
    expect([isComplete, connection.offloadState]).toEqual([true, 'Offloaded']);
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(0);
    await stack.close();
  });

  const mandatory = (['ReceivedUrgentData', 'TimeoutExpiration', 'InvalidState', 'UploadRequested', 'HardwareFailure'] as const).map((name) => [name] as const);
  test.each(mandatory)('a retrieve for %s is followed, from a DPC (CHIM-EVT-008)', async (name) => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON[name]);
    // Not from inside the event.
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(0);
    stack.settle();
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(1);
    await stack.complete('terminate');
    expect(connection.offloadState).toBe('InHost');
    await stack.close();
  });

  test.each([['LowActivity'], ['HighDropRate'], ['SmallIO'], ['NoBufferPreposting'], ['HighFragmentation'], ['HighOutOfOrderPackets']] as const)('a retrieve for %s is left to the host’s user', async (name) => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON[name]);
    await stack.rest();
    expect([connection.offloadState, stack.target.calls.count('miniportTerminateOffload')]).toEqual(['Offloaded', 0]);
    await stack.close();
  });

  test('an abort takes the connection back, and a second one changes nothing', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const events = eventsOf(connection);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
    stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
    await stack.rest();
    expect(events.map(({ type }) => type)).toEqual(['abort', 'abort']);
    expect(stack.target.calls.count('miniportTerminateOffload')).toBe(1);
    await stack.complete('terminate');
    expect(connection.offloadState).toBe('InHost');
    await stack.close();
  });

  test('an event of a type nobody knows is no event', async () => {
    const stack = createHostStack({ intermediates });
    const events = eventsOf(await stack.connect());
    stack.target.event(stack.handle, 99);
    expect(events).toEqual([]);
    await stack.close();
  });
});

test('packets on the ordinary path go back at once: there is no stack above the host that would take them', async () => {
  const stack = createHostStack({ intermediates: 1 });
  const list = stack.target.indicateOrdinary(0, 'packet', 'packet');
  await stack.rest();
  expect(stack.target.calls.of('miniportReturnNetBufferLists').map(([, back]) => back as NetBufferList)).toHaveLength(1);
  expect(stack.target.calls.of('miniportReturnNetBufferLists')[0]?.[1]).toBe(list);
  await stack.close();
});

test('an event that comes while the first subscriber gets the earlier ones is not lost', async () => {
  const stack = createHostStack();
  const connection = await stack.connect();
  stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 5);
  stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 6);
  const events: ConnectionEvent[] = [];
  connection.events$.subscribe((event) => {
    events.push(event);
    if (events.length === 1) stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
  });
  stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 7);
  expect(events).toEqual([{ type: 'sendBacklogChange', bytes: 5 }, { type: 'sendBacklogChange', bytes: 6 }, { type: 'disconnect' }, { type: 'sendBacklogChange', bytes: 7 }]);
  await stack.close();
});
