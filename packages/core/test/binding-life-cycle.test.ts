import {
  Mdl,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  NdisOidRequest,
  type NDIS_STATUS,
  type NdisBinding,
  type NetBufferList,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, deferred, register, setRegistrationAttributes, start, type TestHost, type TestNdis } from './drivers.ts';

const boom = new Error('boom');
const thrower = (): never => {
  throw boom;
};

interface Bound extends TestNdis {
  readonly target: ReturnType<typeof createTarget>;
  readonly host: TestHost;
}

function bound(pendLifeCycle = false): Bound {
  const test = createTestNdis({ pendLifeCycle });
  const target = createTarget();
  start(test.ndis, target);
  const host = createHost(test.ndis);
  bind(test.ndis, host);
  test.settle();
  return { ...test, target, host };
}

function ordinaryNbl(host: TestHost, { ndis }: Pick<TestNdis, 'ndis'>): NetBufferList {
  const nbl = ndis.allocateNetBufferListPool(host.name).allocateNetBufferAndNetBufferList(new Mdl(new Uint8Array(1)), 0, 1);
  if (nbl === null) throw new Error('no NBL');
  return nbl;
}

describe.each([false, true])('bind and unbind, pendLifeCycle %s', (pendLifeCycle) => {
  test('a bind opens the adapter, and ends when the binding runs', () => {
    const { ndis, settle, violations } = createTestNdis({ pendLifeCycle });
    start(ndis, createTarget());
    const host = createHost(ndis);
    const ends: [NDIS_STATUS, NdisBinding | null][] = [];
    const answer = bind(ndis, host, 'nic', (...end) => ends.push(end));
    expect(answer).toBe(pendLifeCycle ? NDIS_STATUS_PENDING : NDIS_STATUS_SUCCESS);
    expect(ends).toHaveLength(pendLifeCycle ? 0 : 1);
    settle();
    expect(ends).toEqual([[NDIS_STATUS_SUCCESS, host.binding]]);
    const opened = pendLifeCycle ? ['protocolOpenAdapterCompleteEx'] : [];
    expect(host.entries()).toEqual(['protocolSetOptions', 'protocolBindAdapterEx', ...opened, 'protocolNetPnPEvent']);
    expect([host.binding.adapterName, host.binding.protocolBindingContext, host.binding.ndis]).toEqual(['nic', host, ndis]);
    expect(violations).toEqual([]);
  });

  test('CHIM-LIF-004: a binding to a paused adapter is open and paused until the adapter restarts', () => {
    const { ndis, settle, rules } = createTestNdis({ pendLifeCycle });
    const target = createTarget();
    start(ndis, target);
    ndis.pauseAdapter(target.miniport);
    const host = createHost(ndis);
    let status: NDIS_STATUS | null = null;
    bind(ndis, host, 'nic', (answer) => {
      status = answer;
    });
    settle();
    expect([status, host.entries().includes('protocolNetPnPEvent')]).toEqual([NDIS_STATUS_SUCCESS, false]);
    const nbl = ordinaryNbl(host, { ndis });
    expect(() => {
      host.binding.sendNetBufferLists(nbl, 0, 0);
    }).toThrow(/the binding to nic is paused/);
    expect(rules()).toEqual(['CHIM-LIF-004']);
    ndis.restartAdapter(target.miniport);
    host.binding.sendNetBufferLists(nbl, 0, 0);
    expect(target.entries().at(-1)).toBe('miniportSendNetBufferLists');
  });

  test('a bind that fails leaves no binding', () => {
    const { ndis, settle, violations } = createTestNdis({ pendLifeCycle });
    start(ndis, createTarget());
    const host = createHost(ndis, 'host', { protocolBindAdapterEx: NDIS_STATUS_RESOURCES });
    const ends: [NDIS_STATUS, NdisBinding | null][] = [];
    expect(bind(ndis, host, 'nic', (...end) => ends.push(end))).toBe(NDIS_STATUS_RESOURCES);
    settle();
    expect(ends).toEqual([[NDIS_STATUS_RESOURCES, null]]);
    ndis.deregisterProtocolDriver(host.protocolHandle);
    expect(violations).toEqual([]);
  });

  test('CHIM-LIF-005: a bind handler that throws has failed', () => {
    const { ndis, settle, violations } = createTestNdis({ pendLifeCycle });
    start(ndis, createTarget());
    const ends: NDIS_STATUS[] = [];
    expect(bind(ndis, createHost(ndis, 'host', { protocolBindAdapterEx: thrower }), 'nic', (status) => ends.push(status))).toBe(NDIS_STATUS_FAILURE);
    settle();
    expect(ends).toEqual([NDIS_STATUS_FAILURE]);
    expect(violations).toMatchObject([{ rule: 'CHIM-LIF-005', actor: 'host', cause: boom }]);
  });

  test('an unbind closes the binding, and ends when it is closed', () => {
    const { ndis, settle, host, violations } = bound(pendLifeCycle);
    let unbound = 0;
    ndis.unbindAdapter(host.binding, () => unbound++);
    expect(unbound).toBe(pendLifeCycle ? 0 : 1);
    settle();
    expect(unbound).toBe(1);
    expect(host.entries().slice(4).includes('protocolCloseAdapterCompleteEx')).toBe(pendLifeCycle);
    ndis.deregisterProtocolDriver(host.protocolHandle);
    expect(violations).toEqual([]);
  });

  test('unbinding again finds it done, or waits for the one under way', () => {
    const { ndis, settle, host } = bound(pendLifeCycle);
    let unbound = 0;
    ndis.unbindAdapter(host.binding, () => unbound++);
    ndis.unbindAdapter(host.binding, () => unbound++);
    settle();
    ndis.unbindAdapter(host.binding, () => unbound++);
    expect(unbound).toBe(3);
    expect(host.entries().filter((entry) => entry === 'protocolUnbindAdapterEx')).toHaveLength(1);
  });

  test('CHIM-LIF-002: a closed binding is dead from the call on', () => {
    const { host, settle, rules } = bound(pendLifeCycle);
    const context = ordinaryNbl(host, bound());
    expect(host.binding.closeAdapterEx()).toBe(pendLifeCycle ? NDIS_STATUS_PENDING : NDIS_STATUS_SUCCESS);
    const { binding } = host;
    expect(() => {
      binding.sendNetBufferLists(context, 0, 0);
    }).toThrow(/the binding to nic is closed/);
    expect(() => binding.oidRequest(new NdisOidRequest())).toThrow(/CHIM-LIF-002/);
    expect(() => binding.closeAdapterEx()).toThrow(/CHIM-LIF-002/);
    expect(rules()).toEqual(['CHIM-LIF-002', 'CHIM-LIF-002', 'CHIM-LIF-002']);
    // Its own unbind is not under way: the completion of the close has nothing to complete.
    host.protocolCloseAdapterCompleteEx = () => undefined;
    settle();
  });

  test('a close waits for indicated NBLs to be returned', () => {
    const { ndis, settle, host, target } = bound(pendLifeCycle);
    const nbl = ordinaryNbl(host, { ndis });
    target.miniport.indicateReceiveNetBufferLists(nbl, 0, 1, 0);
    let unbound = 0;
    ndis.unbindAdapter(host.binding, () => unbound++);
    settle();
    expect(unbound).toBe(0);
    host.binding.returnNetBufferLists(nbl, 0);
    // Returning is not the place to close: the completion comes later.
    expect(unbound).toBe(0);
    settle();
    expect([unbound, host.entries().at(-1)]).toEqual([1, 'protocolCloseAdapterCompleteEx']);
  });
});

