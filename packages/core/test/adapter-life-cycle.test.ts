import {
  NDIS_HALT_ACTION,
  NDIS_STATUS_BAD_CHARACTERISTICS,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  NdisMiniportAdapterGeneralAttributes,
  type NDIS_STATUS,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, deferred, start } from './drivers.ts';

const boom = new Error('boom');
const thrower = (): never => {
  throw boom;
};

describe('MiniportInitializeEx', () => {
  test('a success brings the adapter up to Running; it is told its name', () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    let restarted: NDIS_STATUS | null = null;
    const { ndisDriverHandle } = ndis.registerMiniportDriver(target);
    if (ndisDriverHandle === null) throw new Error('not registered');
    const { status, ndisMiniportHandle } = ndis.addAdapter(ndisDriverHandle, 'nic', (answer) => {
      restarted = answer;
    });
    expect([status, restarted, ndisMiniportHandle?.name]).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, 'nic']);
    expect(target.entries()).toEqual(['miniportSetOptions', 'miniportInitializeEx', 'miniportRestart']);
    expect(target.calls[1]).toEqual(['miniportInitializeEx', ndisMiniportHandle, { adapterName: 'nic', imDeviceInstanceContext: null }]);
    expect(target.calls[2]).toEqual(['miniportRestart', target]);
    expect(ndis.findAdapter('nic')).toBe(ndisMiniportHandle);
    expect(ndis.findAdapter('nix')).toBeNull();
  });

  test('a failure leaves no adapter, and its name is free', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget('target', { miniportInitializeEx: NDIS_STATUS_RESOURCES });
    expect(start(ndis, target)).toBe(NDIS_STATUS_RESOURCES);
    expect(ndis.findAdapter('nic')).toBeNull();
    expect(target.entries()).not.toContain('miniportRestart');
    ndis.deregisterMiniportDriver(target.driverHandle);
    expect(start(ndis, createTarget('second'))).toBe(NDIS_STATUS_SUCCESS);
    expect(violations).toEqual([]);
  });

  test('CHIM-LIF-005: one that throws has failed', () => {
    const { ndis, violations } = createTestNdis();
    expect(start(ndis, createTarget('target', { miniportInitializeEx: thrower }))).toBe(NDIS_STATUS_FAILURE);
    expect(ndis.findAdapter('nic')).toBeNull();
    expect(violations[0]).toMatchObject({ rule: 'CHIM-LIF-005', actor: 'target', cause: boom });
  });

  test('CHIM-LIF-006: success without registration attributes is a failure', () => {
    const { ndis, rules } = createTestNdis();
    expect(start(ndis, createTarget('target', { miniportInitializeEx: NDIS_STATUS_SUCCESS }))).toBe(NDIS_STATUS_FAILURE);
    expect(rules()).toEqual(['CHIM-LIF-006']);
  });

  test('CHIM-LIF-006: attributes are set from there only, and of kinds that exist', () => {
    const { ndis, rules } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    expect(() => target.miniport.setMiniportAttributes(new NdisMiniportAdapterGeneralAttributes())).toThrow(/^CHIM-LIF-006: target:/);
    expect(rules()).toEqual(['CHIM-LIF-006']);
    const odd = createTarget('odd', {
      miniportInitializeEx(miniport) {
        return miniport.setMiniportAttributes({ header: { type: 1, revision: 1, size: 1 } } as never);
      },
    });
    expect(start(ndis, odd, 'odd')).toBe(NDIS_STATUS_BAD_CHARACTERISTICS);
  });

  test('a name is given once', () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    expect(() => ndis.addAdapter(target.driverHandle, 'nic')).toThrow(TypeError);
    expect(ndis.addAdapter(target.driverHandle, 'nic 2').status).toBe(NDIS_STATUS_SUCCESS);
  });
});

