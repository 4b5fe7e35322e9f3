import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createProbeStack, membersOf, present, ProbeHost, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createBare } from './bare.ts';
import { expectGoesOn } from './refusal.ts';

/** Pauses the adapter of the target. @returns whether the pause is over by now, when asked. */
function pause({ ndis, target }: ProbeStack): () => boolean {
  let isPaused = false;
  ndis.pauseAdapter(target.miniport, () => {
    isPaused = true;
  });
  return () => isPaused;
}

describe.each(STACK_SHAPES)('the life of adapters and bindings, %s', (_name, shape) => {
  const hasIntermediates = shape.intermediates !== 0;

  test('a pause waits for sends, and ends when they come back in a terminated tree', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const list = host.send(connection, 'a', 'b');
    const isPaused = pause(stack);
    expect(isPaused()).toBe(!hasIntermediates);
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    target.sends.length = 0;
    target.completeTree('terminate', { change: (block) => { block.netBufferListChain = list; } });
    stack.settle();
    expect([isPaused(), root.netBufferListChain === list]).toEqual([true, true]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    root.netBufferListChain = null;
    stack.close();
  });

  const inFlight: [what: string, start: (stack: ProbeStack) => unknown, end: (stack: ProbeStack) => unknown][] = [
    ['a send', ({ host, connection }) => host.send(connection, 'x'), ({ target }) => target.completeSends()],
    ['a receive', ({ host, connection }) => host.receive(connection, 1), ({ target }) => target.completeReceives()],
    ['a forward', ({ host, connection }) => host.forward(connection, 'x'), ({ target }) => target.completeForwards()],
    ['a disconnect', ({ host, connection }) => host.disconnect(connection), ({ target }) => target.completeDisconnect()],
    ['an ordinary send', ({ host }) => host.sendOrdinary('x'), ({ target }) => target.completeOrdinarySends()],
    ['packets that the host keeps', ({ target }) => target.indicateOrdinary(0, 'x'), ({ host, target }) => { host.binding.returnNetBufferLists(present([...target.nbls][0]), 0); }],
    [
      'received data that the host keeps',
      (stack) => {
        stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
          bytesConsumed.value = 1;
          return NDIS_STATUS_SUCCESS;
        });
        return stack.target.indicate(stack.lowest(stack.connection), 'x');
      },
      ({ host, target }) => { host.binding.offloadTcpReceiveReturn(present([...target.nbls][0])); },
    ],
  ];

  test.each(inFlight)('a pause of intermediate drivers waits for %s, and for nothing else', (_what, start, end) => {
    const stack = createProbeStack(shape);
    start(stack);
    const isPaused = pause(stack);
    expect(isPaused()).toBe(!hasIntermediates);
    end(stack);
    stack.settle();
    expect(isPaused()).toBe(true);
    stack.ndis.restartAdapter(stack.target.miniport);
    expectGoesOn(stack);
  });

  test('CHIM-LIF-006: an unbind that ends without a close closes the binding; nothing goes down on it any more', () => {
    const stack = createProbeStack(shape);
    const { host, ndis } = stack;
    stack.terminateAll();
    const { binding } = host;
    host.calls.once('protocolUnbindAdapterEx', () => NDIS_STATUS_SUCCESS);
    let isUnbound = false;
    ndis.unbindAdapter(binding, () => {
      isUnbound = true;
    });
    expect([stack.expectViolation('CHIM-LIF-006').actor, isUnbound]).toEqual(['probe host', true]);
    expect(() => host.sendOrdinary('x')).toThrow(/^CHIM-LIF-002: probe host:/);
    expect(() => { host.binding.queryOffloadState(host.connections(stack.connection)); }).toThrow(/^CHIM-LIF-002/);
    stack.expectViolations('CHIM-LIF-002', 'CHIM-LIF-002');
    stack.close();
  });

  test('a bind to an adapter that is going is answered CLOSING, and the adapter goes', () => {
    const stack = createProbeStack(shape);
    const { host, ndis, target } = stack;
    stack.terminateAll();
    const second = new ProbeHost(ndis, { name: 'second host' }).register();
    host.calls.once('protocolUnbindAdapterEx', () => NDIS_STATUS_PENDING);
    ndis.removeAdapter(target.miniport);
    const answers: [status: NDIS_STATUS, binding: NdisBinding | null][] = [];
    second.bindTo(host.binding.adapterName, (...answer) => {
      answers.push(answer);
    });
    host.binding.closeAdapterEx();
    host.binding.completeUnbindAdapterEx();
    expect(answers).toEqual([[NDIS_STATUS_CLOSING, null]]);
    expect([second.calls.count('protocolBindAdapterEx'), ndis.adapters.size]).toEqual([0, 0]);
    host.free();
    expect(stack.violations).toEqual([]);
  });

  const twice: [entry: string, arm: (stack: ProbeStack) => void][] = [
    ['MiniportPause', ({ target }) => { target.calls.once('miniportPause', () => { target.miniport.pauseComplete(); return NDIS_STATUS_SUCCESS; }); }],
    ['MiniportRestart', ({ target }) => { target.calls.once('miniportRestart', () => { target.miniport.restartComplete(NDIS_STATUS_SUCCESS); return NDIS_STATUS_SUCCESS; }); }],
  ];

  test.each(twice)('CHIM-LIF-006: a %s that was completed is not answered as well; it counts once', (entry, arm) => {
    const stack = createProbeStack(shape);
    const { ndis, target } = stack;
    arm(stack);
    const isPaused = pause(stack);
    const restarts: NDIS_STATUS[] = [];
    ndis.restartAdapter(target.miniport, (status) => {
      restarts.push(status);
    });
    const { actor, message } = stack.expectViolation('CHIM-LIF-006');
    expect([actor, message.includes(entry), isPaused(), restarts]).toEqual(['probe target', true, true, [NDIS_STATUS_SUCCESS]]);
    expectGoesOn(stack);
  });

  test('CHIM-LIF-006: an event that was completed is not answered as well; the pause goes on once', () => {
    const stack = createProbeStack(shape);
    const { host } = stack;
    host.calls.once('protocolNetPnPEvent', (_context: unknown, event: Parameters<NdisBinding['completeNetPnPEvent']>[0]): NDIS_STATUS => {
      host.binding.completeNetPnPEvent(event, NDIS_STATUS_SUCCESS);
      return NDIS_STATUS_SUCCESS;
    });
    const isPaused = pause(stack);
    expect([stack.expectViolation('CHIM-LIF-006').actor, isPaused(), stack.target.calls.count('miniportPause')]).toEqual(['probe host', true, 1]);
    stack.ndis.restartAdapter(stack.target.miniport);
    expectGoesOn(stack);
  });
});