test('what a protocol learns at bind: name, MTU and address of the adapter', () => {
  const { host } = bound();
  expect(host.parameters).toEqual({ adapterName: 'nic', tcpConnectionOffloadCapabilities: null, mtuSize: 0, currentMacAddress: new Uint8Array(0) });
});

test('binding to an adapter that is gone is answered with CLOSING', () => {
  const { ndis, target, host } = bound();
  ndis.removeAdapter(target.miniport);
  const ends: [NDIS_STATUS, unknown][] = [];
  expect(ndis.bindAdapter(host.protocolHandle, target.miniport, (...end) => ends.push(end))).toBe(NDIS_STATUS_CLOSING);
  expect(ends).toEqual([[NDIS_STATUS_CLOSING, null]]);
});

test('a bind may take its time: PENDING, then NdisCompleteBindAdapterEx, once', () => {
  const { ndis, rules } = createTestNdis();
  start(ndis, createTarget());
  const host: TestHost = createHost(ndis, 'host', {
    protocolBindAdapterEx(bindContext) {
      host.bindContext = bindContext;
      return NDIS_STATUS_PENDING;
    },
  });
  const ends: [NDIS_STATUS, NdisBinding | null][] = [];
  expect(bind(ndis, host, 'nic', (...end) => ends.push(end))).toBe(NDIS_STATUS_PENDING);
  const { ndisBindingHandle } = ndis.openAdapterEx(host.protocolHandle, host, host.bindContext);
  expect(ends).toEqual([]);
  host.bindContext.completeBindAdapterEx(NDIS_STATUS_SUCCESS);
  expect(ends).toEqual([[NDIS_STATUS_SUCCESS, ndisBindingHandle]]);
  expect(() => {
    host.bindContext.completeBindAdapterEx(NDIS_STATUS_SUCCESS);
  }).toThrow(/this bind is over already/);
  expect(rules()).toEqual(['CHIM-LIF-006']);
});

