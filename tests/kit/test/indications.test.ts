import { createProbeStack, membersOf, present, ProbeHost, STACK_SHAPES, textsOf, type ProbeStack } from '@ndis-chimney/kit';
import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffload,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisStatusIndication,
  type NeighborOffloadState,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';



/** Makes the host answer every receive indication like this. */
function answerWith({ host }: ProbeStack, status: NDIS_STATUS, consumed: number): void {
  host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: OffloadHandle, _nbl: NetBufferList, _status: NDIS_STATUS, bytesConsumed: BytesConsumed) => {
    bytesConsumed.value = consumed;
    return status;
  });
}

describe.each(STACK_SHAPES)('indications through %s', (_name, shape) => {
  test('data that is accepted is the host’s until it returns it', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    answerWith(stack, NDIS_STATUS_SUCCESS, 5);
    const key = stack.lowest(connection);
    const answer = target.indicate(key, 'hello');
    expect(answer).toMatchObject({ status: NDIS_STATUS_SUCCESS, bytesConsumed: 5 });
    const [[handle, nbl, status] = []] = host.calls.of('protocolTcpOffloadReceiveIndicate');
    expectSame([[handle, nbl, status]], [[connection, answer.netBufferList, NDIS_STATUS_SUCCESS]]);
    expect(answer.netBufferList.sourceHandle).toBe(stack.ndis.findAdapter(host.binding.adapterName));
    expect([connection.ndisIndicationDepth, key.ndisIndicationDepth]).toEqual([0, 0]);
    host.binding.offloadTcpReceiveReturn(answer.netBufferList);
    expectSame(target.calls.of('miniportTcpOffloadReceiveReturn'), [[target, answer.netBufferList]]);
    expect([answer.netBufferList.sourceHandle, answer.netBufferList.context]).toEqual([null, null]);
    stack.close();
  });

  test.each([
    ['refused', NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0],
    ['accepted in part', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 3],
  ])('data that is %s is the target’s again at once', (_what, status, consumed) => {
    const stack = createProbeStack(shape);
    answerWith(stack, status, consumed);
    const answer = stack.target.indicate(stack.lowest(stack.connection), 'hello');
    expect(answer).toMatchObject({ status, bytesConsumed: consumed });
    expect([answer.netBufferList.sourceHandle, answer.netBufferList.context]).toEqual([null, null]);
    // It may be indicated again.
    expect(stack.target.indicateNbl(stack.lowest(stack.connection), answer.netBufferList).status).toBe(status);
    stack.close();
  });

  test('the host may return the NBL before it answers that it has accepted it', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: OffloadHandle, nbl: NetBufferList) => {
      host.binding.offloadTcpReceiveReturn(nbl);
      return NDIS_STATUS_SUCCESS;
    });
    const { netBufferList } = target.indicate(stack.lowest(stack.connection), 'hello');
    expectSame(target.calls.of('miniportTcpOffloadReceiveReturn'), [[target, netBufferList]]);
    expect([netBufferList.sourceHandle, netBufferList.context]).toEqual([null, null]);
    stack.close();
  });

  const contradictions: [what: string, answered: NDIS_STATUS, consumed: number, made: NDIS_STATUS, bytes: number][] = [
    ['success without all bytes', NDIS_STATUS_SUCCESS, 3, NDIS_STATUS_SUCCESS, 5],
    ['refusal with bytes', NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 2, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0],
    ['a part that is nothing', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 0, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0],
    ['a part that is all', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 5, NDIS_STATUS_SUCCESS, 5],
    ['a part that is more than all', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 9, NDIS_STATUS_SUCCESS, 5],
    ['a part that is negative', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, -1, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0],
    ['a status that is no answer', 12345, 0, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0],
  ];

  test.each(contradictions)('CHIM-RXI-005: %s is reported against the host, and every byte stays with somebody', (_what, answered, consumed, made, bytes) => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    answerWith(stack, answered, consumed);
    const answer = target.indicate(stack.lowest(stack.connection), 'hello');
    expect(answer).toMatchObject({ status: made, bytesConsumed: bytes });
    expect(stack.expectViolation('CHIM-RXI-005').actor).toBe('probe host');
    expect(stack.violations).toEqual([]);
    // A host that answered "a part" does not know that it has the NET_BUFFER_LIST; NDIS returns it.
    if (answered !== NDIS_STATUS_SUCCESS) stack.settle();
    else host.binding.offloadTcpReceiveReturn(answer.netBufferList);
    expect([answer.netBufferList.sourceHandle, answer.netBufferList.context]).toEqual([null, null]);
    stack.close();
  });

  test('NBLs of several indications and connections are returned in one list', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const [second] = host.offload().connections as [OffloadHandle];
    target.completeTree('initiate');
    answerWith(stack, NDIS_STATUS_SUCCESS, 1);
    const nbls = [connection, second, connection].map((handle, at) => target.indicate(stack.lowest(handle), String(at)).netBufferList);
    nbls.forEach((nbl, at) => {
      nbl.next = nbls[at + 1] ?? null;
    });
    host.binding.offloadTcpReceiveReturn(present(nbls[0]));
    expect(target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => textsOf(list as NetBufferList))).toEqual([['0', '1', '2']]);
    stack.close();
  });

  test('an accepted NBL stays the host’s beyond the life of its connection', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    answerWith(stack, NDIS_STATUS_SUCCESS, 1);
    const { netBufferList } = target.indicate(stack.lowest(connection), 'x');
    host.binding.terminateOffload(host.connections(connection));
    target.completeTree('terminate');
    host.binding.offloadTcpReceiveReturn(netBufferList);
    expect(target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(1);
    stack.close();
  });

  test.each([
    [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect, 0],
    [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0],
    [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HighDropRate],
    [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 65_536],
  ])('event %i with information %i reaches the host, keyed by its own handle', (type, information) => {
    const stack = createProbeStack(shape);
    stack.target.event(stack.lowest(stack.connection), type, information);
    expectSame(stack.host.calls.of('protocolTcpOffloadEvent'), [[stack.connection, type, information]]);
    stack.close();
  });

  test('events come while the object is being offloaded and while it is being terminated, data only after the former', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const [fresh] = host.offload().connections as [OffloadHandle];
    // Going down, each block names the driver's own handle, the lowest one now.
    const key = present(target.trees[0]?.tree.dependentBlockList?.dependentBlockList?.ndisOffloadHandle);
    target.event(key, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
    expectSame(host.calls.of('protocolTcpOffloadEvent'), [[fresh, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0]]);
    expect(() => target.indicate(key, 'early')).toThrow(/^CHIM-INI-016: probe target:/);
    stack.expectViolations('CHIM-INI-016');
    target.completeTree('initiate');
    host.binding.terminateOffload(host.connections(fresh));
    target.event(key, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
    expect(target.indicate(key, 'late').status).toBe(NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
    stack.close();
  });

  test('a neighbor query goes up in one block and comes back answered, in the block', () => {
    const stack = createProbeStack(shape);
    const { host, target, neighbor } = stack;
    const key = stack.lowest(neighbor);
    const during: unknown[] = [];
    host.calls.on('protocolIndicateOffloadEvent', (context: unknown, block: ProtocolOffloadBlockList, code: number) => {
      during.push(context, block, block.offloadHandle, code);
      const { cached } = block.state as NeighborOffloadState;
      if (cached !== null) cached.hostReachabilityDelta = 42;
    });
    const block = target.askAboutNeighbor(key, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    expectSame([during], [[host.context, block, neighbor, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery]]);
    expect((block.state as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(42);
    // The block names the target's key again, on which it may be asked once more.
    expect(block.ndisOffloadHandle).toBe(key);
    stack.close();
  });

  test('a status indication reaches the host as one of the adapter it is bound to', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const sent = target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    const [[context, indication] = []] = host.calls.of('protocolStatusEx') as [unknown, NdisStatusIndication][];
    expect(context).toBe(host.context);
    expect(indication).toMatchObject({ statusCode: NDIS_STATUS_OFFLOAD_PAUSE, statusBuffer: null });
    expect(indication?.sourceHandle).toBe(stack.ndis.findAdapter(host.binding.adapterName));
    expect(indication === sent).toBe(stack.intermediates.length === 0);
    stack.close();
  });

  test('capabilities that come with RESUME are what a query of the host then finds, at its own edge', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const query = (): number | undefined => (host.request(0, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG).request.informationBuffer as NdisTcpConnectionOffload | null)?.tcpConnectionOffloadCapacity;
    expect([query(), host.context.parameters.tcpConnectionOffloadCapabilities?.tcpConnectionOffloadCapacity]).toEqual([1000, 1000]);
    const fewer = new NdisTcpConnectionOffload();
    fewer.tcpConnectionOffloadCapacity = 3;
    target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, fewer);
    expect(query()).toBe(3);
    stack.close();
  });

  test('ordinary packets without the RESOURCES flag are the host’s until it returns them', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const list = target.indicateOrdinary(0, 'p', 'q');
    expectSame(host.calls.of('protocolReceiveNetBufferLists'), [[host.context, list, 0, 2, 0]]);
    for (const nbl of membersOf(list)) expect(nbl.sourceHandle).toBe(stack.ndis.findAdapter(host.binding.adapterName));
    host.binding.returnNetBufferLists(list, 5);
    expectSame(target.calls.of('miniportReturnNetBufferLists'), [[target, list, 5]]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    stack.close();
  });

  test('with the RESOURCES flag they are back on return', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const list = target.indicateOrdinary(NDIS_RECEIVE_FLAGS_RESOURCES, 'p', 'q');
    expectSame(host.calls.of('protocolReceiveNetBufferLists'), [[host.context, list, 0, 2, NDIS_RECEIVE_FLAGS_RESOURCES]]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expect(target.calls.count('miniportReturnNetBufferLists')).toBe(0);
    stack.close();
  });

  test('with several bindings all but the last see ordinary packets for the time of the call', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
    second.bindTo(host.binding.adapterName);
    const list = target.indicateOrdinary(0, 'p');
    expectSame(host.calls.of('protocolReceiveNetBufferLists'), [[host.context, list, 0, 1, NDIS_RECEIVE_FLAGS_RESOURCES]]);
    expectSame(second.calls.of('protocolReceiveNetBufferLists'), [[second.context, list, 0, 1, 0]]);
    second.binding.returnNetBufferLists(list, 0);
    expect(target.calls.count('miniportReturnNetBufferLists')).toBe(1);
    stack.close();
  });

  test('packets nobody wants come back at once: all bindings are paused', () => {
    const stack = createProbeStack(shape);
    const { target, ndis } = stack;
    ndis.pauseAdapter(present(ndis.findAdapter(stack.host.binding.adapterName)));
    const list = target.indicateOrdinary(0, 'p');
    expect(target.calls.count('miniportReturnNetBufferLists')).toBe(1);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    target.indicateOrdinary(NDIS_RECEIVE_FLAGS_RESOURCES, 'q');
    expect(target.calls.count('miniportReturnNetBufferLists')).toBe(1);
    stack.close();
  });
});
