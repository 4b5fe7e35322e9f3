// Group A: the completion contract.
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, present, textOf } from './ground.ts';

describe('A1: a request that is not completed', () => {
  test('a send: the host waits until the fault is healed, others are completed', () => {
    const ground = new Ground([{ fault: 'A1', nth: 2, where: { operation: 'TcpOffloadSend' } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a', 'b', 'c');
    ground.target.completeSends();
    ground.advance(100_000);
    expect(ground.completed).toEqual(['a', 'c']);
    expect(ground.host.binding.outstandingNetBufferLists).toBe(1);
    expect(ground.faults.heldCount).toBe(1);
    ground.faults.heal();
    ground.settle();
    expect(ground.completed).toEqual(['a', 'c', 'b']);
    expect(ground.host.binding.outstandingNetBufferLists).toBe(0);
    expect(ground.violations).toEqual([]);
  });

  test.each([
    ['TcpOffloadReceive', (ground: Ground) => ground.host.receive(ground.connect(), 10), (ground: Ground) => ground.target.completeReceives()],
    ['TcpOffloadDisconnect', (ground: Ground) => ground.host.disconnect(ground.connect()), (ground: Ground) => ground.target.completeDisconnect()],
    ['TcpOffloadForward', (ground: Ground) => ground.host.forward(ground.connect(), 'segment'), (ground: Ground) => ground.target.completeForwards()],
  ])('%s', (operation, start, complete) => {
    const ground = new Ground([{ fault: 'A1', where: { operation } }]);
    start(ground);
    complete(ground);
    ground.settle();
    expect(ground.completed).toEqual([]);
    expect(ground.faults.log.events).toMatchObject([{ fault: 'A1', operation, connection: '4000-7', adapter: 'nic0' }]);
    ground.faults.heal();
    ground.settle();
    expect(ground.completed).toHaveLength(1);
  });

  test('a terminate: its connection stays in the middle of it', () => {
    const ground = new Ground([{ fault: 'A1', where: { operation: 'TerminateOffload' } }]);
    const connection = ground.connect();
    ground.terminate(connection);
    expect(connection.state).toBe('terminating');
    ground.faults.heal();
    ground.settle();
    expect(connection.state).toBe('dead');
  });
});

describe('A2: a request that is completed twice', () => {
  test('CHIM-NBL-001: NDIS refuses the second completion of a send, and says so', () => {
    const ground = new Ground([{ fault: 'A2', where: { operation: 'TcpOffloadSend' } }]);
    ground.host.send(ground.connect(), 'a');
    ground.target.completeSends();
    expect(ground.completed).toEqual(['a']);
    expect(ground.rules).toEqual(['CHIM-NBL-001']);
    expect(ground.faults.log.events).toMatchObject([
      { kind: 'injected', effect: 'completed twice' },
      { kind: 'refused', effect: 'CHIM-NBL-001' },
    ]);
    expect(ground.faults.log.refusals).toEqual({ A2: 1 });
  });

  test('CHIM-NBL-001: the second one may come later', () => {
    const ground = new Ground([{ fault: 'A2', where: { operation: 'TcpOffloadSend' }, parameters: { delayMs: 50 } }]);
    ground.host.send(ground.connect(), 'a');
    ground.target.completeSends();
    expect(ground.rules).toEqual([]);
    ground.advance(50);
    expect(ground.rules).toEqual(['CHIM-NBL-001']);
  });

  test('an NBL that the host uses again meanwhile is completed before its time, and nobody can tell', () => {
    const ground = new Ground([{ fault: 'A2', where: { operation: 'TcpOffloadSend' }, nth: 1, parameters: { delayMs: 50 } }]);
    const connection = ground.connect();
    const nbl = ground.host.send(connection, 'a');
    ground.target.completeSends();
    connection.binding.offloadTcpSend(connection, nbl);
    ground.advance(50);
    expect(ground.completed).toEqual(['a', 'a']);
    expect(ground.rules).toEqual([]);
    expect(() => ground.target.completeSends()).toThrow('CHIM-NBL-001');
  });

  test('CHIM-BLK-008: NDIS refuses the second completion of a tree', () => {
    const ground = new Ground([{ fault: 'A2', where: { operation: 'TerminateOffload' } }]);
    ground.terminate(ground.connect());
    expect(ground.rules).toEqual(['CHIM-BLK-008']);
  });
});

test('A4: a completion that comes very late, after the terminate of its connection', () => {
  const ground = new Ground([{ fault: 'A4', parameters: { delayMs: 500 } }]);
  const connection = ground.connect();
  const nbl = ground.host.send(connection, 'a');
  ground.target.completeSends();
  ground.terminate(connection);
  expect(connection.state).toBe('dead');
  expect(ground.completed).toEqual([]);
  ground.advance(500);
  expect(ground.completions).toMatchObject([{ nbl, atMs: 500 }]);
});

describe('A5: completions out of order', () => {
  test('a later send of another connection ends first', () => {
    const ground = new Ground([{ fault: 'A5', nth: 1 }]);
    ground.host.send(ground.connect(), 'a');
    ground.host.send(ground.connect(), 'b');
    ground.target.completeSends(1);
    ground.target.completeSends(1);
    expect(ground.completed).toEqual(['b', 'a']);
  });

  test('a disconnect overtakes the last send', () => {
    const ground = new Ground([{ fault: 'A5', where: { operation: 'TcpOffloadSend' } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a');
    ground.host.disconnect(connection);
    ground.target.completeSends();
    ground.target.completeDisconnect();
    expect(ground.completed).toEqual(['', 'a']);
  });

  test('what nothing overtakes goes on by itself', () => {
    const ground = new Ground([{ fault: 'A5', parameters: { delayMs: 20 } }]);
    ground.host.send(ground.connect(), 'a');
    ground.target.completeSends();
    expect(ground.completed).toEqual([]);
    ground.advance(20);
    expect(ground.completed).toEqual(['a']);
  });
});

describe('A6: a list that is not what it should be', () => {
  test('CHIM-NBL-001: a foreign NBL is refused, and the true list goes up', () => {
    const ground = new Ground([{ fault: 'A6' }]);
    ground.host.send(ground.connect(), 'a', 'b');
    ground.target.completeSends();
    expect(ground.rules).toEqual(['CHIM-NBL-001']);
    expect(ground.completed).toEqual(['a', 'b']);
  });

  test('a list that is completed in part leaks the rest', () => {
    const ground = new Ground([{ fault: 'A6', parameters: { mode: 'partial' } }]);
    ground.host.send(ground.connect(), 'a', 'b', 'c');
    ground.target.completeSends();
    ground.settle();
    expect(ground.completed).toEqual(['a']);
    expect(ground.host.binding.outstandingNetBufferLists).toBe(2);
    ground.faults.heal();
    ground.settle();
    expect(ground.host.binding.outstandingNetBufferLists).toBe(0);
  });
});

describe('A7: a send with the wrong status', () => {
  test('success, though the driver never got it; its place in the order is kept', () => {
    const ground = new Ground([{ fault: 'A7', nth: 2 }]);
    const connection = ground.connect();
    const list = ground.host.list('a', 'bcd', 'e');
    const second = present(list.next);
    connection.binding.offloadTcpSend(connection, list);
    expect(ground.target.sends.map(textOf)).toEqual(['a', 'e']);
    ground.settle();
    expect(ground.completed).toEqual([]);
    ground.target.completeSends();
    expect(ground.completed).toEqual(['a', 'bcd', 'e']);
    expect(second.status).toBe(NDIS_STATUS_SUCCESS);
    expect(second.tcpOffloadBytesTransferred).toBe(3);
    expect(ground.violations).toEqual([]);
  });

  test('alone it succeeds from a DPC', () => {
    const ground = new Ground([{ fault: 'A7' }]);
    ground.host.send(ground.connect(), 'a');
    expect(ground.completed).toEqual([]);
    ground.settle();
    expect(ground.completed).toEqual(['a']);
    expect(ground.target.sends).toEqual([]);
  });

  test('a terminate finds it completed, whatever becomes of the sends before it', () => {
    const ground = new Ground([{ fault: 'A7', nth: 2 }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a', 'b');
    ground.terminate(connection, (block) => {
      block.netBufferListChain = present(ground.target.sends.shift());
    });
    expect(ground.completed).toEqual(['b']);
    expect(ground.host.binding.outstandingNetBufferLists).toBe(0);
  });

  test('failure, though it was sent', () => {
    const ground = new Ground([{ fault: 'A7', parameters: { mode: 'sent' } }]);
    const nbl = ground.host.send(ground.connect(), 'abc');
    expect(ground.target.sends[0]).toBe(nbl);
    ground.target.completeSends();
    expect(ground.completions).toMatchObject([{ nbl, status: NDIS_STATUS_FAILURE }]);
    expect(nbl.tcpOffloadBytesTransferred).toBe(0);
  });
});
