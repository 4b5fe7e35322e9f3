import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_BAD_CHARACTERISTICS,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  type NDIS_STATUS,
  type NdisDriverOptionalHandlers,
  type NdisMiniportDriverHandle,
  type NdisProtocolHandle,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, deferred, register, setRegistrationAttributes, start } from './drivers.ts';

const target = createTarget();
const host = createHost(createTestNdis().ndis);
const providers = [new NdisProviderChimneyOffloadGenericCharacteristics(target), new NdisProviderChimneyOffloadTcpCharacteristics(target)] as const;
const clients = [new NdisClientChimneyOffloadGenericCharacteristics(host), new NdisClientChimneyOffloadTcpCharacteristics(host)] as const;

/** Registers a driver of one edge that passes these structures, and says how each was answered. */
function answersOf(edge: 'miniport' | 'protocol', structures: readonly NdisDriverOptionalHandlers[]): NDIS_STATUS[] {
  const { ndis } = createTestNdis();
  const answers: NDIS_STATUS[] = [];
  const setOptions = (handle: NdisMiniportDriverHandle | NdisProtocolHandle): NDIS_STATUS => {
    for (const structure of structures) answers.push(handle.setOptionalHandlers(structure));
    return NDIS_STATUS_SUCCESS;
  };
  if (edge === 'miniport') ndis.registerMiniportDriver(createTarget('driver', { miniportSetOptions: setOptions }));
  else ndis.registerProtocolDriver(createHost(ndis, 'driver', { protocolSetOptions: setOptions }));
  return answers;
}

describe('NdisSetOptionalHandlers', () => {
  test('CHIM-CAP-001: each edge takes its own two structures, once, in either order', () => {
    expect(answersOf('miniport', providers)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    expect(answersOf('protocol', [...clients].reverse())).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
  });

  test('a second structure of a kind is refused', () => {
    expect(answersOf('miniport', [...providers, ...providers]).slice(2)).toEqual([NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS]);
    expect(answersOf('protocol', [...clients, ...clients]).slice(2)).toEqual([NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS]);
  });

  test('a structure of the other edge is refused', () => {
    expect(answersOf('miniport', clients)).toEqual([NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS]);
    expect(answersOf('protocol', providers)).toEqual([NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS]);
  });

  test.each([NDIS_CHIMNEY_OFFLOAD_TYPE.NdisIpsecChimneyOffload, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisRdmaChimneyOffload, 0])('chimney type %i is not supported, only TCP', (offloadType) => {
    const retyped = <T extends object>(structure: T): T => Object.assign(Object.create(structure) as T, { offloadType });
    expect(answersOf('miniport', [retyped(providers[1])])).toEqual([NDIS_STATUS_NOT_SUPPORTED]);
    expect(answersOf('protocol', [retyped(clients[1])])).toEqual([NDIS_STATUS_NOT_SUPPORTED]);
  });

  test('a structure NDIS does not know is not supported', () => {
    const unknown = { header: { type: 0x77, revision: 1, size: 8 }, handlers: {} } as unknown as NdisDriverOptionalHandlers;
    expect(answersOf('miniport', [unknown])).toEqual([NDIS_STATUS_NOT_SUPPORTED]);
    expect(answersOf('protocol', [unknown])).toEqual([NDIS_STATUS_NOT_SUPPORTED]);
  });

  const required: [edge: 'miniport' | 'protocol', entry: string, structure: (handlers: never) => NdisDriverOptionalHandlers][] = [
    ...['Initiate', 'Terminate', 'Update', 'Invalidate', 'Query'].flatMap((name): typeof required => [
      ['miniport', `miniport${name}Offload`, (handlers) => new NdisProviderChimneyOffloadGenericCharacteristics(handlers)],
      ['protocol', `protocol${name}OffloadComplete`, (handlers) => new NdisClientChimneyOffloadGenericCharacteristics(handlers)],
    ]),
    ...['Send', 'Receive', 'Disconnect', 'Forward', 'ReceiveReturn'].map((name): (typeof required)[0] => [
      'miniport',
      `miniportTcpOffload${name}`,
      (handlers) => new NdisProviderChimneyOffloadTcpCharacteristics(handlers),
    ]),
    ...['SendComplete', 'ReceiveComplete', 'DisconnectComplete', 'ForwardComplete', 'Event', 'ReceiveIndicate'].map((name): (typeof required)[0] => [
      'protocol',
      `protocolTcpOffload${name}`,
      (handlers) => new NdisClientChimneyOffloadTcpCharacteristics(handlers),
    ]),
  ];

  test.each(required)('CHIM-CAP-001: a %s structure without %s is refused whole, by name', (edge, entry, structure) => {
    const driver = { ...(edge === 'miniport' ? target : host), [entry]: undefined };
    const { ndis, violations } = createTestNdis();
    const setOptions = (handle: NdisMiniportDriverHandle | NdisProtocolHandle): NDIS_STATUS => handle.setOptionalHandlers(structure(driver as never));
    const { status } =
      edge === 'miniport'
        ? ndis.registerMiniportDriver(createTarget('driver', { miniportSetOptions: setOptions }))
        : ndis.registerProtocolDriver(createHost(ndis, 'driver', { protocolSetOptions: setOptions }));
    expect(status).toBe(NDIS_STATUS_FAILURE);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ rule: 'CHIM-LIF-005', actor: 'driver', cause: expect.any(TypeError) as unknown });
    expect(violations[0]?.message).toContain(`the handlers lack ${entry}`);
  });

  test('the neighbor query handler may be left out', () => {
    const structure = new NdisClientChimneyOffloadGenericCharacteristics({ ...host, protocolIndicateOffloadEvent: undefined } as never);
    expect(answersOf('protocol', [structure])).toEqual([NDIS_STATUS_SUCCESS]);
  });

  test('CHIM-CAP-001, CHIM-CAP-002: it may be called from SetOptions only', () => {
    const { ndis, violations } = createTestNdis();
    const late = createTarget();
    start(ndis, late);
    const client = register(ndis, createHost(ndis));
    expect(() => late.driverHandle.setOptionalHandlers(providers[0])).toThrow(/^CHIM-CAP-001: target:/);
    expect(() => client.protocolHandle.setOptionalHandlers(clients[0])).toThrow(/^CHIM-CAP-002: host:/);
    expect(violations.map(({ actor, page }) => [actor, page])).toEqual([
      ['target', 'registering-chimney-offload-functions.md'],
      ['host', 'registering-an-intermediate-driver-s-protocolxxx-chimney-functions.md'],
    ]);
  });
});