describe('restart and pause', () => {
  test('a paused adapter pauses its bindings first, and restarts them last', () => {
    const { ndis } = createTestNdis();
    const order: string[] = [];
    const note = (what: string): NDIS_STATUS => {
      order.push(what);
      return NDIS_STATUS_SUCCESS;
    };
    const target = createTarget('target', { miniportPause: () => note('target pauses'), miniportRestart: () => note('target restarts') });
    start(ndis, target);
    for (const name of ['a', 'b']) bind(ndis, createHost(ndis, name, { protocolNetPnPEvent: (_context, { netEvent }) => note(`${name} ${netEvent === NET_PNP_EVENT_CODE.NetEventPause ? 'pauses' : 'restarts'}`) }));
    order.length = 0;
    ndis.pauseAdapter(target.miniport, () => order.push('paused'));
    ndis.restartAdapter(target.miniport, () => order.push('restarted'));
    expect(order).toEqual(['a pauses', 'b pauses', 'target pauses', 'paused', 'target restarts', 'a restarts', 'b restarts', 'restarted']);
  });

  test('a pause that says it failed has paused all the same, and the driver is told that it cannot fail (CHIM-LIF-006)', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget('target', { miniportPause: NDIS_STATUS_FAILURE });
    start(ndis, target);
    let paused = 0;
    ndis.pauseAdapter(target.miniport, () => paused++);
    expect([paused, violations.map(({ message }) => message)]).toEqual([1, ['CHIM-LIF-006: target: MiniportPause answered NDIS_STATUS_FAILURE (0xC0000001): a pause cannot fail']]);
  });

  test('a driver that needs time answers PENDING and completes later; what comes next waits for it', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget('target', { miniportPause: NDIS_STATUS_PENDING, miniportRestart: NDIS_STATUS_PENDING });
    start(ndis, target);
    target.miniport.restartComplete(NDIS_STATUS_SUCCESS);
    const done: string[] = [];
    ndis.pauseAdapter(target.miniport, () => done.push('paused'));
    ndis.restartAdapter(target.miniport, (status) => done.push(`restarted ${status}`));
    ndis.pauseAdapter(target.miniport, () => done.push('paused again'));
    expect([done, target.entries().slice(3)]).toEqual([[], ['miniportPause']]);
    target.miniport.pauseComplete();
    expect([done, target.entries().slice(4)]).toEqual([['paused'], ['miniportRestart']]);
    target.miniport.restartComplete(NDIS_STATUS_SUCCESS);
    expect(done).toEqual(['paused', 'restarted 0']);
    target.miniport.pauseComplete();
    expect(done).toEqual(['paused', 'restarted 0', 'paused again']);
    expect(violations).toEqual([]);
  });

  test('a binding that needs time to pause answers PENDING; the adapter waits for it', () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    let event: object | null = null;
    const host = createHost(ndis, 'host', {
      protocolNetPnPEvent(_context, netPnPEvent) {
        event = netPnPEvent;
        return NDIS_STATUS_PENDING;
      },
    });
    let bound = 0;
    bind(ndis, host, 'nic', () => bound++);
    expect([event, bound]).toEqual([{ netEvent: NET_PNP_EVENT_CODE.NetEventRestart }, 0]);
    host.binding.completeNetPnPEvent(event as never, NDIS_STATUS_SUCCESS);
    expect(bound).toBe(1);
    let paused = 0;
    ndis.pauseAdapter(target.miniport, () => paused++);
    expect([event, paused, target.entries().includes('miniportPause')]).toEqual([{ netEvent: NET_PNP_EVENT_CODE.NetEventPause }, 0, false]);
    host.binding.completeNetPnPEvent(event as never, NDIS_STATUS_SUCCESS);
    expect([paused, target.entries().at(-1)]).toEqual([1, 'miniportPause']);
  });

  test('a restart that fails leaves the adapter paused; a later one may succeed', () => {
    const { ndis } = createTestNdis();
    let answer: NDIS_STATUS = NDIS_STATUS_RESOURCES;
    const target = createTarget('target', { miniportRestart: () => answer });
    start(ndis, target);
    const host = createHost(ndis);
    bind(ndis, host);
    expect(host.entries()).not.toContain('protocolNetPnPEvent');
    const answers: NDIS_STATUS[] = [];
    const noteAnswer = (status: NDIS_STATUS): void => {
      answers.push(status);
    };
    ndis.restartAdapter(target.miniport, noteAnswer);
    answer = NDIS_STATUS_SUCCESS;
    ndis.restartAdapter(target.miniport, noteAnswer);
    ndis.restartAdapter(target.miniport, noteAnswer);
    expect(answers).toEqual([NDIS_STATUS_RESOURCES, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    expect(host.entries().filter((entry) => entry === 'protocolNetPnPEvent')).toHaveLength(1);
  });

  test('CHIM-LIF-005: a handler that throws is reported; a pause happens all the same, a restart has failed', () => {
    const { ndis, violations, rules } = createTestNdis();
    const target = createTarget('target', { miniportPause: thrower });
    start(ndis, target);
    const host = createHost(ndis, 'host', { protocolNetPnPEvent: thrower });
    bind(ndis, host);
    const done: string[] = [];
    ndis.pauseAdapter(target.miniport, () => done.push('paused'));
    expect(done).toEqual(['paused']);
    expect(violations.map(({ actor }) => actor)).toEqual(['host', 'host', 'target']);
    const bad = createTarget('bad', { miniportRestart: thrower });
    start(ndis, bad, 'bad');
    ndis.restartAdapter(bad.miniport, (status) => done.push(`restart ${status === NDIS_STATUS_FAILURE ? 'failed' : 'went well'}`));
    expect(done).toEqual(['paused', 'restart failed']);
    expect(new Set(rules())).toEqual(new Set(['CHIM-LIF-005']));
  });

  test('CHIM-LIF-006: completing what is not under way is refused', () => {
    const { ndis, rules } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    const host = createHost(ndis);
    bind(ndis, host);
    expect(() => {
      target.miniport.pauseComplete();
    }).toThrow(/adapter nic is running/);
    expect(() => {
      target.miniport.restartComplete(NDIS_STATUS_SUCCESS);
    }).toThrow(/adapter nic is running/);
    expect(() => {
      host.binding.completeNetPnPEvent({ netEvent: NET_PNP_EVENT_CODE.NetEventPause }, NDIS_STATUS_SUCCESS);
    }).toThrow(/this event of the binding is not under way/);
    expect(rules()).toEqual(['CHIM-LIF-006', 'CHIM-LIF-006', 'CHIM-LIF-006']);
  });

  test('CHIM-LIF-001: they are for PASSIVE_LEVEL', () => {
    const { ndis, settle, rules } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    deferred(ndis, () => {
      expect(() => {
        ndis.pauseAdapter(target.miniport);
      }).toThrow(/^CHIM-LIF-001/);
      expect(() => {
        ndis.restartAdapter(target.miniport);
      }).toThrow(/^CHIM-LIF-001/);
      expect(() => {
        ndis.removeAdapter(target.miniport);
      }).toThrow(/^CHIM-LIF-001/);
      expect(() => ndis.addAdapter(target.driverHandle, 'x')).toThrow(/^CHIM-LIF-001/);
    });
    settle();
    expect(rules()).toEqual(['CHIM-LIF-001', 'CHIM-LIF-001', 'CHIM-LIF-001', 'CHIM-LIF-001']);
    expect(target.entries()).not.toContain('miniportPause');
  });
});

