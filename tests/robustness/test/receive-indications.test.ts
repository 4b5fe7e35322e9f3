import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { createProbeStack, membersOf, present, ProbeHost, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  type BytesConsumed,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

/** What the host answers an indication with. */
type Answer = (nbl: NetBufferList, bytesConsumed: BytesConsumed) => NDIS_STATUS;

/** Lets the host answer the next indication. */
function answerNext({ host }: ProbeStack, answer: Answer): void {
  host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed) => answer(nbl, bytesConsumed));
}

const accept: Answer = (nbl, bytesConsumed) => {
  bytesConsumed.value = nbl.firstNetBuffer?.dataLength ?? 0;
  return NDIS_STATUS_SUCCESS;
};

describe.each(STACK_SHAPES)('receive indications, %s', (_name, shape) => {
  test.each([null, undefined, 5])('NdisTcpOffloadReceiveHandler with %s for BytesConsumed is a TypeError, and the NBL untouched', (nothing) => {
    const stack = createProbeStack(shape);
    const nbl = stack.target.list('x');
    expectRefused(stack, () => stack.target.handlers.tcpOffloadReceiveHandler(stack.lowest(stack.connection), nbl, NDIS_STATUS_SUCCESS, nothing as never), {
      actor: 'probe target',
      message: /NdisTcpOffloadReceiveHandler.*bytesConsumed/,
    });
    expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expectGoesOn(stack);
  });

  test.each([NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, NDIS_STATUS_FAILURE])(
    'CHIM-RET-002: an NBL that the host returns during the call is accepted, though it answers %i; the host is told',
    (answer) => {
      const stack = createProbeStack(shape);
      const { host, target } = stack;
      answerNext(stack, (nbl) => {
        host.binding.offloadTcpReceiveReturn(nbl);
        return answer;
      });
      const { status, bytesConsumed, netBufferList } = target.indicate(stack.lowest(stack.connection), 'abc');
      expect([status, bytesConsumed]).toEqual([NDIS_STATUS_SUCCESS, 3]);
      expect(stack.expectViolation('CHIM-RET-002').actor).toBe('probe host');
      expect(target.calls.of('miniportTcpOffloadReceiveReturn').map(([, returned]) => returned === netBufferList)).toEqual([true]);
      expect([netBufferList.sourceHandle, netBufferList.context]).toEqual([null, null]);
      expectGoesOn(stack);
    },
  );

  test('an NBL that the host returns during the call and accepts is in order', () => {
    const stack = createProbeStack(shape);
    answerNext(stack, (nbl, bytesConsumed) => {
      stack.host.binding.offloadTcpReceiveReturn(nbl);
      return accept(nbl, bytesConsumed);
    });
    expect(stack.target.indicate(stack.lowest(stack.connection), 'abc').status).toBe(NDIS_STATUS_SUCCESS);
    expectGoesOn(stack);
  });

  test('CHIM-RET-002: packets shown with NDIS_RECEIVE_FLAGS_RESOURCES are not returned', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    host.calls.once('protocolReceiveNetBufferLists', (_context: unknown, list: NetBufferList) => {
      expectRefused(stack, () => { host.binding.returnNetBufferLists(list, 0); }, { rule: 'CHIM-RET-002', actor: 'probe host', object: list });
    });
    const list = target.indicateOrdinary(NDIS_RECEIVE_FLAGS_RESOURCES, 'p', 'q');
    expect(host.calls.count('protocolReceiveNetBufferLists')).toBe(1);
    expect([host.binding.indicatedNetBufferLists, target.calls.count('miniportReturnNetBufferLists')]).toEqual([0, 0]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expectGoesOn(stack);
  });

  test('CHIM-RET-003: data is returned over the binding it was indicated on, not over another one of the adapter', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
    second.bindTo(host.binding.adapterName);
    answerNext(stack, accept);
    const { netBufferList } = target.indicate(stack.lowest(stack.connection), 'x');
    const refusal = { rule: 'CHIM-RET-003', actor: 'second host', object: netBufferList };
    expectRefused(stack, () => { second.binding.offloadTcpReceiveReturn(netBufferList); }, refusal);
    expectRefused(stack, () => { second.binding.returnNetBufferLists(netBufferList, 0); }, refusal);
    host.binding.offloadTcpReceiveReturn(netBufferList);
    expectGoesOn(stack);
  });

  const contradictions: [what: string, status: NDIS_STATUS, value: number, heard: [status: NDIS_STATUS, bytesConsumed: number]][] = [
    ['a part, and NaN', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, NaN, [NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]],
    ['a part, and less than nothing', NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, -2, [NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]],
    ['nothing, and some', NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 1, [NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]],
    ['nothing, and NaN', NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, NaN, [NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0]],
  ];

  test.each(contradictions)('CHIM-RXI-005: an answer of %s is put right before the target sees it', (_what, answer, value, heard) => {
    const stack = createProbeStack(shape);
    answerNext(stack, (_nbl, bytesConsumed) => {
      bytesConsumed.value = value;
      return answer;
    });
    const { status, bytesConsumed, netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'abc');
    expect([status, bytesConsumed, netBufferList.sourceHandle, netBufferList.context]).toEqual([...heard, null, null]);
    expect(stack.violations.splice(0).map(({ rule, actor }) => [rule, actor])).toEqual([['CHIM-RXI-005', 'probe host']]);
    expectGoesOn(stack);
  });

  test.each([0, 1, 9, NaN])('CHIM-RXI-005: an answer of all, and %d, is all: the host has the NBL', (value) => {
    const stack = createProbeStack(shape);
    answerNext(stack, (_nbl, bytesConsumed) => {
      bytesConsumed.value = value;
      return NDIS_STATUS_SUCCESS;
    });
    const { status, bytesConsumed, netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'abc');
    expect([status, bytesConsumed]).toEqual([NDIS_STATUS_SUCCESS, 3]);
    expect(stack.violations.splice(0).map(({ rule, actor }) => [rule, actor])).toEqual([['CHIM-RXI-005', 'probe host']]);
    stack.host.binding.offloadTcpReceiveReturn(netBufferList);
    expectGoesOn(stack);
  });
});