describe('registration of drivers', () => {
  test('a driver without optional handlers needs no SetOptions', () => {
    const { ndis } = createTestNdis();
    const plain = { ...createTarget('plain'), miniportSetOptions: undefined };
    const plainHost = { ...createHost(ndis, 'plain host'), protocolSetOptions: undefined };
    expect(ndis.registerMiniportDriver(plain as never).status).toBe(NDIS_STATUS_SUCCESS);
    expect(ndis.registerProtocolDriver(plainHost as never).status).toBe(NDIS_STATUS_SUCCESS);
  });

  test('what SetOptions answers decides: anything but success fails the registration', () => {
    const { ndis, violations } = createTestNdis();
    expect(ndis.registerMiniportDriver(createTarget('t', { miniportSetOptions: NDIS_STATUS_RESOURCES }))).toEqual({ status: NDIS_STATUS_RESOURCES, ndisDriverHandle: null });
    expect(ndis.registerProtocolDriver(createHost(ndis, 'h', { protocolSetOptions: NDIS_STATUS_RESOURCES }))).toEqual({ status: NDIS_STATUS_RESOURCES, ndisProtocolHandle: null });
    expect(violations).toEqual([]);
  });

  test('CHIM-LIF-005: a SetOptions that throws fails the registration, and is reported against the driver', () => {
    const { ndis, violations } = createTestNdis();
    const boom = new Error('boom');
    const thrower = (): never => {
      throw boom;
    };
    expect(ndis.registerMiniportDriver(createTarget('t', { miniportSetOptions: thrower })).status).toBe(NDIS_STATUS_FAILURE);
    expect(ndis.registerProtocolDriver(createHost(ndis, 'h', { protocolSetOptions: thrower })).status).toBe(NDIS_STATUS_FAILURE);
    expect(violations.map(({ rule, actor, cause }) => [rule, actor, cause])).toEqual([
      ['CHIM-LIF-005', 't', boom],
      ['CHIM-LIF-005', 'h', boom],
    ]);
  });

  test.each([null, undefined, 5, {}, { name: '' }, { name: 'no handlers' }])('what is no driver is a TypeError: %j', (value) => {
    const { ndis } = createTestNdis();
    expect(() => ndis.registerMiniportDriver(value as never)).toThrow(TypeError);
    expect(() => ndis.registerProtocolDriver(value as never)).toThrow(TypeError);
  });

  test('a driver that lacks a mandatory entry is told which', () => {
    const { ndis } = createTestNdis();
    expect(() => ndis.registerMiniportDriver({ ...createTarget('t'), miniportPause: undefined } as never)).toThrow(/driver t lacks miniportPause/);
    expect(() => ndis.registerProtocolDriver({ ...createHost(ndis, 'h'), protocolStatusEx: undefined } as never)).toThrow(/driver h lacks protocolStatusEx/);
  });

  test('CHIM-LIF-006: a driver leaves when its adapters and bindings have', () => {
    const { ndis, rules } = createTestNdis();
    const miniport = createTarget();
    start(ndis, miniport);
    const protocol = createHost(ndis);
    bind(ndis, protocol);
    expect(() => {
      ndis.deregisterMiniportDriver(miniport.driverHandle);
    }).toThrow(/1 adapters of the driver are not halted/);
    expect(() => {
      ndis.deregisterProtocolDriver(protocol.protocolHandle);
    }).toThrow(/1 bindings of the driver are open/);
    expect(rules()).toEqual(['CHIM-LIF-006', 'CHIM-LIF-006']);
    ndis.removeAdapter(miniport.miniport);
    ndis.deregisterProtocolDriver(protocol.protocolHandle);
    ndis.deregisterMiniportDriver(miniport.driverHandle);
    expect(miniport.entries().at(-1)).toBe('miniportDriverUnload');
  });

  test('handles of another NDIS are refused', () => {
    const one = createTestNdis().ndis;
    const other = createTestNdis().ndis;
    const miniport = createTarget();
    start(other, miniport);
    const protocol = register(other, createHost(other));
    expect(() => one.addAdapter(miniport.driverHandle, 'x')).toThrow(TypeError);
    expect(() => {
      one.deregisterMiniportDriver(miniport.driverHandle);
    }).toThrow(TypeError);
    expect(() => {
      one.deregisterProtocolDriver(protocol.protocolHandle);
    }).toThrow(TypeError);
    expect(() => one.bindAdapter(protocol.protocolHandle, miniport.miniport)).toThrow(TypeError);
    expect(() => {
      one.removeAdapter(miniport.miniport);
    }).toThrow(TypeError);
  });

  test('CHIM-LIF-006: only an intermediate driver associates its edges', () => {
    const { ndis } = createTestNdis();
    const miniport = createTarget();
    start(ndis, miniport);
    const protocol = register(ndis, createHost(ndis));
    expect(() => {
      ndis.imAssociateMiniport(miniport.driverHandle, protocol.protocolHandle);
    }).toThrow(/^CHIM-LIF-006: target:/);
    const { ndisDriverHandle } = ndis.registerMiniportDriver(createTarget('im'), true);
    if (ndisDriverHandle === null) throw new Error('not registered');
    ndis.imAssociateMiniport(ndisDriverHandle, protocol.protocolHandle);
  });

  test('CHIM-LIF-001: drivers register at PASSIVE_LEVEL, not from a DPC', () => {
    const { ndis, settle, rules } = createTestNdis();
    const errors: unknown[] = [];
    const attempt = (run: () => void): void => {
      try {
        run();
      } catch (error) {
        errors.push(error);
      }
    };
    deferred(ndis, () => {
      attempt(() => ndis.registerMiniportDriver(createTarget()));
      attempt(() => ndis.registerProtocolDriver(createHost(ndis)));
    });
    settle();
    expect(rules()).toEqual(['CHIM-LIF-001', 'CHIM-LIF-001']);
    expect(errors).toHaveLength(2);
  });
});