test('CHIM-LIF-006: a bind that succeeds without an open binding, or fails with one, is reported', () => {
  const { ndis, rules } = createTestNdis();
  start(ndis, createTarget());
  const ends: NDIS_STATUS[] = [];
  bind(ndis, createHost(ndis, 'liar', { protocolBindAdapterEx: NDIS_STATUS_SUCCESS }), 'nic', (status) => ends.push(status));
  const quitter: TestHost = createHost(ndis, 'quitter', {
    protocolBindAdapterEx(bindContext) {
      ndis.openAdapterEx(quitter.protocolHandle, quitter, bindContext);
      return NDIS_STATUS_RESOURCES;
    },
  });
  bind(ndis, quitter, 'nic', (status) => ends.push(status));
  expect(ends).toEqual([NDIS_STATUS_FAILURE, NDIS_STATUS_RESOURCES]);
  expect(rules()).toEqual(['CHIM-LIF-006', 'CHIM-LIF-006']);
});

test('CHIM-LIF-006: NdisOpenAdapterEx is called once per bind, while it lasts, by the protocol that is asked', () => {
  const { ndis, host, rules } = bound();
  const other = register(ndis, createHost(ndis, 'other'));
  for (const attempt of [() => ndis.openAdapterEx(host.protocolHandle, {}, host.bindContext), () => ndis.openAdapterEx(other.protocolHandle, {}, host.bindContext)]) {
    expect(attempt).toThrow(/^CHIM-LIF-006/);
  }
  expect(rules()).toEqual(['CHIM-LIF-006', 'CHIM-LIF-006']);
});

test('CHIM-LIF-002: a binding that is still opening lets nothing down and is not closed', () => {
  const { ndis, rules } = createTestNdis({ pendLifeCycle: true });
  start(ndis, createTarget());
  const host = createHost(ndis);
  bind(ndis, host);
  const nbl = ordinaryNbl(host, { ndis });
  expect(() => {
    host.binding.sendNetBufferLists(nbl, 0, 0);
  }).toThrow(/is not open yet/);
  expect(() => host.binding.oidRequest(new NdisOidRequest())).toThrow(/is not open yet/);
  expect(() => host.binding.closeAdapterEx()).toThrow(/is not open yet/);
  expect(rules()).toEqual(['CHIM-LIF-002', 'CHIM-LIF-002', 'CHIM-LIF-002']);
});