describe('halt', () => {
  test('everything above is unbound, the adapter paused, then halted, with the reason', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    const hosts = ['a', 'b'].map((name) => createHost(ndis, name));
    for (const host of hosts) bind(ndis, host);
    let halted = 0;
    ndis.removeAdapter(target.miniport, () => halted++);
    for (const host of hosts) expect(host.entries().slice(-1)).toEqual(['protocolUnbindAdapterEx']);
    expect(target.entries().slice(-2)).toEqual(['miniportPause', 'miniportHaltEx']);
    expect(target.calls.at(-1)).toEqual(['miniportHaltEx', target, NDIS_HALT_ACTION.NdisHaltDeviceDisabled]);
    expect([halted, ndis.findAdapter('nic')]).toEqual([1, null]);
    expect(violations).toEqual([]);
  });

  test('it waits for unbinds and pauses that take their time', () => {
    const { ndis } = createTestNdis();
    const target = createTarget('target', { miniportPause: NDIS_STATUS_PENDING });
    start(ndis, target);
    const host = createHost(ndis, 'host', { protocolUnbindAdapterEx: NDIS_STATUS_PENDING });
    bind(ndis, host);
    let halted = 0;
    ndis.removeAdapter(target.miniport, () => halted++);
    expect(target.entries()).not.toContain('miniportPause');
    host.binding.closeAdapterEx();
    host.binding.completeUnbindAdapterEx();
    expect([target.entries().at(-1), halted]).toEqual(['miniportPause', 0]);
    target.miniport.pauseComplete();
    expect([target.entries().at(-1), halted]).toEqual(['miniportHaltEx', 1]);
  });

  test('a second removal finds the adapter gone, and says so', () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    let halted = 0;
    ndis.removeAdapter(target.miniport, () => halted++);
    ndis.removeAdapter(target.miniport, () => halted++);
    expect(halted).toBe(2);
    expect(target.entries().filter((entry) => entry === 'miniportHaltEx')).toHaveLength(1);
  });

  test('a paused adapter is not paused again', () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    ndis.pauseAdapter(target.miniport);
    ndis.removeAdapter(target.miniport);
    expect(target.entries().filter((entry) => entry === 'miniportPause')).toHaveLength(1);
  });

  test('CHIM-LIF-005: a halt handler that throws is reported, and the adapter is gone', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget('target', { miniportHaltEx: thrower });
    start(ndis, target);
    ndis.removeAdapter(target.miniport);
    expect(violations).toMatchObject([{ rule: 'CHIM-LIF-005', actor: 'target', cause: boom }]);
    expect(ndis.findAdapter('nic')).toBeNull();
    ndis.deregisterMiniportDriver(target.driverHandle);
  });
});
