import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { blocksOf, createProbeStack, membersOf, newTree, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn } from './refusal.ts';

const boom = new Error('boom');
const throughIntermediates = STACK_SHAPES.filter(([, { intermediates }]) => intermediates !== 0);

/** Lists that came back to the host on the ordinary path. */
function ordinaryReturned({ host }: ProbeStack): NetBufferList[] {
  return host.calls.of('protocolSendNetBufferListsComplete').flatMap(([, list]) => membersOf(list as NetBufferList));
}

describe.each(STACK_SHAPES)('what a driver that throws leaves behind, %s', (_name, shape) => {
  test('CHIM-LIF-005: an operation that is completed after all is not failed, nor is the next one', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    target.calls.once('miniportQueryOffload', (_context: unknown, tree: MiniportOffloadBlockList) => {
      target.trees.push({ operation: 'query', tree });
      throw boom;
    });
    const [first, second] = [host.connections(connection), host.connections(connection)];
    host.calls.once('protocolQueryOffloadComplete', () => {
      host.binding.queryOffloadState(second);
    });
    host.binding.queryOffloadState(first);
    target.completeTree('query');
    stack.settle();
    stack.expectViolation('CHIM-LIF-005');
    // The second is with the target, whatever NDIS kept of the first.
    expect([host.calls.count('protocolQueryOffloadComplete'), target.trees.length]).toEqual([1, 1]);
    target.completeTree('query');
    const completed = host.calls.of('protocolQueryOffloadComplete').map(([, root]) => root as ProtocolOffloadBlockList);
    expect(completed.map((root) => [root === first, root.status])).toEqual([
      [true, NDIS_STATUS_SUCCESS],
      [false, NDIS_STATUS_SUCCESS],
    ]);
    expectGoesOn(stack);
  });

  test('CHIM-LIF-005: packets given to a handler that throws go back to the target, and the binding can close', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    host.calls.once('protocolReceiveNetBufferLists', () => {
      throw boom;
    });
    const list = target.indicateOrdinary(0, 'p', 'q');
    expect(stack.expectViolation('CHIM-LIF-005').actor).toBe('probe host');
    expect(target.calls.of('miniportReturnNetBufferLists').map(([, returned]) => returned === list)).toEqual([true]);
    expect(membersOf(list).map(({ sourceHandle, context }) => [sourceHandle, context])).toEqual([[null, null], [null, null]]);
    expect(host.binding.indicatedNetBufferLists).toBe(0);
    expectGoesOn(stack);
  });

  test('CHIM-LIF-005: packets that a handler had returned before it threw do not go back twice', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    host.calls.once('protocolReceiveNetBufferLists', (_context: unknown, list: NetBufferList) => {
      const rest = present(list.next);
      list.next = null;
      host.binding.returnNetBufferLists(list, 0);
      list.next = rest;
      throw boom;
    });
    const list = target.indicateOrdinary(0, 'p', 'q');
    expect(stack.expectViolation('CHIM-LIF-005').actor).toBe('probe host');
    expect(target.calls.of('miniportReturnNetBufferLists').map(([, returned]) => returned === list)).toEqual([true, false]);
    expect(host.binding.indicatedNetBufferLists).toBe(0);
    expectGoesOn(stack);
  });

  test('CHIM-LIF-005: a chain of sends that it had bent into a loop comes back, every member once', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const { root } = newTree(host.binding);
    for (const block of blocksOf(root)) host.handles.set(present(block.offloadHandle), block);
    const chain = host.list('a', 'b', 'c');
    const members = membersOf(chain);
    present(blocksOf(root).at(-1)).netBufferListChain = chain;
    target.calls.once('miniportInitiateOffload', () => {
      present(members[2]).next = present(members[0]);
      throw boom;
    });
    host.binding.initiateOffload(root);
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(boom);
    stack.settle();
    expect(blocksOf(root).map(({ status }) => status)).toEqual(blocksOf(root).map(() => NDIS_STATUS_FAILURE));
    expect(membersOf(chain)).toEqual(members);
    expect(members.map(({ sourceHandle, context }) => [sourceHandle, context])).toEqual([[null, null], [null, null], [null, null]]);
    expect(host.binding.outstandingNetBufferLists).toBe(0);
    expectGoesOn(stack);
  });

  test('an ordinary send that the target drops is completed after the call, not in it', () => {
    const stack = createProbeStack(shape);
    stack.target.calls.once('miniportSendNetBufferLists', () => {
      throw boom;
    });
    stack.host.sendOrdinary('a', 'b');
    stack.expectViolation('CHIM-LIF-005');
    expect(ordinaryReturned(stack)).toEqual([]);
    stack.settle();
    expect(ordinaryReturned(stack).map(({ status }) => status)).toEqual([NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
    expectGoesOn(stack);
  });
});

/** Throws, once, when its context is on the list and the list has not gone down. */
class PushesAndThrows extends PassThroughDriver {
  isArmed = true;

  override miniportTcpOffloadForward(adapter: PassThroughAdapter, entry: OffloadEntry<PassThroughAdapter>, list: NetBufferList): NDIS_STATUS {
    if (!this.isArmed) return super.miniportTcpOffloadForward(adapter, entry, list);
    this.isArmed = false;
    this.sends.push(list, adapter);
    throw boom;
  }
}

describe.each(throughIntermediates)('intermediate drivers that pass nothing on, %s', (_name, shape) => {
  test('CHIM-LIF-005: contexts that one had pushed before it threw come off, and its pause ends', () => {
    const drivers: PushesAndThrows[] = [];
    const stack = createProbeStack({
      ...shape,
      createIntermediate(ndis, options) {
        const driver = new PushesAndThrows(ndis, options);
        drivers.push(driver);
        return driver;
      },
    });
    const { host, ndis, target } = stack;
    const list = host.forward(stack.connection, 'x');
    expect(stack.expectViolation('CHIM-LIF-005').cause).toBe(boom);
    stack.settle();
    expect([list.status, list.sourceHandle, list.context, ndis.outstanding.contexts]).toEqual([NDIS_STATUS_FAILURE, null, null, 0]);
    let isPaused = false;
    ndis.pauseAdapter(target.miniport, () => {
      isPaused = true;
    });
    expect(isPaused).toBe(true);
    ndis.restartAdapter(target.miniport);
    for (const driver of drivers) driver.isArmed = false;
    expectGoesOn(stack);
  });

  test('an ordinary send that one has no contexts for is completed after the call, not in it', () => {
    const stack = createProbeStack({ ...shape, createIntermediate: (ndis, options) => new PassThroughDriver(ndis, { ...options, netBufferListContexts: 1 }) });
    stack.host.sendOrdinary('a', 'b');
    expect([ordinaryReturned(stack), stack.target.ordinarySends]).toEqual([[], []]);
    stack.settle();
    expect(ordinaryReturned(stack).map(({ status }) => status)).toEqual([NDIS_STATUS_RESOURCES, NDIS_STATUS_RESOURCES]);
    stack.close();
  });
});