test('CHIM-LIF-003: a binding with work of its own outstanding is not closed, and stays open', () => {
  const { ndis, host, target, rules } = bound();
  const nbl = ordinaryNbl(host, { ndis });
  host.binding.sendNetBufferLists(nbl, 0, 0);
  expect(() => host.binding.closeAdapterEx()).toThrow(/still has 1 NET_BUFFER_LISTs below/);
  target.miniport.sendNetBufferListsComplete(nbl, 0);
  target.miniportOidRequest = () => NDIS_STATUS_PENDING;
  const request = new NdisOidRequest();
  request.requestType = NDIS_REQUEST_TYPE.NdisRequestSetInformation;
  expect(host.binding.oidRequest(request)).toBe(NDIS_STATUS_PENDING);
  expect(() => host.binding.closeAdapterEx()).toThrow(/still has 1 OID requests below/);
  target.miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
  expect(host.binding.closeAdapterEx()).toBe(NDIS_STATUS_SUCCESS);
  expect(rules()).toEqual(['CHIM-LIF-003', 'CHIM-LIF-003']);
});

test('CHIM-LIF-001: binding, opening, closing and unbinding are for PASSIVE_LEVEL', () => {
  const { ndis, host, target, settle, rules } = bound();
  deferred(ndis, () => {
    expect(() => host.binding.closeAdapterEx()).toThrow(/CHIM-LIF-001/);
    expect(() => {
      ndis.unbindAdapter(host.binding);
    }).toThrow(/CHIM-LIF-001/);
    expect(() => ndis.bindAdapter(host.protocolHandle, target.miniport)).toThrow(/CHIM-LIF-001/);
    expect(() => ndis.openAdapterEx(host.protocolHandle, host, host.bindContext)).toThrow(/CHIM-LIF-001/);
  });
  settle();
  expect(rules()).toEqual(['CHIM-LIF-001', 'CHIM-LIF-001', 'CHIM-LIF-001', 'CHIM-LIF-001']);
  expect(host.binding.closeAdapterEx()).toBe(NDIS_STATUS_SUCCESS);
});

test('CHIM-LIF-006: completing an unbind that is not under way is refused', () => {
  const { host, rules } = bound();
  expect(() => {
    host.binding.completeUnbindAdapterEx();
  }).toThrow(/no unbind from nic is under way/);
  expect(rules()).toEqual(['CHIM-LIF-006']);
});

test('CHIM-LIF-005: unbind and completion handlers that throw are reported', () => {
  const { ndis, settle, violations } = createTestNdis({ pendLifeCycle: true });
  start(ndis, createTarget());
  const host: TestHost = createHost(ndis, 'host', {
    protocolOpenAdapterCompleteEx(_context, status) {
      host.bindContext.completeBindAdapterEx(status);
      throw boom;
    },
    protocolCloseAdapterCompleteEx() {
      host.binding.completeUnbindAdapterEx();
      throw boom;
    },
    protocolUnbindAdapterEx() {
      host.binding.closeAdapterEx();
      throw boom;
    },
  });
  bind(ndis, host);
  settle();
  let unbound = 0;
  ndis.unbindAdapter(host.binding, () => unbound++);
  settle();
  expect(unbound).toBe(1);
  expect(violations.map(({ rule, actor, detail }) => [rule, actor, detail.split(' ')[0]])).toEqual([
    ['CHIM-LIF-005', 'host', 'ProtocolOpenAdapterCompleteEx'],
    ['CHIM-LIF-005', 'host', 'ProtocolUnbindAdapterEx'],
    // The throwing unbind counts as ended; what its completion then finds is nothing.
    ['CHIM-LIF-006', 'host', 'NdisCompleteUnbindAdapterEx:'],
  ]);
});