describe('binds and intermediate drivers that are late', () => {
  test('an adapter that was paused when an intermediate driver bound to it can be removed', () => {
    const { ndis, target, settle, violations } = createBare();
    ndis.pauseAdapter(target.miniport);
    const { ndisProtocolHandle } = new PassThroughDriver(ndis).register();
    ndis.bindAdapter(ndisProtocolHandle, target.miniport);
    let isHalted = false;
    ndis.removeAdapter(target.miniport, () => {
      isHalted = true;
    });
    settle();
    expect([isHalted, ndis.adapters.size, violations]).toEqual([true, 0, []]);
  });

  test('an adapter that was paused when an intermediate driver bound to it can be restarted', () => {
    const { ndis, target, settle, violations } = createBare();
    ndis.pauseAdapter(target.miniport);
    const { ndisProtocolHandle } = new PassThroughDriver(ndis, { name: 'im' }).register();
    ndis.bindAdapter(ndisProtocolHandle, target.miniport);
    const host = new ProbeHost(ndis).register();
    host.bindTo('im:nic');
    settle();
    expect(() => host.sendOrdinary('x')).toThrow(/^CHIM-LIF-004/);
    ndis.restartAdapter(target.miniport);
    settle();
    host.sendOrdinary('y');
    expect([target.ordinarySends.length, violations.map(({ rule }) => rule)]).toEqual([1, ['CHIM-LIF-004']]);
  });

  test('a binding that is still opening when its adapter restarts is told once, when it is open', () => {
    const { ndis, target, settle, violations } = createBare({ pendLifeCycle: true });
    ndis.pauseAdapter(target.miniport);
    const host = new ProbeHost(ndis).register();
    host.bindTo('nic');
    ndis.restartAdapter(target.miniport);
    expect(host.calls.entries).not.toContain('protocolNetPnPEvent');
    settle();
    expect(host.calls.entries.slice(-2)).toEqual(['protocolOpenAdapterCompleteEx', 'protocolNetPnPEvent']);
    expect([host.calls.count('protocolNetPnPEvent'), violations]).toEqual([1, []]);
  });

  test('CHIM-LIF-006: a bind that fails while its open is pending is reported, and leaves no binding behind', () => {
    const { ndis, target, settle, violations } = createBare({ pendLifeCycle: true });
    class Hasty extends ProbeHost {
      override protocolBindAdapterEx(bindContext: NdisBindContext): NDIS_STATUS {
        this.ndis.openAdapterEx(this.protocolHandle, this, bindContext);
        return NDIS_STATUS_RESOURCES;
      }
    }
    const host = new Hasty(ndis, { name: 'hasty host' }).register();
    const answers: NDIS_STATUS[] = [];
    host.bindTo('nic', (status) => {
      answers.push(status);
    });
    settle();
    expect(violations.map(({ rule, actor }) => [rule, actor])).toEqual([['CHIM-LIF-006', 'hasty host']]);
    expect([answers, host.calls.count('protocolOpenAdapterCompleteEx')]).toEqual([[NDIS_STATUS_RESOURCES], 0]);
    ndis.deregisterProtocolDriver(host.protocolHandle);
    ndis.removeAdapter(target.miniport);
    settle();
    expect(ndis.adapters.size).toBe(0);
  });

  test('an intermediate driver whose virtual miniport never comes up can be paused, restarted and unbound', () => {
    class NeverUp extends PassThroughDriver {
      override miniportInitializeEx(): NDIS_STATUS {
        return NDIS_STATUS_RESOURCES;
      }
    }
    const { ndis, target, settle, violations } = createBare({ pendLifeCycle: true });
    const { ndisProtocolHandle } = new NeverUp(ndis).register();
    ndis.bindAdapter(ndisProtocolHandle, target.miniport);
    settle();
    ndis.pauseAdapter(target.miniport);
    ndis.restartAdapter(target.miniport);
    target.indicateStatus(1);
    const list = target.indicateOrdinary(0, 'x');
    expect(target.calls.of('miniportReturnNetBufferLists').map(([, returned]) => returned === list)).toEqual([true]);
    ndis.removeAdapter(target.miniport);
    settle();
    expect([violations, ndis.adapters.size]).toEqual([[], 0]);
  });

  test.each(['pause', 'unbind'])('an intermediate driver whose virtual miniport is not up yet copes with a %s', (what) => {
    const { ndis, target, settle, violations } = createBare({ pendLifeCycle: true });
    const { ndisProtocolHandle } = new PassThroughDriver(ndis, { name: 'im' }).register();
    ndis.bindAdapter(ndisProtocolHandle, target.miniport);
    if (what === 'pause') ndis.pauseAdapter(target.miniport);
    ndis.removeAdapter(target.miniport);
    settle();
    expect([violations, ndis.adapters.size]).toEqual([[], 0]);
  });
});
