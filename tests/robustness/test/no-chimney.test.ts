import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createProbeStack, link, membersOf, newTree, present, ProbeHost, STACK_SHAPES, type ProbeTarget } from '@ndis-chimney/kit';
import {
  isChimneyViolation,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NetBufferList,
  OffloadHandle,
  type NDIS_STATUS,
  type NetBufferListContextPool,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createBare, type Bare } from './bare.ts';
import { expectGoesOn, expectRefused } from './refusal.ts';

/** An intermediate driver that offers the chimney above and has not registered for it below. */
class UpperOnly extends PassThroughDriver {
  override protocolSetOptions(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }
}

/** One that has registered for it below and offers none above. */
class LowerOnly extends PassThroughDriver {
  override miniportSetOptions(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }
}

/** One that has registered nothing. */
class Neither extends UpperOnly {
  override miniportSetOptions(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }
}

const observed = [
  ['unobserved', false],
  ['observed', true],
] as const;

function observe({ ndis }: Bare, isObserved: boolean): void {
  if (isObserved) ndis.attachObserver({});
}

describe.each(observed)('drivers without the chimney, %s', (_name, isObserved) => {
  test.each([UpperOnly, LowerOnly, Neither])('above an intermediate driver like %o every initiate fails, from NDIS, and nothing reaches the target', (Kind) => {
    const bare = createBare();
    const { ndis, target, settle, violations } = bare;
    observe(bare, isObserved);
    ndis.bindAdapter(new Kind(ndis, { name: 'im' }).register().ndisProtocolHandle, target.miniport);
    const host = new ProbeHost(ndis).register();
    host.bindTo('im:nic');
    const { root, connections } = host.offload();
    expect(host.calls.count('protocolInitiateOffloadComplete')).toBe(0);
    settle();
    expect(host.calls.of('protocolInitiateOffloadComplete').map(([, tree]) => [tree === root, (tree as ProtocolOffloadBlockList).status])).toEqual([[true, NDIS_STATUS_FAILURE]]);
    expect([present(connections[0]).state, target.calls.count('miniportInitiateOffload'), violations]).toEqual(['dead', 0, []]);
    // The ordinary path is open all the same.
    const list = host.sendOrdinary('x');
    target.completeOrdinarySends();
    expect(host.calls.of('protocolSendNetBufferListsComplete').map(([, completed]) => completed === list)).toEqual([true]);
    host.free();
    ndis.removeAdapter(target.miniport);
    settle();
    expect([violations, ndis.adapters.size, ndis.outstanding]).toEqual([[], 0, { netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 }]);
  });

  /** A host that registered no chimney handlers, above a target that did. */
  function withPlainHost(): Bare & { host: ProbeHost } {
    const bare = createBare();
    observe(bare, isObserved);
    const host = new ProbeHost(bare.ndis, { name: 'plain host', hasChimney: false }).register();
    host.bindTo('nic');
    return { ...bare, host };
  }

  const calls: [name: string, call: (host: ProbeHost, handle: OffloadHandle) => unknown][] = [
    ['NdisInitiateOffload', ({ binding }) => { binding.initiateOffload(newTree(binding).root); }],
    ['NdisTerminateOffload', (host, handle) => { host.binding.terminateOffload(host.connections(handle)); }],
    ['NdisUpdateOffload', (host, handle) => { host.binding.updateOffload(host.connections(handle)); }],
    ['NdisInvalidateOffload', (host, handle) => { host.binding.invalidateOffload(host.connections(handle)); }],
    ['NdisQueryOffloadState', (host, handle) => { host.binding.queryOffloadState(host.connections(handle)); }],
    ['NdisOffloadTcpReceiveReturn', ({ binding }) => { binding.offloadTcpReceiveReturn(new NetBufferList()); }],
  ];

  test.each(calls)('CHIM-CAP-001: %s of a driver that registered no chimney handlers is refused', (name, call) => {
    const { host, target, violations, ndis } = withPlainHost();
    const handle = new OffloadHandle(host.binding, 'connection');
    expect(() => { call(host, handle); }).toThrow(new RegExp(`^CHIM-CAP-001: plain host: ${name}: .*plain host registered no client handlers`));
    expect(violations.map(({ objects }) => objects)).toEqual([[host.binding]]);
    expect([handle.state, target.trees, ndis.outstanding.operations]).toEqual(['new', [], 0]);
  });

  test('a tree that was refused so is as it was: nothing of it is out', () => {
    const { host } = withPlainHost();
    const { root, connections } = newTree(host.binding);
    expect(() => { host.binding.initiateOffload(root); }).toThrow(/^CHIM-CAP-001/);
    expect([(root as unknown as OffloadBlockList).ndisReserved0, root.sourceHandle, present(connections[0]).state]).toEqual([null, null, 'new']);
  });

  test('CHIM-CAP-001: NdisOffloadTcpReceiveReturn above a target that cannot offload is refused', () => {
    const bare = createBare();
    observe(bare, isObserved);
    const { ndis, target, violations } = bare;
    ndis.bindAdapter(new LowerOnly(ndis, { name: 'im' }).register().ndisProtocolHandle, target.miniport);
    const host = new ProbeHost(ndis).register();
    host.bindTo('im:nic');
    const list = target.indicateOrdinary(0, 'x');
    const { sourceHandle } = list;
    expect(() => { host.binding.offloadTcpReceiveReturn(list); }).toThrow(/^CHIM-CAP-001: probe host: NdisOffloadTcpReceiveReturn: .*im cannot offload/);
    expect([list.sourceHandle === sourceHandle, host.binding.indicatedNetBufferLists]).toEqual([true, 1]);
    host.binding.returnNetBufferLists(list, 0);
    expect([target.calls.count('miniportReturnNetBufferLists'), violations.map(({ rule }) => rule)]).toEqual([1, ['CHIM-CAP-001']]);
  });

  const completions: [call: string, complete: (target: ProbeTarget, list: NetBufferList) => void][] = [
    ['NdisTcpOffloadSendComplete', ({ handlers }, list) => { handlers.tcpOffloadSendComplete(list); }],
    ['NdisTcpOffloadReceiveComplete', ({ handlers }, list) => { handlers.tcpOffloadReceiveComplete(list); }],
    ['NdisTcpOffloadForwardComplete', ({ handlers }, list) => { handlers.tcpOffloadForwardComplete(list); }],
    ['NdisTcpOffloadDisconnectComplete', ({ handlers }, list) => { handlers.tcpOffloadDisconnectComplete(list); }],
  ];

  test.each(completions)('CHIM-NBL-001: an ordinary send that the target completes by %s comes back as what it is; the target is told', (call, complete) => {
    const { host, target, violations, ndis, settle } = withPlainHost();
    const list = host.sendOrdinary('x');
    target.ordinarySends.length = 0;
    complete(target, list);
    expect(host.calls.of('protocolSendNetBufferListsComplete')).toEqual([[host.context, list, 0]]);
    expect(host.calls.entries.filter((entry) => entry.startsWith('protocolTcp'))).toEqual([]);
    expect([list.sourceHandle, host.binding.outstandingNetBufferLists]).toEqual([null, 0]);
    const [violation] = violations;
    expect([violation?.rule, violation?.actor, violation?.message.includes(call), violations.length]).toEqual(['CHIM-NBL-001', 'probe target', true, 1]);
    // It is over with that: a second completion is one too many.
    expect(() => { complete(target, list); }).toThrow(/^CHIM-NBL-001: probe target/);
    host.free();
    ndis.removeAdapter(target.miniport);
    settle();
    expect([ndis.adapters.size, ndis.outstanding.netBufferLists]).toEqual([0, 0]);
  });

  test('CHIM-NBL-001: in a completion that mixes it with a host that has the chimney, each gets what it can take', () => {
    const { host, target, violations, ndis } = withPlainHost();
    const chimney = new ProbeHost(ndis, { name: 'chimney host' }).register();
    chimney.bindTo('nic');
    const connection = present(chimney.offload().connections[0]);
    target.completeTree('initiate');
    const [sent, ordinary] = [chimney.send(connection, 'a'), host.sendOrdinary('b')];
    target.sends.length = 0;
    target.ordinarySends.length = 0;
    target.handlers.tcpOffloadSendComplete(link([sent, ordinary]));
    expect(chimney.calls.of('protocolTcpOffloadSendComplete').map(([, list]) => membersOf(list as NetBufferList))).toEqual([[sent]]);
    expect(host.calls.of('protocolSendNetBufferListsComplete').map(([, list]) => membersOf(list as NetBufferList))).toEqual([[ordinary]]);
    expect(violations.map(({ rule, actor }) => [rule, actor])).toEqual([['CHIM-NBL-001', 'probe target']]);
  });
});