describe('virtual miniports', () => {
  const virtual = (ndis: TestNdis['ndis'], contexts: unknown[]): ReturnType<typeof createTarget> => {
    const im = createTarget('im', {
      miniportInitializeEx(miniport, { imDeviceInstanceContext }) {
        contexts.push(imDeviceInstanceContext);
        setRegistrationAttributes(miniport, im);
        im.miniport = miniport;
        return NDIS_STATUS_SUCCESS;
      },
    });
    const { ndisDriverHandle } = ndis.registerMiniportDriver(im, true);
    if (ndisDriverHandle === null) throw new Error('not registered');
    im.driverHandle = ndisDriverHandle;
    return im;
  };

  test.each([false, true])('they start when asked, now or a little later (pendLifeCycle %s), with the driver’s context', (pendLifeCycle) => {
    const { ndis, settle } = createTestNdis({ pendLifeCycle });
    const contexts: unknown[] = [];
    const im = virtual(ndis, contexts);
    expect(ndis.imInitializeDeviceInstanceEx(im.driverHandle, 'virtual', 'my context')).toBe(NDIS_STATUS_SUCCESS);
    expect(contexts).toEqual(pendLifeCycle ? [] : ['my context']);
    settle();
    expect(contexts).toEqual(['my context']);
    let halted = 0;
    ndis.imDeInitializeDeviceInstance(im.miniport, () => halted++);
    expect([halted, ndis.findAdapter('virtual'), im.entries().at(-1)]).toEqual([1, null, 'miniportHaltEx']);
  });

  test('one that has not started yet can be cancelled, one that is up cannot', () => {
    const { ndis, settle } = createTestNdis({ pendLifeCycle: true });
    const contexts: unknown[] = [];
    const im = virtual(ndis, contexts);
    ndis.imInitializeDeviceInstanceEx(im.driverHandle, 'virtual', 1);
    expect(ndis.imCancelInitializeDeviceInstance(im.driverHandle, 'virtual')).toBe(NDIS_STATUS_SUCCESS);
    settle();
    expect(contexts).toEqual([]);
    expect(ndis.imInitializeDeviceInstanceEx(im.driverHandle, 'virtual', 2)).toBe(NDIS_STATUS_SUCCESS);
    settle();
    expect(contexts).toEqual([2]);
    expect(ndis.imCancelInitializeDeviceInstance(im.driverHandle, 'virtual')).toBe(NDIS_STATUS_FAILURE);
  });

  test('a name that is taken, or a driver that is no intermediate driver, is not accepted', () => {
    const { ndis } = createTestNdis({ pendLifeCycle: true });
    const im = virtual(ndis, []);
    const target = createTarget();
    start(ndis, target);
    const initialize = (handle: typeof im.driverHandle, name: string): boolean => ndis.imInitializeDeviceInstanceEx(handle, name, null) === NDIS_STATUS_SUCCESS;
    expect([initialize(im.driverHandle, 'nic'), initialize(im.driverHandle, 'virtual'), initialize(im.driverHandle, 'virtual'), initialize(target.driverHandle, 'other')]).toEqual([false, true, false, false]);
  });
});

