// Group A, continued: what else a driver can do to the completion contract.
import { IRQL, NDIS_STATUS_FAILURE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, membersOf, present, textOf } from './ground.ts';

describe('A3: completions before the call has returned', () => {
  test('a send: it succeeds inside the call, and the driver sends a copy', () => {
    const ground = new Ground([{ fault: 'A3', nth: 2, where: { operation: 'TcpOffloadSend' } }]);
    ground.host.send(ground.connect(), 'a', 'b', 'c');
    expect(ground.completed).toEqual(['b']);
    expect(ground.target.sends.map(textOf)).toEqual(['a', 'b', 'c']);
    ground.target.completeSends();
    expect(ground.completed).toEqual(['b', 'a', 'c']);
    expect(ground.host.binding.outstandingNetBufferLists).toBe(0);
    expect(ground.violations).toEqual([]);
  });

  test('a copy that was not acknowledged does not come back with the connection: its bytes are lost', () => {
    const ground = new Ground([{ fault: 'A3', nth: 2, where: { operation: 'TcpOffloadSend' } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a', 'b', 'c');
    const root = ground.terminate(connection, (block) => {
      block.netBufferListChain = present(ground.target.sends[0]);
    });
    expect(membersOf(root.netBufferListChain).map(textOf)).toEqual(['a', 'c']);
    expect(ground.violations).toEqual([]);
  });

  test('an initiate fails inside the call', () => {
    const ground = new Ground([{ fault: 'A3' }]);
    const { root, connection } = ground.tree();
    ground.host.initiate(root);
    expect(connection.state).toBe('dead');
    expect(ground.violations).toEqual([]);
  });

  test.each([
    ['updateOffload', 'UpdateOffload'],
    ['invalidateOffload', 'InvalidateOffload'],
    ['queryOffloadState', 'QueryOffload'],
  ] as const)('%s fails inside the call', (call, operation) => {
    const ground = new Ground([{ fault: 'A3', where: { operation } }]);
    const block = ground.block(ground.connect());
    ground.host.binding[call](block);
    expect(block.status).toBe(NDIS_STATUS_FAILURE);
    expect(ground.target.trees).toEqual([]);
    expect(ground.violations).toEqual([]);
  });
});

describe('A8: a wrong status in a block', () => {
  test('success reported as failure: the host has the connection, and so has the driver', () => {
    const ground = new Ground([{ fault: 'A8', where: { operation: 'InitiateOffload' } }]);
    const { root, connection, blocks } = ground.tree();
    ground.host.initiate(root);
    ground.target.completeTree('initiate');
    expect(blocks.map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE]);
    expect(connection.state).toBe('dead');
    expect(ground.violations).toEqual([]);
  });

  test('CHIM-INI-013: failure reported as success is refused, and the truth goes up', () => {
    const ground = new Ground([{ fault: 'A8', parameters: { mode: 'succeeded' } }]);
    const { root, connection } = ground.tree();
    ground.host.initiate(root);
    ground.target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
    expect(ground.rules).toEqual(['CHIM-INI-013']);
    expect(connection.state).toBe('dead');
    expect(ground.faults.log.refusals).toEqual({ A8: 1 });
  });

  test('an update that failed is reported as one that succeeded', () => {
    const ground = new Ground([{ fault: 'A8', parameters: { mode: 'succeeded' }, where: { operation: 'UpdateOffload' } }]);
    const block = ground.block(ground.connect());
    ground.host.binding.updateOffload(block);
    ground.target.completeTree('update', { status: NDIS_STATUS_FAILURE });
    expect(block.status).toBe(NDIS_STATUS_SUCCESS);
  });
});

describe('A9: reserved fields that are overwritten', () => {
  test('of an NBL: what the host kept there is gone', () => {
    const ground = new Ground([{ fault: 'A9' }]);
    const nbl = ground.host.list('a');
    nbl.protocolReserved0 = 'the host\'s request';
    const connection = ground.connect();
    connection.binding.offloadTcpSend(connection, nbl);
    ground.target.completeSends();
    expect(nbl.protocolReserved0).toMatch(/overwritten/);
  });

  test('of a block: what an intermediate driver kept there is gone', () => {
    const ground = new Ground([{ fault: 'A9', parameters: { field: 'imReserved0' }, where: { operation: 'TerminateOffload' } }]);
    const root = ground.terminate(ground.connect());
    expect(root.imReserved0).toMatch(/overwritten/);
  });
});

test('A10: a completion outside of a DPC runs at PASSIVE_LEVEL', () => {
  const ground = new Ground([{ fault: 'A10', nth: 1 }]);
  const connection = ground.connect();
  ground.target.isAutomatic = true;
  ground.host.send(connection, 'a');
  ground.advance(1);
  ground.host.send(connection, 'b');
  ground.advance(1);
  expect(ground.completions.map(({ irql }) => irql)).toEqual([IRQL.PASSIVE_LEVEL, IRQL.DISPATCH_LEVEL]);
});

describe('A11: pauses', () => {
  const pause = (ground: Ground): { isPaused: boolean } => {
    const state = { isPaused: false };
    ground.ndis.pauseAdapter(ground.target.miniport, () => {
      state.isPaused = true;
    });
    ground.settle();
    return state;
  };

  test('early: the adapter is paused while the driver still finishes, and the end of that is lost', () => {
    const ground = new Ground([{ fault: 'A11' }]);
    ground.target.calls.on('miniportPause', () => NDIS_STATUS_PENDING);
    expect(pause(ground).isPaused).toBe(true);
    ground.target.miniport.pauseComplete();
    expect(ground.violations).toEqual([]);
    expect(ground.faults.log.events).toMatchObject([{ effect: 'paused with requests outstanding' }]);
  });

  test.each([NDIS_STATUS_SUCCESS, NDIS_STATUS_PENDING])('CHIM-LIF-006: twice, after %i', (status) => {
    const ground = new Ground([{ fault: 'A11', parameters: { mode: 'twice' } }]);
    ground.target.calls.on('miniportPause', () => status);
    const state = pause(ground);
    if (status === NDIS_STATUS_PENDING) ground.target.miniport.pauseComplete();
    ground.settle();
    expect(state.isPaused).toBe(true);
    expect(ground.rules).toEqual(['CHIM-LIF-006']);
    expect(ground.faults.log.refusals).toEqual({ A11: 1 });
  });

  test('a pause that fails has paused all the same, and NDIS says that it cannot fail (CHIM-LIF-006)', () => {
    const ground = new Ground([{ fault: 'A11', parameters: { mode: 'fails' } }]);
    ground.target.calls.on('miniportPause', () => NDIS_STATUS_PENDING);
    expect(pause(ground).isPaused).toBe(true);
    ground.target.miniport.pauseComplete();
    expect(ground.rules).toEqual(['CHIM-LIF-006']);
    expect(ground.faults.log.events).toMatchObject([{ effect: 'pause failed' }]);
  });
});
