// Group B, what a connection comes back with; D9.
import { OffloadBlockState, TcpOffloadStateDelegated, type NetBufferList, type OffloadHandle, type TcpOffloadState } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, membersOf, present, textOf } from './ground.ts';

/** Terminates a connection; the target hands this state back. */
function handBack(ground: Ground, connection: OffloadHandle, change: (delegated: TcpOffloadStateDelegated) => void): TcpOffloadStateDelegated {
  const delegated = new TcpOffloadStateDelegated();
  const root = ground.block(connection, new OffloadBlockState(null, null, delegated));
  ground.host.binding.terminateOffload(root);
  ground.target.completeTree('terminate', {
    change: (block) => {
      change(present((block.state as TcpOffloadState).delegated));
    },
  });
  ground.settle();
  return delegated;
}

describe('B5: received data that is lost on the way back', () => {
  test('all of it: the host gets none, the driver gets its NBLs back', () => {
    const ground = new Ground([{ fault: 'B5' }]);
    const lost = ground.target.list('never', 'seen');
    const delegated = handBack(ground, ground.connect(), (state) => {
      state.bufferedData = lost;
    });
    expect(delegated.bufferedData).toBeNull();
    expect(ground.target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list)).toEqual([lost]);
    expect(ground.host.binding.indicatedNetBufferLists).toBe(0);
  });

  test('the last bytes', () => {
    const ground = new Ground([{ fault: 'B5', parameters: { bytes: 2 } }]);
    const delegated = handBack(ground, ground.connect(), (state) => {
      state.bufferedData = ground.target.list('ab', 'cdef');
    });
    expect(membersOf(delegated.bufferedData).map(textOf)).toEqual(['ab', 'cd']);
  });

  test('without such data there is no occasion', () => {
    const ground = new Ground([{ fault: 'B5' }]);
    handBack(ground, ground.connect(), () => undefined);
    expect(ground.faults.injections).toEqual({ B5: 0 });
  });
});

test('B6: packets that arrive during a terminate stay with the driver, others do not', () => {
  const ground = new Ground([{ fault: 'B6' }]);
  const connection = ground.connect();
  const packets = (): number => ground.host.calls.count('protocolReceiveNetBufferLists');
  ground.target.indicateOrdinary(0, 'before');
  expect(packets()).toBe(1);
  ground.host.binding.terminateOffload(ground.block(connection));
  const kept = ground.target.indicateOrdinary(0, 'meanwhile');
  ground.settle();
  expect(packets()).toBe(1);
  expect(ground.target.calls.of('miniportReturnNetBufferLists').map(([, list]) => list)).toEqual([kept]);
  ground.target.completeTree('terminate');
  ground.target.indicateOrdinary(0, 'after');
  expect(packets()).toBe(2);
});

test('B9: a disconnect ends after the terminate of its connection', () => {
  const ground = new Ground([{ fault: 'B9' }]);
  const connection = ground.connect();
  const nbl: NetBufferList = ground.host.disconnect(connection);
  ground.target.completeDisconnect();
  ground.settle();
  expect(ground.completions).toEqual([]);
  let stateThen = '';
  ground.host.calls.on('protocolTcpOffloadDisconnectComplete', () => {
    stateThen = connection.state;
  });
  ground.terminate(connection);
  expect(stateThen).toBe('dead');
  expect(nbl.sourceHandle).toBeNull();
});

describe('B12: a delegated variable that is off', () => {
  test.each([
    ['rcvNxt', 1, 0x7FFF_FFFF, -0x8000_0000],
    ['sndUna', -1, 100, 99],
    ['sndWnd', 1460, 0, 1460],
  ] as const)('%s by %i', (variable, by, truth, told) => {
    const ground = new Ground([{ fault: 'B12', parameters: { variable, by } }]);
    const delegated = handBack(ground, ground.connect(), (state) => {
      state[variable] = truth;
    });
    expect(delegated[variable]).toBe(told);
  });
});

test('D9: the timestamp clock is behind', () => {
  const ground = new Ground([{ fault: 'D9', parameters: { ticks: 500 } }]);
  const delegated = handBack(ground, ground.connect(), (state) => {
    state.tsTime = 10_000;
  });
  expect(delegated.tsTime).toBe(9500);
});