describe('a bind that ends while its adapter changes its state', () => {
  /** A host that is told of events and ends them when asked to. */
  function slowHost({ ndis }: TestNdis, name: string): { readonly host: TestHost; readonly events: NetPnPEventNotification[]; readonly isSlow: { value: boolean } } {
    const events: NetPnPEventNotification[] = [];
    const isSlow = { value: true };
    const host = createHost(ndis, name, {
      protocolNetPnPEvent: (_context, event) => {
        events.push(event);
        return isSlow.value ? NDIS_STATUS_PENDING : NDIS_STATUS_SUCCESS;
      },
    });
    return { host, events, isSlow };
  }

  function end({ binding }: TestHost, events: readonly NetPnPEventNotification[], at: number): void {
    const event = events[at];
    if (event === undefined) throw new Error('no such event');
    binding.completeNetPnPEvent(event, NDIS_STATUS_SUCCESS);
  }

  const { NetEventPause, NetEventRestart } = NET_PNP_EVENT_CODE;
  const codes = (events: readonly NetPnPEventNotification[]): number[] => events.map(({ netEvent }) => netEvent);

  test('the binding does not run above an adapter that was being paused', () => {
    const test = createTestNdis();
    const { ndis, violations } = test;
    const target = createTarget();
    start(ndis, target);
    const { host: first, events, isSlow } = slowHost(test, 'first');
    isSlow.value = false;
    bind(ndis, first);
    isSlow.value = true;
    ndis.pauseAdapter(target.miniport);
    const { host: second, events: seen } = slowHost(test, 'second');
    let status: NDIS_STATUS | null = null;
    bind(ndis, second, 'nic', (answer) => {
      status = answer;
    });
    end(first, events, 1);
    expect([status, codes(seen)]).toEqual([NDIS_STATUS_SUCCESS, []]);
    expect(() => {
      second.binding.sendNetBufferLists(ordinaryNbl(second, test), 0, 0);
    }).toThrow(/the binding to nic is paused/);
    expect(violations).toHaveLength(1);
  });

  test('the binding is restarted once when its adapter was being restarted', () => {
    const test = createTestNdis();
    const { ndis, violations } = test;
    const target = createTarget();
    start(ndis, target);
    const { host: first, events, isSlow } = slowHost(test, 'first');
    isSlow.value = false;
    bind(ndis, first);
    ndis.pauseAdapter(target.miniport);
    const { host: second, events: seen } = slowHost(test, 'second');
    bind(ndis, second);
    isSlow.value = true;
    let isUp = false;
    ndis.restartAdapter(target.miniport, () => {
      isUp = true;
    });
    const third = slowHost(test, 'third');
    let status: NDIS_STATUS | null = null;
    bind(ndis, third.host, 'nic', (answer) => {
      status = answer;
    });
    end(first, events, 2);
    end(second, seen, 0);
    expect([isUp, status]).toEqual([true, null]);
    end(third.host, third.events, 0);
    expect([status, codes(seen), codes(third.events)]).toEqual([NDIS_STATUS_SUCCESS, [NetEventRestart], [NetEventRestart]]);
    expect(violations).toEqual([]);
  });

  test('a pause comes after the restart that ends the bind', () => {
    const test = createTestNdis();
    const { ndis, violations } = test;
    const target = createTarget();
    start(ndis, target);
    const { host, events } = slowHost(test, 'host');
    const log: string[] = [];
    bind(ndis, host, 'nic', () => {
      log.push('bound');
    });
    ndis.pauseAdapter(target.miniport, () => {
      log.push('paused');
    });
    expect(codes(events)).toEqual([NetEventRestart]);
    end(host, events, 0);
    expect([log, codes(events)]).toEqual([['bound'], [NetEventRestart, NetEventPause]]);
    end(host, events, 1);
    expect(log).toEqual(['bound', 'paused']);
    expect(violations).toEqual([]);
  });

  test('an event ends with the binding, so that the adapter can go', () => {
    const test = createTestNdis();
    const { ndis, settle, violations } = test;
    const target = createTarget();
    start(ndis, target);
    const { host, events } = slowHost(test, 'host');
    bind(ndis, host);
    let isHalted = false;
    ndis.pauseAdapter(target.miniport);
    ndis.removeAdapter(target.miniport, () => {
      isHalted = true;
    });
    ndis.unbindAdapter(host.binding);
    settle();
    expect([isHalted, codes(events), violations]).toEqual([true, [NetEventRestart], []]);
  });
});
