import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { link, membersOf, present, ProbeContext, ProbeHost, ProbeTarget, STACK_SHAPES, textsOf, type ProbeBinding } from '@ndis-chimney/kit';
import {
  BytesConsumed,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';
import type { Ndis } from '@ndis-chimney/core';
import { describe, expect, test } from 'vitest';

import { createBare } from './bare.ts';

const { NdisTcpChimneyOffload, NdisRdmaChimneyOffload } = NDIS_CHIMNEY_OFFLOAD_TYPE;

/** A target with several adapters and one table for all of them, which it asks for when it registers. */
class TableTarget extends ProbeTarget {
  table!: NdisTcpOffloadEventHandlers;
  /** Its adapters, in the order they came up. */
  readonly miniports: NdisMiniport[] = [];

  override miniportSetOptions(handle: NdisMiniportDriverHandle): NDIS_STATUS {
    const status = super.miniportSetOptions(handle);
    this.table = present(handle.getOffloadHandlers(NdisTcpChimneyOffload).offloadHandlers);
    return status;
  }

  override miniportInitializeEx(miniport: NdisMiniport, parameters: NdisMiniportInitParameters): NDIS_STATUS {
    this.miniports.push(miniport);
    return super.miniportInitializeEx(miniport, parameters);
  }
}

/** An intermediate driver that uses one table for all of its virtual miniports. */
class TableDriver extends PassThroughDriver {
  private table!: NdisTcpOffloadEventHandlers;

  override miniportSetOptions(handle: NdisMiniportDriverHandle): NDIS_STATUS {
    const status = super.miniportSetOptions(handle);
    this.table = present(handle.getOffloadHandlers(NdisTcpChimneyOffload).offloadHandlers);
    return status;
  }

  override miniportInitializeEx(miniport: NdisMiniport, parameters: NdisMiniportInitParameters): NDIS_STATUS {
    const status = super.miniportInitializeEx(miniport, parameters);
    (parameters.imDeviceInstanceContext as PassThroughAdapter).handlers = this.table;
    return status;
  }
}

interface TwoAdapters {
  readonly ndis: Ndis;
  readonly target: TableTarget;
  readonly host: ProbeHost;
  /** A connection through either adapter, and what the target indicates with. */
  readonly connections: readonly [OffloadHandle, OffloadHandle];
  readonly keys: readonly [OffloadHandle, OffloadHandle];
  /** Rules broken so far, and who broke them. */
  readonly rules: () => string[];
}

/** A host bound to two adapters of one target, or to the virtual miniports above them. */
function createTwoAdapters({ intermediates = 0, isObserved = false }: { readonly intermediates?: number; readonly isObserved?: boolean }): TwoAdapters {
  const { ndis, settle, violations } = createBare();
  if (isObserved) ndis.attachObserver({});
  const target = new TableTarget(ndis, { name: 'table target' });
  target.start('a');
  ndis.addAdapter(target.driverHandle, 'b');
  let names = ['a', 'b'];
  for (let at = 1; at <= intermediates; at++) {
    const driver = new TableDriver(ndis, { name: `im${at}` }).register();
    for (const name of names) ndis.bindAdapter(driver.ndisProtocolHandle, present(ndis.findAdapter(name)));
    settle();
    names = names.map((name) => driver.virtualNameOf(name));
  }
  const host = new ProbeHost(ndis).register();
  for (const name of names) host.bindTo(name);
  const connections = host.bindings.map(({ binding }, at) => {
    const connection = present(host.offload({}, present(binding)).connections[0]);
    target.miniport = present(target.miniports[at]);
    target.completeTree('initiate');
    return connection;
  });
  host.calls.clear();
  const keys = connections.map((connection) => {
    let lowest = connection;
    while (!(lowest.miniportOffloadContext instanceof ProbeContext)) lowest = (lowest.miniportOffloadContext as { readonly handle: OffloadHandle }).handle;
    return lowest;
  });
  return {
    ndis,
    target,
    host,
    connections: connections as unknown as [OffloadHandle, OffloadHandle],
    keys: keys as unknown as [OffloadHandle, OffloadHandle],
    rules: () => violations.map(({ rule, actor }) => `${rule} ${actor}`),
  };
}

type Completion = 'tcpOffloadSendComplete' | 'tcpOffloadReceiveComplete' | 'tcpOffloadForwardComplete' | 'tcpOffloadDisconnectComplete';

const kinds: [completion: Completion, callback: string, start: (host: ProbeHost, connection: OffloadHandle) => NetBufferList][] = [
  ['tcpOffloadSendComplete', 'protocolTcpOffloadSendComplete', (host, connection) => host.send(connection, 'x', 'y')],
  ['tcpOffloadReceiveComplete', 'protocolTcpOffloadReceiveComplete', (host, connection) => host.receive(connection, 1, 2)],
  ['tcpOffloadForwardComplete', 'protocolTcpOffloadForwardComplete', (host, connection) => host.forward(connection, 'x')],
  ['tcpOffloadDisconnectComplete', 'protocolTcpOffloadDisconnectComplete', (host, connection) => host.disconnect(connection)],
];

/** With which binding an entry of the host was called, and with what, call by call. */
function callsOf(host: ProbeHost, callback: string): [at: number, subject: unknown][] {
  return host.calls.of(callback).map(([context, subject]) => [host.bindings.indexOf(context as ProbeBinding), subject]);
}

describe.each(STACK_SHAPES)('one table of offload handlers for all adapters of a driver, %s', (_name, shape) => {
  test.each(kinds)('%s goes to the adapter that the list came down through', (completion, callback, start) => {
    const { target, host, connections, rules } = createTwoAdapters(shape);
    const lists = connections.map((connection) => start(host, connection));
    for (const at of [1, 0]) target.table[completion](present(lists[at]));
    expect(callsOf(host, callback)).toEqual([
      [1, lists[1]],
      [0, lists[0]],
    ]);
    for (const nbl of host.nbls) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    expect(rules()).toEqual([]);
  });

  test.each(kinds.slice(0, 3))('CHIM-NBL-001: %s of a list that came down through two adapters is refused whole', (completion, callback, start) => {
    const { target, host, connections, rules } = createTwoAdapters(shape);
    const lists = connections.map((connection) => start(host, connection));
    const [first, second] = lists.map((list) => membersOf(list)) as [NetBufferList[], NetBufferList[]];
    const sources = [...first, ...second].map(({ sourceHandle }) => sourceHandle);
    expect(() => { target.table[completion](link([...first, ...second])); }).toThrow(/^CHIM-NBL-001: table target/);
    expect([...first, ...second].every(({ sourceHandle }, at) => sourceHandle === sources[at])).toBe(true);
    expect(callsOf(host, callback)).toEqual([]);
    for (const members of [first, second]) target.table[completion](link(members));
    expect(callsOf(host, callback).map(([at]) => at)).toEqual([0, 1]);
    expect(rules()).toEqual(['CHIM-NBL-001 table target']);
  });

  test('data and events are indicated to the binding that the connection was offloaded through', () => {
    const { target, host, connections, keys, rules } = createTwoAdapters(shape);
    for (const at of [1, 0] as const) {
      target.table.tcpOffloadEventHandler(keys[at], 2, at);
      const nbl = target.list(`data ${at}`);
      const bytesConsumed = new BytesConsumed();
      expect(target.table.tcpOffloadReceiveHandler(keys[at], nbl, NDIS_STATUS_SUCCESS, bytesConsumed)).toBe(NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
      expect([nbl.sourceHandle, nbl.context, bytesConsumed.value]).toEqual([null, null, 0]);
    }
    expect(host.calls.of('protocolTcpOffloadEvent').map(([handle, , information]) => [handle === connections[information as 0 | 1], information])).toEqual([[true, 1], [true, 0]]);
    expect(host.calls.of('protocolTcpOffloadReceiveIndicate').map(([handle, nbl]) => [connections.indexOf(handle as OffloadHandle), ...textsOf(nbl as NetBufferList)])).toEqual([
      [1, 'data 1'],
      [0, 'data 0'],
    ]);
    expect(rules()).toEqual([]);
  });

  const wrong: [what: string, value: unknown][] = [
    ['null', null],
    ['undefined', undefined],
    ['a number', 5],
    ['an empty object', {}],
    ['an object without a prototype', Object.create(null)],
  ];

  test.each(wrong)('%s in place of a list or a handle is a TypeError that names call and caller', (_what, value) => {
    const { target, rules } = createTwoAdapters(shape);
    const nothing = value as never;
    const nbl = target.list('x');
    const calls: [name: string, call: () => void][] = [
      ['NdisTcpOffloadSendComplete', () => { target.table.tcpOffloadSendComplete(nothing); }],
      ['NdisTcpOffloadReceiveComplete', () => { target.table.tcpOffloadReceiveComplete(nothing); }],
      ['NdisTcpOffloadForwardComplete', () => { target.table.tcpOffloadForwardComplete(nothing); }],
      ['NdisTcpOffloadDisconnectComplete', () => { target.table.tcpOffloadDisconnectComplete(nothing); }],
      ['NdisTcpOffloadEventHandler', () => { target.table.tcpOffloadEventHandler(nothing, 2, 0); }],
      ['NdisTcpOffloadReceiveHandler', () => { target.table.tcpOffloadReceiveHandler(nothing, nbl, NDIS_STATUS_SUCCESS, new BytesConsumed()); }],
    ];
    for (const [name, call] of calls) {
      expect(call).toThrow(TypeError);
      expect(call).toThrow(new RegExp(`^${name} \\(called by table target\\)`));
    }
    expect(rules()).toEqual([]);
  });

  test('lists and connections of another driver are refused, as by the table of an adapter', () => {
    const { target, host, rules } = createTwoAdapters(shape);
    const other = createTwoAdapters(shape);
    const theirs = other.host.send(other.connections[0], 'theirs');
    const { sourceHandle } = theirs;
    expect(() => { target.table.tcpOffloadSendComplete(theirs); }).toThrow(/^CHIM-NBL-001: table target/);
    expect(() => { target.table.tcpOffloadEventHandler(other.keys[0], 2, 0); }).toThrow(/^CHIM-EVT-019: table target/);
    expect(() => { target.table.tcpOffloadSendComplete(host.list('never passed down')); }).toThrow(/^CHIM-NBL-001: table target/);
    expect([theirs.sourceHandle === sourceHandle, other.host.calls.entries]).toEqual([true, []]);
    expect(rules()).toEqual(['CHIM-NBL-001 table target', 'CHIM-EVT-019 table target', 'CHIM-NBL-001 table target']);
  });
});

test('there is a table for the TCP chimney only, and only for a driver that registered for it', () => {
  const { ndis } = createBare();
  const target = new TableTarget(ndis, { name: 'table target' });
  target.start('a');
  expect(target.driverHandle.getOffloadHandlers(NdisTcpChimneyOffload)).toEqual({ status: NDIS_STATUS_SUCCESS, offloadHandlers: target.table });
  expect(target.driverHandle.getOffloadHandlers(NdisRdmaChimneyOffload)).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, offloadHandlers: null });
  const plain = new ProbeTarget(ndis, { name: 'plain target', hasChimney: false });
  plain.start('plain');
  expect(plain.driverHandle.getOffloadHandlers(NdisTcpChimneyOffload)).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, offloadHandlers: null });
});

test('a driver that has no adapter yet is told so by its name', () => {
  const { ndis } = createBare();
  const target = new TableTarget(ndis, { name: 'table target' });
  ndis.registerMiniportDriver(target);
  expect(() => { target.table.tcpOffloadSendComplete(target.list('x')); }).toThrow(TypeError);
  expect(() => { target.table.tcpOffloadSendComplete(target.list('x')); }).toThrow(/table target/);
});
