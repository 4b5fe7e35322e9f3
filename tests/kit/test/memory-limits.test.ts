import { createProbeStack, membersOf, newTree, present, blocksOf, type ProbeStack, type ProbeStackOptions } from '@ndis-chimney/kit';
import { PassThroughDriver, type PassThroughOptions } from '@ndis-chimney/intermediate';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_REQUESTED,
  type BytesConsumed,
  type NDIS_STATUS,
  type NetBufferList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

/** A stack whose first intermediate driver, the lowest, has little memory. */
function shortOf(limits: PassThroughOptions, shape: ProbeStackOptions): ProbeStack {
  return createProbeStack({
    ...shape,
    createIntermediate: (ndis, options) => new PassThroughDriver(ndis, options.name === 'im1' ? { ...options, ...limits } : options),
  });
}

const statusesOf = (list: unknown): NDIS_STATUS[] => membersOf(list as NetBufferList).map(({ status }) => status);

function setBuffered(block: { readonly state: unknown }, list: NetBufferList | null): void {
  const { delegated } = block.state as TcpOffloadState;
  if (delegated !== null) delegated.bufferedData = list;
}

const shapes = [1, 3].flatMap((intermediates) => [false, true].map((isObserved): [string, ProbeStackOptions] => [`${intermediates} intermediate drivers, ${isObserved ? 'observed' : 'unobserved'}`, { intermediates, isObserved }]));

