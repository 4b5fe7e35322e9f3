import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { present, ProbeHost, ProbeTarget } from '@ndis-chimney/kit';
import { NDIS_STATUS_SUCCESS, type BytesConsumed, type ChimneyViolation, type NDIS_STATUS, type NdisMiniport, type NdisTcpOffloadEventHandlers, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';
import type { Ndis } from '@ndis-chimney/core';
import { describe, expect, test } from 'vitest';

import { createBare } from './bare.ts';

/** A pass-through driver that may be bound to one adapter several times, with a virtual miniport for each binding. */
class Multiple extends PassThroughDriver {
  private count = 0;

  override virtualNameOf(adapterName: string): string {
    this.count++;
    return `${super.virtualNameOf(adapterName)} ${this.count}`;
  }
}

/** A host above one of the two virtual miniports, with a connection of its own. */
interface Column {
  readonly host: ProbeHost;
  /** The virtual miniport. */
  readonly adapter: NdisMiniport;
  readonly connection: OffloadHandle;
  readonly target: ProbeTarget;
  /** What the target indicates the connection's data with. */
  readonly key: OffloadHandle;
}

interface Stacks {
  readonly ndis: Ndis;
  readonly columns: readonly [Column, Column];
  readonly violations: readonly ChimneyViolation[];
}

function createColumns(kind: 'one adapter' | 'two adapters'): Stacks {
  const { ndis, target, violations, settle } = createBare();
  const driver = new Multiple(ndis, { name: 'im' }).register();
  const targets = [target, target];
  if (kind === 'two adapters') {
    const other = new ProbeTarget(ndis, { name: 'other target' });
    other.start('nic 2');
    targets[1] = other;
  }
  const names = ['im:nic 1', kind === 'one adapter' ? 'im:nic 2' : 'im:nic 2 2'];
  const columns = names.map((name, at): Column => {
    const below = present(targets[at]);
    ndis.bindAdapter(driver.ndisProtocolHandle, below.miniport);
    settle();
    const host = new ProbeHost(ndis, { name: `host of ${name}` }).register();
    host.bindTo(name);
    const connection = present(host.offload().connections[0]);
    below.completeTree('initiate');
    const { handle: key } = connection.miniportOffloadContext as { readonly handle: OffloadHandle };
    return { host, adapter: present(ndis.findAdapter(name)), connection, target: below, key };
  });
  return { ndis, columns: columns as unknown as [Column, Column], violations };
}

/** What keeps a virtual miniport from being paused: how it starts, and how it ends. */
const work: [what: string, start: (column: Column) => void, end: (column: Column) => void][] = [
  ['a send', ({ host, connection }) => { host.send(connection, 'x', 'y'); }, ({ host, target }) => { end(target.sends, host, target.handlers, 'tcpOffloadSendComplete'); }],
  ['a forward', ({ host, connection }) => { host.forward(connection, 'x'); }, ({ host, target }) => { end(target.forwards, host, target.handlers, 'tcpOffloadForwardComplete'); }],
  ['an ordinary send', ({ host }) => { host.sendOrdinary('x'); }, ({ host, target }) => { endOrdinary(target, host); }],
  [
    'received data that is kept',
    ({ host, target, key }) => {
      host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
        bytesConsumed.value = 1;
        return NDIS_STATUS_SUCCESS;
      });
      target.indicate(key, 'x');
    },
    ({ host }) => {
      const [[, nbl] = []] = host.calls.of('protocolTcpOffloadReceiveIndicate').slice(-1);
      host.binding.offloadTcpReceiveReturn(nbl as NetBufferList);
    },
  ],
];

/** NBLs of a host among what the target holds; they are taken out. */
function takeOf(held: NetBufferList[], host: ProbeHost): NetBufferList[] {
  const own = held.filter((nbl) => host.nbls.has(nbl));
  held.splice(0, held.length, ...held.filter((nbl) => !host.nbls.has(nbl)));
  own.forEach((nbl, at) => {
    nbl.next = own[at + 1] ?? null;
  });
  return own;
}

function end(held: NetBufferList[], host: ProbeHost, handlers: NdisTcpOffloadEventHandlers, completion: 'tcpOffloadSendComplete' | 'tcpOffloadForwardComplete'): void {
  handlers[completion](present(takeOf(held, host)[0]));
}

function endOrdinary(target: ProbeTarget, host: ProbeHost): void {
  target.miniport.sendNetBufferListsComplete(present(takeOf(target.ordinarySends, host)[0]), 0);
}

describe.each(['one adapter', 'two adapters'] as const)('an intermediate driver with two virtual miniports above %s', (kind) => {
  test.each(work)('a pause of either waits for its own work, %s, and not for the other’s', (_what, start, finish) => {
    for (const at of [0, 1] as const) {
      const { ndis, columns, violations } = createColumns(kind);
      const [busy, idle] = at === 0 ? columns : [columns[1], columns[0]];
      start(busy);
      const paused: string[] = [];
      for (const { adapter } of [busy, idle]) {
        ndis.pauseAdapter(adapter, () => {
          paused.push(adapter.name);
        });
      }
      expect(paused).toEqual([idle.adapter.name]);
      finish(busy);
      expect([paused, violations]).toEqual([[idle.adapter.name, busy.adapter.name], []]);
    }
  });

  test('work of both in one completion comes back to each, and lets each be paused', () => {
    const { ndis, columns, violations } = createColumns(kind);
    const [{ host: first }, { host: second }] = columns;
    for (const { host, connection } of [...columns, ...columns]) host.send(connection, 'x', 'y');
    let paused = 0;
    for (const { adapter } of columns) {
      ndis.pauseAdapter(adapter, () => {
        paused++;
      });
    }
    expect(paused).toBe(0);
    for (const { target } of columns) target.completeSends();
    expect(paused).toBe(2);
    for (const host of [first, second]) {
      const returned = host.calls.of('protocolTcpOffloadSendComplete').flatMap(([, list]) => membersOfHost(host, list as NetBufferList));
      expect(returned).toEqual([true, true, true, true]);
      for (const nbl of host.nbls) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    }
    expect(violations).toEqual([]);
  });
});

function membersOfHost(host: ProbeHost, list: NetBufferList): boolean[] {
  const members: boolean[] = [];
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) members.push(host.nbls.has(nbl));
  return members;
}
