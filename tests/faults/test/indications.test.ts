// B13, C7, C8, C9, E1: what is indicated, and what is not.
import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type BytesConsumed,
  type NeighborOffloadState,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { Ground, present, textOf } from './ground.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;

describe('B13: pause and resume', () => {
  const indicateAll = (ground: Ground): number[] => {
    for (const status of [NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_OFFLOAD_RESUME]) ground.target.indicateStatus(status);
    return ground.statuses;
  };

  test('a target does not say that it goes on', () => {
    expect(indicateAll(new Ground([{ fault: 'B13' }]))).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL]);
  });

  test('a host does not hear that the target pauses', () => {
    const ground = new Ground([{ fault: 'B13', where: { adapter: 'nic0' } }], { party: 'host' });
    expect(indicateAll(ground)).toEqual([NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_OFFLOAD_RESUME]);
    expect(ground.faults.log.events).toMatchObject([{ effect: 'NDIS_STATUS_OFFLOAD_PAUSE not heard', adapter: 'nic0' }]);
  });
});

describe('C7: the end of a stream', () => {
  test.each([TcpIndicateDisconnect, TcpIndicateAbort])('lost, event type %i', (eventType) => {
    const ground = new Ground([{ fault: 'C7' }]);
    const connection = ground.connect();
    ground.target.event(connection, eventType);
    ground.target.event(connection, TcpIndicateRetrieve, TCP_UPLOAD_REASON.LowActivity);
    expect(ground.events).toEqual([[connection, TcpIndicateRetrieve, TCP_UPLOAD_REASON.LowActivity]]);
  });

  test('twice', () => {
    const ground = new Ground([{ fault: 'C7', parameters: { mode: 'twice' } }]);
    const connection = ground.connect();
    ground.target.event(connection, TcpIndicateDisconnect);
    expect(ground.events).toEqual([[connection, TcpIndicateDisconnect, 0], [connection, TcpIndicateDisconnect, 0]]);
  });

  test('before the last data, and then not again', () => {
    const ground = new Ground([{ fault: 'C7', parameters: { mode: 'early' }, nth: 1 }]);
    const connection = ground.connect();
    ground.target.indicate(connection, 'the end');
    ground.target.event(connection, TcpIndicateDisconnect);
    expect(ground.host.calls.entries.filter((entry) => entry.includes('TcpOffload'))).toEqual(['protocolTcpOffloadEvent', 'protocolTcpOffloadReceiveIndicate']);
    expect(ground.events).toEqual([[connection, TcpIndicateDisconnect, 0]]);
  });
});

test('C8: an upload that is needed is not asked for; one that is not needed is', () => {
  const ground = new Ground([{ fault: 'C8' }]);
  const connection = ground.connect();
  ground.target.event(connection, TcpIndicateRetrieve, TCP_UPLOAD_REASON.ReceivedUrgentData);
  ground.target.event(connection, TcpIndicateRetrieve, TCP_UPLOAD_REASON.LowActivity);
  expect(ground.events).toEqual([[connection, TcpIndicateRetrieve, TCP_UPLOAD_REASON.LowActivity]]);
});

test('C9: a backlog of 0 in place of the true one', () => {
  const ground = new Ground([{ fault: 'C9', next: 1 }]);
  const connection = ground.connect();
  ground.target.event(connection, TcpIndicateSendBacklogChange, 65_536);
  ground.target.event(connection, TcpIndicateSendBacklogChange, 65_536);
  expect(ground.events).toEqual([[connection, TcpIndicateSendBacklogChange, 0], [connection, TcpIndicateSendBacklogChange, 65_536]]);
});

test('E1: the host vouches for a neighbor', () => {
  const ask = (ground: Ground): number => {
    const { root, blocks } = ground.tree();
    ground.host.initiate(root);
    ground.target.completeTree('initiate');
    const block = ground.target.askAboutNeighbor(present(blocks[0]?.offloadHandle), INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    return present((block.state as NeighborOffloadState).cached).hostReachabilityDelta;
  };
  const honest = ask(new Ground([], { party: 'host' }));
  expect(ask(new Ground([{ fault: 'E1', parameters: { ticks: 77 } }], { party: 'host' }))).toBe(77);
  expect(honest).not.toBe(77);
});

describe('what a host does with what was indicated', () => {
  const accept = (ground: Ground): NetBufferList => {
    ground.host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: number, bytesConsumed: BytesConsumed) => {
      bytesConsumed.value = textOf(nbl).length;
      return NDIS_STATUS_SUCCESS;
    });
    return ground.target.indicate(ground.connect(), 'abc').netBufferList;
  };

  test('A2: it returns it twice, CHIM-RET-002', () => {
    const ground = new Ground([{ fault: 'A2' }], { party: 'host' });
    const nbl = accept(ground);
    ground.host.binding.offloadTcpReceiveReturn(nbl);
    expect(ground.target.calls.count('miniportTcpOffloadReceiveReturn')).toBe(1);
    expect(ground.rules).toEqual(['CHIM-RET-002']);
    expect(ground.faults.log.refusals).toEqual({ A2: 1 });
  });

  test('C5: it does not return it', () => {
    const ground = new Ground([{ fault: 'C5' }], { party: 'host' });
    const nbl = accept(ground);
    ground.host.binding.offloadTcpReceiveReturn(nbl);
    ground.advance(1000);
    expect(ground.host.binding.indicatedNetBufferLists).toBe(1);
    ground.faults.heal();
    ground.settle();
    expect(ground.host.binding.indicatedNetBufferLists).toBe(0);
  });
});