// What an intermediate driver does that runs out of memory: I/O asks for the upload, an initiate fails, the other state
// operations wait.
describe.each(shapes)('an intermediate driver without memory, among %s', (_name, shape) => {
  test('a send it has no contexts for goes no further: the first NBL asks for the upload, the others say so', () => {
    const stack = shortOf({ netBufferListContexts: 2 }, shape);
    const { host, target, connection } = stack;
    const list = host.send(connection, 'a', 'b', 'c');
    expect(target.calls.count('miniportTcpOffloadSend')).toBe(0);
    expect(host.calls.count('protocolTcpOffloadSendComplete')).toBe(0);
    stack.settle();
    expectSame(host.calls.of('protocolTcpOffloadSendComplete'), [[host.context, list]]);
    expect(statusesOf(list)).toEqual([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    for (const nbl of membersOf(list)) expect([nbl.tcpOffloadBytesTransferred, nbl.sourceHandle, nbl.context]).toEqual([0, null, null]);
    // The upload was asked for: what comes later says so from its first NBL on.
    const later = host.send(connection, 'd', 'e', 'f');
    stack.settle();
    expect(statusesOf(later)).toEqual([NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    // Even when there is memory again: it would take the place of what has not been sent.
    const fitting = host.send(connection, 'fits');
    stack.settle();
    expect(statusesOf(fitting)).toEqual([NDIS_STATUS_UPLOAD_REQUESTED]);
    expect(target.calls.count('miniportTcpOffloadSend')).toBe(0);
    stack.close();
  });

  test.each([
    ['receive', 'protocolTcpOffloadReceiveComplete', (stack: ProbeStack) => stack.host.receive(stack.connection, 5, 5)],
    ['forward', 'protocolTcpOffloadForwardComplete', (stack: ProbeStack) => stack.host.forward(stack.connection, 'f', 'g')],
    ['disconnect', 'protocolTcpOffloadDisconnectComplete', (stack: ProbeStack) => stack.host.disconnect(stack.connection)],
  ])('a %s likewise', (_what, callback, start) => {
    const stack = shortOf({ netBufferListContexts: 1 }, shape);
    stack.host.send(stack.connection, 'takes the last context');
    const list = start(stack);
    expect(stack.host.calls.count(callback)).toBe(0);
    stack.settle();
    expectSame(stack.host.calls.of(callback), [[stack.host.context, list]]);
    expect(statusesOf(list)).toEqual([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED].slice(0, membersOf(list).length));
    stack.close();
  });

  test('requests it cannot pass on come back in the order they were made', () => {
    const stack = shortOf({ netBufferListContexts: 0 }, shape);
    const { host, connection } = stack;
    const lists = [host.send(connection, 'a'), host.receive(connection, 1), host.send(connection, 'b'), host.disconnect(connection)];
    stack.settle();
    expectSame([host.calls.calls.map(({ args }) => args[1])], [lists]);
    expect(lists.map((list) => statusesOf(list)[0])).toEqual([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED]);
    stack.close();
  });

  test('data it has no context for is not accepted, and stays with the target', () => {
    const stack = shortOf({ netBufferListContexts: 1 }, shape);
    const { host, target, connection } = stack;
    host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed) => {
      bytesConsumed.value = 1;
      return NDIS_STATUS_SUCCESS;
    });
    const first = target.indicate(stack.lowest(connection), '1');
    const second = target.indicate(stack.lowest(connection), '2');
    expect([first.status, second.status, second.bytesConsumed]).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]);
    expect([second.netBufferList.sourceHandle, second.netBufferList.context]).toEqual([null, null]);
    host.binding.offloadTcpReceiveReturn(first.netBufferList);
    expect(target.indicateNbl(stack.lowest(connection), second.netBufferList).status).toBe(NDIS_STATUS_SUCCESS);
    host.binding.offloadTcpReceiveReturn(second.netBufferList);
    stack.close();
  });

  test('received data that comes back with a terminate is passed up whatever the limit is, and returned', () => {
    const stack = shortOf({ netBufferListContexts: 1 }, shape);
    const { host, target, connection } = stack;
    const received = target.list('a', 'b', 'c');
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    target.completeTree('terminate', { change: (block) => { setBuffered(block, received); } });
    host.binding.offloadTcpReceiveReturn(received);
    expectSame(target.calls.of('miniportTcpOffloadReceiveReturn'), [[target, received]]);
    for (const nbl of membersOf(received)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    setBuffered(root, null);
    stack.close();
  });

  test('an ordinary send it has no contexts for comes back with RESOURCES; packets it cannot show go back', () => {
    const stack = shortOf({ netBufferListContexts: 1 }, shape);
    const { host, target } = stack;
    const list = host.sendOrdinary('p', 'q');
    stack.settle();
    expect(statusesOf(list)).toEqual([NDIS_STATUS_RESOURCES, NDIS_STATUS_RESOURCES]);
    expect([host.calls.count('protocolSendNetBufferListsComplete'), target.calls.count('miniportSendNetBufferLists')]).toEqual([1, 0]);
    const shown = target.indicateOrdinary(0, 'r', 's');
    expect([host.calls.count('protocolReceiveNetBufferLists'), target.calls.count('miniportReturnNetBufferLists')]).toEqual([0, 1]);
    for (const nbl of membersOf(shown)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    stack.close();
  });

  test.each([
    ['call entries', { callEntries: 1 }, 0],
    ['offload entries', { offloadEntries: 5 }, 0],
    ['contexts for the send data', { netBufferListContexts: 1 }, 2],
  ])('an initiate it has no %s for fails in every block, from a DPC, and its send data comes back untouched', (_what, limits, chainLength) => {
    const stack = shortOf(limits, shape);
    const { host, target } = stack;
    if ('callEntries' in limits) host.binding.queryOffloadState(host.connections(stack.connection));
    const tree = newTree(host.binding);
    const block = present(blocksOf(tree.root)[2]);
    const chain = chainLength > 0 ? host.list(...Array.from({ length: chainLength }, String)) : null;
    block.netBufferListChain = chain;
    host.initiate(tree.root);
    expect(host.calls.count('protocolInitiateOffloadComplete')).toBe(0);
    stack.settle();
    expectSame(host.calls.of('protocolInitiateOffloadComplete'), [[host.context, tree.root]]);
    expect(blocksOf(tree.root).map(({ status }) => status)).toEqual([NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
    expect([...tree.neighbors, ...tree.paths, ...tree.connections].map(({ state, miniportOffloadContext }) => [state, miniportOffloadContext])).toEqual([['dead', null], ['dead', null], ['dead', null]]);
    expect(target.calls.count('miniportInitiateOffload')).toBe(0);
    for (const nbl of membersOf(chain)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    block.netBufferListChain = null;
    if ('callEntries' in limits) target.completeTree('query');
    stack.close();
  });

  test('other state operations wait for a call entry, in order, and then go down', () => {
    const stack = shortOf({ callEntries: 1 }, shape);
    const { host, target, connection } = stack;
    const roots = Array.from({ length: 4 }, () => host.connections(connection));
    const [query, update, invalidate, terminate] = roots.map(present) as [typeof roots[0], typeof roots[0], typeof roots[0], typeof roots[0]];
    const second = host.connections(stack.path);
    host.binding.queryOffloadState(query);
    host.binding.updateOffload(update);
    host.binding.invalidateOffload(invalidate);
    host.binding.queryOffloadState(second);
    expect(target.trees.map(({ operation }) => operation)).toEqual(['query']);
    target.completeTree('query');
    expect(target.trees).toEqual([]);
    stack.settle();
    expect(target.trees.map(({ operation }) => operation)).toEqual(['update']);
    target.completeTree('update');
    stack.settle();
    target.completeTree('invalidate');
    stack.settle();
    target.completeTree('query');
    host.binding.terminateOffload(terminate);
    target.completeTree('terminate');
    expect(host.calls.entries).toEqual(['protocolQueryOffloadComplete', 'protocolUpdateOffloadComplete', 'protocolInvalidateOffloadComplete', 'protocolQueryOffloadComplete', 'protocolTerminateOffloadComplete']);
    stack.settle();
    stack.close();
  });
});