describe('NdisMGetOffloadHandlers', () => {
  test('it gives the table, with its header, for TCP, and for nothing else', () => {
    const { ndis } = createTestNdis();
    const miniport = createTarget();
    start(ndis, miniport);
    expect(miniport.handlers.header).toMatchObject({ type: expect.any(Number) as unknown, revision: 1 });
    for (const type of [0, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisIpsecChimneyOffload, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisRdmaChimneyOffload, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisMaxChimneyOffload]) {
      expect(miniport.miniport.getOffloadHandlers(type)).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, offloadHandlers: null });
    }
  });

  test('a driver that registered no chimney handlers, or half of them, gets none', () => {
    const { ndis } = createTestNdis();
    for (const structures of [[], providers.slice(0, 1), providers.slice(1)]) {
      const miniport = createTarget(`driver ${structures.length}`, {
        miniportSetOptions(handle) {
          for (const structure of structures) handle.setOptionalHandlers(structure);
          return NDIS_STATUS_SUCCESS;
        },
        miniportInitializeEx(adapter) {
          setRegistrationAttributes(adapter, miniport);
          expect(adapter.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload).status).toBe(NDIS_STATUS_NOT_SUPPORTED);
          return NDIS_STATUS_SUCCESS;
        },
      });
      expect(start(ndis, miniport, `${miniport.name} ${String(structures[0]?.header.type)}`)).toBe(NDIS_STATUS_SUCCESS);
    }
  });
});
