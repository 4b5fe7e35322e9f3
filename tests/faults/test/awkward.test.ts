// Faults where things are not as usual: other tables, drivers that are broken by themselves, adapters that are gone.
import { ProbeTarget } from '@ndis-chimney/conformance/probes';
import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisTcpOffloadEventHandlers,
} from '@ndis-chimney/types';
import { expect, test } from 'vitest';

import { Ground, membersOf, present } from './ground.ts';

/** A target that asks for one table of offload handlers, for all of its adapters. */
class OneTableTarget extends ProbeTarget {
  private table: NdisTcpOffloadEventHandlers | null = null;

  override miniportSetOptions(handle: NdisMiniportDriverHandle): number {
    const status = super.miniportSetOptions(handle);
    this.table = handle.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload).offloadHandlers;
    return status;
  }

  override miniportInitializeEx(miniport: NdisMiniport, parameters: NdisMiniportInitParameters): number {
    const ask = miniport.getOffloadHandlers.bind(miniport);
    Object.defineProperty(miniport, 'getOffloadHandlers', { value: () => ({ status: NDIS_STATUS_SUCCESS, offloadHandlers: null }), configurable: true });
    const status = super.miniportInitializeEx(miniport, parameters);
    Object.defineProperty(miniport, 'getOffloadHandlers', { value: ask, configurable: true });
    this.handlers = present(this.table);
    return status;
  }
}

test('a driver with one table for all of its adapters has the same faults', () => {
  const ground = new Ground([{ fault: 'A1', nth: 1, where: { operation: 'TcpOffloadSend' } }, { fault: 'B4', nth: 1 }], { Target: OneTableTarget });
  const connection = ground.connect();
  ground.host.send(connection, 'a', 'b');
  ground.target.completeSends();
  ground.settle();
  expect(ground.completed).toEqual(['b']);
  expect(ground.events).toEqual([[connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.LowActivity]]);
  ground.faults.heal();
  ground.settle();
  expect(ground.completed).toEqual(['b', 'a']);
});

test('CHIM-NBL-001: a list of completions that loops is refused by NDIS, with faults as without', () => {
  const ground = new Ground([{ fault: 'A1', nth: 100 }]);
  const list = ground.host.send(ground.connect(), 'a', 'b');
  present(list.next).next = list;
  ground.target.sends.length = 0;
  expect(() => { ground.target.handlers.tcpOffloadSendComplete(list); }).toThrow('CHIM-NBL-001');
  present(list.next).next = null;
  ground.target.handlers.tcpOffloadSendComplete(list);
  expect(membersOf(list)).toHaveLength(2);
  expect(ground.completed).toEqual(['a', 'b']);
});

test('a tree that loops does not hold the faults up', () => {
  const ground = new Ground([{ fault: 'A1', nth: 100 }]);
  const { root, connection } = ground.tree();
  ground.host.initiate(root);
  const tree = present(ground.target.trees[0]).tree;
  tree.nextBlock = tree;
  expect(() => { ground.target.passUp('initiate', tree); }).toThrow('CHIM-INI-013');
  tree.nextBlock = null;
  ground.target.completeTree('initiate');
  expect(connection.state).toBe('offloaded');
  ground.host.send(connection, 'a');
  ground.target.completeSends();
  expect(ground.completed).toEqual(['a']);
});

test('what comes when the adapter is gone is refused, and nothing else happens', () => {
  const ground = new Ground([{ fault: 'A2', parameters: { delayMs: 50 }, where: { operation: 'TcpOffloadSend' } }, { fault: 'G3', parameters: { downMs: 50 }, where: { operation: 'TcpOffloadSend' } }]);
  const connection = ground.connect();
  ground.host.send(connection, 'a');
  ground.target.completeSends();
  ground.settle();
  ground.takeBackAll();
  ground.ndis.removeAdapter(ground.target.miniport);
  ground.advance(100);
  expect(ground.faults.log.refusals).toEqual({ A2: 1, G3: 0 });
  expect(ground.completed).toEqual(['a']);
});