/** Leaves its context on received data that it does not accept. */
class Forgetful extends PassThroughDriver {
  override protocolTcpOffloadReceiveIndicate(handle: OffloadHandle<OffloadEntry<PassThroughAdapter>>, nbl: NetBufferList): NDIS_STATUS {
    this.receives.push(nbl, handle.binding);
    return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
  }
}

test.each([false, true])('CHIM-NBL-009: a context that an intermediate driver leaves on data it does not accept comes off, observed %s', (isObserved) => {
  const stack = createProbeStack({ intermediates: 1, isObserved, createIntermediate: (ndis, options) => new Forgetful(ndis, options) });
  const { netBufferList, status } = stack.target.indicate(stack.lowest(stack.connection), 'x');
  expect(stack.expectViolation('CHIM-NBL-009').actor).toBe(present(stack.intermediates[0]).name);
  expect([status, netBufferList.sourceHandle, netBufferList.context, stack.ndis.outstanding.contexts]).toEqual([NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, null, null, 0]);
  expectGoesOn(stack);
});

test.each([[0, 3], [1, 3], [3, 3], [0, 9], [3, 9]])('CHIM-RXI-005: with %i intermediate drivers, "a part" and %i bytes of 3 is the fault of the host alone; all bytes count as accepted', (intermediates, value) => {
  const stack = createProbeStack({ intermediates });
  stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
    bytesConsumed.value = value;
    return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
  });
  const { netBufferList, status, bytesConsumed } = stack.target.indicate(stack.lowest(stack.connection), 'abc');
  expect([status, bytesConsumed]).toEqual([NDIS_STATUS_SUCCESS, 3]);
  stack.expectViolations('CHIM-RXI-005');
  expect(stack.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(0);
  stack.settle();
  // The host does not know that it has the NET_BUFFER_LIST: NDIS returns it.
  expect(stack.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(1);
  expect([netBufferList.sourceHandle, netBufferList.context]).toEqual([null, null]);
  stack.close();
});