describe.each(STACK_SHAPES.filter(([, { intermediates }]) => intermediates !== 0))('what is still below an intermediate driver, %s', (_name, shape) => {
  test.each(['relayTcpSendComplete', 'relayTcpReceiveComplete'] as const)('CHIM-NBL-004: it cannot complete it upward by %s; the violation is its own, and nothing has changed', (relay) => {
    const stack = createProbeStack(shape);
    const { host, ndis, intermediates } = stack;
    const list = relay === 'relayTcpSendComplete' ? host.send(stack.connection, 'x', 'y') : host.receive(stack.connection, 1, 2);
    const driver = present(intermediates.at(-1));
    const { sendContexts } = driver as unknown as { readonly sendContexts: NetBufferListContextPool };
    const top = present(ndis.findAdapter(host.binding.adapterName));
    const { offloadHandlers } = top.getOffloadHandlers(1);
    const handlers = present(offloadHandlers);
    const attempt = (): void => { handlers[relay](list, sendContexts); };
    if (shape.intermediates === 1) {
      expectRefused(stack, attempt, { rule: 'CHIM-NBL-004', actor: driver.name, object: list }, { lists: [list] });
    } else {
      // The driver below has its own context on top.
      let error: unknown = null;
      try {
        attempt();
      } catch (thrown) {
        error = thrown;
      }
      expect(isChimneyViolation(error) && error.actor).toBe(driver.name);
      expect(stack.violations.splice(0)).toEqual([error]);
    }
    expect(host.calls.entries).toEqual([]);
    expectGoesOn(stack);
  });
});
