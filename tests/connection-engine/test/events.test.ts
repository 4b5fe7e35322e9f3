import { membersOf, present, tcpBlock, under } from '@ndis-chimney/kit';
import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_DEVICE_POWER_STATE,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NdisTcpConnectionOffloadParameters,
  OFFLOAD_STATE_TYPE,
  OID_PNP_SET_POWER,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OffloadBlockState,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_OFFLOAD_CONNECTION_STATE as STATE,
  TCP_UPLOAD_REASON as REASON,
  TcpOffloadStateCached,
  createProtocolOffloadBlockList,
  netBufferListBytes,
  type NdisStatusIndication,
  type NdisTcpConnectionOffload,
  type NeighborOffloadState,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, delegatedBlock, pattern } from './world.ts';

const SET = 1;
const MANDATORY = ['HardwareFailure', 'InvalidState', 'ReceivedUrgentData', 'TimeoutExpiration', 'UploadRequested'] as const;
const OPTIONAL = ['HighDropRate', 'HighFragmentation', 'HighOutOfOrderPackets', 'LowActivity', 'NoBufferPreposting', 'SmallIO'] as const;

function want(world: World, reason: keyof typeof REASON): void {
  world.raise((events) => {
    events.uploadWanted(0, REASON[reason]);
  });
}

function setParameters(world: World, change: (parameters: NdisTcpConnectionOffloadParameters) => void): void {
  const parameters = new NdisTcpConnectionOffloadParameters();
  change(parameters);
  expect(world.host.request(SET, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters).status).toBe(NDIS_STATUS_SUCCESS);
}

function reference(type: OFFLOAD_STATE_TYPE, handle: OffloadHandle, state: OffloadBlockState | null = null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, handle, state);
}

describe('the upload of a connection', () => {
  it.each(MANDATORY.slice(1))('GV-EVT-3, CHIM-EVT-009, CHIM-TRM-016: %s stops it', (reason) => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    world.settle();
    world.raise((events) => {
      events.acked(0, 4);
      events.uploadWanted(0, REASON[reason]);
    });
    expect(world.commands().at(-1)).toBe('hold 0');
    world.host.send(handle, pattern(5));
    world.host.receive(handle, 5);
    world.host.disconnect(handle);
    world.settle();
    expect(world.told()).toEqual([
      `TcpIndicateRetrieve ${reason}`,
      'send UPLOAD_IN_PROGRESS 4',
      'send UPLOAD_IN_PROGRESS 0',
      'receive UPLOAD_IN_PROGRESS 0',
      'disconnect UPLOAD_IN_PROGRESS 0',
    ]);
    want(world, reason);
    expect(world.told()).toEqual([]);
    expect(world.commands()).toEqual([]);
    expect(world.terminate(handle).block.status).toBe(NDIS_STATUS_SUCCESS);
    world.expectNoViolation();
  });

  it.each(OPTIONAL)('GV-EVT-3, CHIM-EVT-009: %s leaves it working', (reason) => {
    const world = new World();
    const handle = world.connect();
    want(world, reason);
    expect(world.told()).toEqual([`TcpIndicateRetrieve ${reason}`]);
    world.host.send(handle, pattern(10));
    world.settle();
    world.raise((events) => {
      events.acked(0, 10);
      events.received(0, pattern(3), 0, 3, 0);
    });
    expect(world.told()).toEqual(['send SUCCESS 10', 'indicate 3']);
    world.expectNoViolation();
  });

  it.each([
    [STATE.TcpConnectionEstablished, true],
    [STATE.TcpConnectionFinWait1, false],
    [STATE.TcpConnectionFinWait2, false],
    [STATE.TcpConnectionCloseWait, false],
  ])('GV-EVT-4, CHIM-EVT-010: in state %i a voluntary request is made: %s; a failure always', (state, isMade) => {
    const world = new World();
    const handle = world.connect();
    if (state === STATE.TcpConnectionCloseWait) world.raise((events) => { events.fin(0); });
    else if (state !== STATE.TcpConnectionEstablished) world.host.disconnect(handle);
    world.settle();
    if (state === STATE.TcpConnectionFinWait2) world.raise((events) => { events.finAcked(0); });
    expect(world.query(handle).delegated.state).toBe(state);
    world.told();
    want(world, 'LowActivity');
    want(world, 'UploadRequested');
    expect(world.told().filter((line) => line.startsWith('TcpIndicateRetrieve'))).toEqual(isMade ? ['TcpIndicateRetrieve LowActivity', 'TcpIndicateRetrieve UploadRequested'] : []);
    if (isMade) return;
    want(world, 'TimeoutExpiration');
    expect(world.told()[0]).toBe('TcpIndicateRetrieve TimeoutExpiration');
  });

  it('CHIM-NBL-005: what is lent is not given back before the engine says that it holds the connection', () => {
    const world = new World();
    const handle = world.connect();
    world.engine.silent.add('hold');
    world.host.send(handle, pattern(10));
    world.settle();
    want(world, 'UploadRequested');
    expect(world.told()).toEqual(['TcpIndicateRetrieve UploadRequested']);
    world.raise((events) => {
      events.acked(0, 10);
      events.held(0);
    });
    expect(world.told()).toEqual(['send SUCCESS 10']);
    world.expectNoViolation();
  });

  it('GV-EVT-9, CHIM-EVT-011: of urgent data nothing is acknowledged, and the segments go the ordinary way after the upload', () => {
    const world = new World();
    const handle = world.connect();
    const frames: Uint8Array[] = [];
    world.host.calls.on('protocolReceiveNetBufferLists', (_context: unknown, list: NetBufferList) => {
      for (const nbl of membersOf(list)) frames.push(netBufferListBytes(nbl));
      world.host.binding.returnNetBufferLists(list, 0);
    });
    want(world, 'ReceivedUrgentData');
    const { rcvNxt } = present(world.engine.records.get(0));
    const { delegated } = world.terminate(handle);
    world.raise((events) => {
      for (const length of [1, 2, 3]) events.frame(pattern(9), 1, length);
    });
    expect(world.told()).toEqual(['TcpIndicateRetrieve ReceivedUrgentData', 'terminate SUCCESS']);
    expect(delegated.rcvNxt).toBe(rcvNxt);
    expect(frames.map((frame) => [...frame])).toEqual([[1], [1, 2], [1, 2, 3]]);
    expect(world.ndis.outstanding.netBufferLists).toBe(0);
    world.expectNoViolation();
  });
});

describe('lost hardware', () => {
  it('GV-HW-1, CHIM-QRY-004: a query that cannot be answered fails, and then the connection is taken back', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    world.host.receive(handle, 10);
    world.settle();
    world.engine.silent.add('query');
    world.host.binding.queryOffloadState(tcpBlock(handle));
    world.settle();
    world.raise((events) => {
      events.failed(0, -1);
    });
    expect(world.told()).toEqual(['query FAILURE', 'TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0']);
    expect(world.terminate(handle).block.status).toBe(NDIS_STATUS_SUCCESS);
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'receive REQUEST_ABORTED 0', 'terminate SUCCESS']);
    world.expectNoViolation();
  });

  it('CHIM-TRM-015: a terminate that fails keeps everything until the second one', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    world.settle();
    world.engine.silent.add('export');
    world.host.binding.terminateOffload(delegatedBlock(handle).block);
    world.settle();
    world.raise((events) => {
      events.failed(0, -1);
    });
    expect(world.told()).toEqual(['terminate FAILURE', 'TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0']);
    expect(world.terminate(handle).block.status).toBe(NDIS_STATUS_SUCCESS);
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'terminate SUCCESS']);
    expect(handle.state).toBe('dead');
    world.expectNoViolation();
  });

  it('CHIM-INV-005: an invalidate that fails, and hardware that fails by itself', () => {
    const world = new World();
    const [first, second] = world.offload({ connectionsPerPath: 2 }).connections;
    world.engine.silent.add('hold');
    world.host.binding.invalidateOffload(reference(OFFLOAD_STATE_TYPE.TcpOffloadState, present(first)));
    world.settle();
    world.raise((events) => {
      events.failed(0, -1);
      events.uploadWanted(1, REASON.HardwareFailure);
    });
    const lost = ['TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0'];
    expect(world.told()).toEqual(['invalidate FAILURE', ...lost, ...lost]);
    for (const handle of [first, second]) expect(world.terminate(present(handle)).block.status).toBe(NDIS_STATUS_SUCCESS);
    world.expectNoViolation();
  });
});

describe('lost hardware and a terminate', () => {
  it('that meet in one pass: the host hears of the loss first, and gets everything back', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    world.settle();
    world.engine.events.failed(0, -1);
    expect(world.terminate(handle).block.status).toBe(NDIS_STATUS_SUCCESS);
    expect(world.told()).toEqual(['TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0', 'send REQUEST_ABORTED 0', 'terminate SUCCESS']);
    world.expectNoViolation();
  });
});

describe('updates', () => {
  it('CHIM-UPD-004, CHIM-UPD-005: reach the engine of every connection below, before they are completed', () => {
    const world = new World();
    const { neighbors, paths, connections } = world.offload({ connectionsPerPath: 2 });
    world.commands();
    world.engine.silent.add('update');
    const cached = Object.assign(new TcpOffloadStateCached(), { kaTimeout: 9, initialRcvWnd: 65_536, flags: TCP_FLAG_MAX_RT_RESTART });
    world.host.binding.updateOffload(reference(OFFLOAD_STATE_TYPE.TcpOffloadCachedState, present(connections[0]), new OffloadBlockState(null, cached, null)));
    world.settle();
    expect([world.commands(), world.told()]).toEqual([['update 0'], []]);
    world.raise((events) => {
      events.updated(0, 0);
    });
    expect(world.told()).toEqual(['update SUCCESS']);
    const relink = world.host.offload();
    world.settle();
    world.told();
    world.commands();
    const path = reference(OFFLOAD_STATE_TYPE.Ip4OffloadCachedState, present(paths[0]));
    world.host.binding.updateOffload(under(reference(OFFLOAD_STATE_TYPE.NeighborOffloadCachedState, present(relink.neighbors[0])), path));
    world.settle();
    expect(world.commands()).toEqual(['update 0', 'update 1']);
    world.raise((events) => {
      events.updated(1, 0);
      events.updated(0, -1);
    });
    // CHIM-UPD-008: a failure has no further consequence.
    expect(world.told()).toEqual(['update SUCCESS FAILURE']);
    expect(present(neighbors[0]).state).toBe('offloaded');
    world.expectNoViolation();
  });

  it('CHIM-INV-002, CHIM-INV-003, LC13: an invalid neighbor stops what is below it, a valid one lets it go on', () => {
    const world = new World();
    const { neighbors, paths, connections } = world.offload({ connectionsPerPath: 2 });
    const handle = present(connections[0]);
    world.host.send(handle, pattern(10));
    world.settle();
    world.commands();
    world.engine.silent.add('hold');
    world.host.binding.invalidateOffload(reference(OFFLOAD_STATE_TYPE.NeighborOffloadState, present(neighbors[0])));
    world.settle();
    expect([world.commands(), world.told()]).toEqual([['hold 0', 'hold 1'], []]);
    world.raise((events) => {
      events.held(1);
      events.held(0);
    });
    expect(world.told()).toEqual(['invalidate SUCCESS', 'TcpIndicateRetrieve InvalidState', 'send UPLOAD_IN_PROGRESS 0', 'TcpIndicateRetrieve InvalidState']);
    world.raise((events) => {
      events.received(1, pattern(1), 0, 1, 0);
    });
    expect(world.violations.splice(0)).toEqual(['CHIM-ENG-004']);
    world.told();
    world.commands();
    const other = world.host.offload();
    world.settle();
    world.host.binding.updateOffload(
      under(reference(OFFLOAD_STATE_TYPE.NeighborOffloadCachedState, present(other.neighbors[0])), reference(OFFLOAD_STATE_TYPE.Ip4OffloadCachedState, present(paths[0]))),
    );
    world.settle();
    expect(world.commands().slice(-2)).toEqual(['update 0', 'resume 0']);
    world.told();
    world.host.send(handle, pattern(20));
    world.settle();
    world.raise((events) => {
      events.acked(0, 20);
    });
    expect(world.told()).toEqual(['send SUCCESS 20']);
  });

  it('LC13: a connection that may go on before the engine has said that it stopped goes on then, and not before', () => {
    const world = new World();
    const { paths, connections } = world.offload();
    const handle = present(connections[0]);
    const [bad, good] = [world.host.offload({ connectionsPerPath: 0 }), world.host.offload({ connectionsPerPath: 0 })];
    world.settle();
    world.host.send(handle, pattern(10));
    world.settle();
    world.engine.silent.add('hold');
    // The first of the two neighbors becomes invalid while the path is linked to it.
    world.host.binding.invalidateOffload(reference(OFFLOAD_STATE_TYPE.NeighborOffloadState, present(bad.neighbors[0])));
    const relinkTo = (neighbor: OffloadHandle | undefined): void => {
      world.told();
      world.commands();
      const block = reference(OFFLOAD_STATE_TYPE.NeighborOffloadCachedState, present(neighbor));
      world.host.binding.updateOffload(under(block, reference(OFFLOAD_STATE_TYPE.Ip4OffloadCachedState, present(paths[0]))));
      world.settle();
    };
    relinkTo(bad.neighbors[0]);
    expect([world.told(), world.commands()]).toEqual([['invalidate SUCCESS', 'update SUCCESS SUCCESS', 'TcpIndicateRetrieve InvalidState'], ['update 0', 'hold 0']]);
    relinkTo(good.neighbors[0]);
    expect([world.told(), world.commands()]).toEqual([['update SUCCESS SUCCESS'], ['update 0']]);
    world.raise((events) => {
      events.held(0);
    });
    expect([world.told(), world.commands()]).toEqual([['send UPLOAD_IN_PROGRESS 0'], ['resume 0']]);
    world.host.send(handle, pattern(20));
    world.settle();
    world.raise((events) => {
      events.acked(0, 20);
    });
    expect(world.told()).toEqual(['send SUCCESS 20']);
    world.expectNoViolation();
  });

  it('with a lenient invalidate, connections go on until they are taken back', () => {
    const world = new World({ isInvalidateLenient: true });
    const handle = world.connect();
    world.host.binding.invalidateOffload(reference(OFFLOAD_STATE_TYPE.TcpOffloadState, handle));
    world.settle();
    world.host.send(handle, pattern(10));
    world.settle();
    world.raise((events) => {
      events.acked(0, 10);
    });
    expect(world.told()).toEqual(['invalidate SUCCESS', 'TcpIndicateRetrieve InvalidState', 'send SUCCESS 10']);
    expect(world.commands()).not.toContain('hold 0');
  });
});

describe('the target as a whole', () => {
  it('GV-UPL-1, CHIM-TRM-022: pause, upload all, resume', () => {
    const world = new World();
    const indicated: NdisStatusIndication<NdisTcpConnectionOffload>[] = [];
    world.host.calls.on('protocolStatusEx', (_context: unknown, indication: NdisStatusIndication<NdisTcpConnectionOffload>) => {
      indicated.push(Object.assign(Object.create(Object.getPrototypeOf(indication) as object) as typeof indication, indication));
    });
    const handle = world.connect();
    world.target.pauseOffload();
    world.host.offload();
    world.host.send(handle, pattern(1));
    world.settle();
    world.raise((events) => {
      events.acked(0, 1);
    });
    expect(world.told()).toEqual(['send SUCCESS 1']);
    world.target.uploadAll();
    world.host.send(handle, pattern(1));
    world.settle();
    expect(world.told()).toEqual(['send UPLOAD_IN_PROGRESS 0']);
    expect(world.terminate(handle).block.status).toBe(NDIS_STATUS_SUCCESS);
    world.told();
    world.target.resumeOffload();
    world.settle();
    expect(world.told()).toEqual(['initiate SUCCESS SUCCESS SUCCESS']);
    expect(indicated.map(({ statusCode }) => statusCode)).toEqual([NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_OFFLOAD_RESUME]);
    expect(indicated.at(-1)?.statusBuffer?.tcpConnectionOffloadCapacity).toBe(4096);
    world.expectNoViolation();
  });

  it('GV-PWR-1, CHIM-PWR-002: a set-power request waits for the terminate that is under way', () => {
    const world = new World();
    const handle = world.connect();
    const { NdisDeviceStateD0, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;
    world.host.calls.on('protocolOidRequestComplete', (_context: unknown, _request: unknown, status: number) => {
      world.story.push(`power ${status}`);
    });
    expect(world.host.request(SET, OID_PNP_SET_POWER, NdisDeviceStateD3).status).toBe(NDIS_STATUS_NOT_ACCEPTED);
    expect(world.host.request(SET, OID_PNP_SET_POWER, NdisDeviceStateD0).status).toBe(NDIS_STATUS_SUCCESS);
    expect(world.host.request(SET, OID_PNP_SET_POWER, 'deep').status).toBeLessThan(0);
    world.engine.silent.add('export');
    world.host.binding.terminateOffload(delegatedBlock(handle).block);
    expect(world.host.request(SET, OID_PNP_SET_POWER, NdisDeviceStateD3).status).toBe(NDIS_STATUS_PENDING);
    world.settle();
    expect(world.told()).toEqual([]);
    world.raise((events) => {
      events.exported(0, {});
    });
    expect(world.told()).toEqual(['terminate SUCCESS', 'power 0']);
    expect(world.host.request(SET, OID_PNP_SET_POWER, NdisDeviceStateD3).status).toBe(NDIS_STATUS_SUCCESS);
    world.expectNoViolation();
  });

  it('CHIM-EVT-014: tells of great changes of the send backlog only', () => {
    const world = new World();
    world.connect();
    for (const byteCount of [1000, 1100, 1249, 1250, 900, 0]) world.raise((events) => { events.sendBacklog(0, byteCount); });
    expect(world.told()).toEqual(['TcpIndicateSendBacklogChange 1000', 'TcpIndicateSendBacklogChange 1250', 'TcpIndicateSendBacklogChange 900', 'TcpIndicateSendBacklogChange 0']);
  });

  it('frames of the host go to the engine, and come back at once', () => {
    const world = new World();
    world.host.sendOrdinary('one', 'two');
    world.settle();
    expect(world.engine.frames.map((frame) => new TextDecoder().decode(frame))).toEqual(['one', 'two']);
    expect(world.host.calls.count('protocolSendNetBufferListsComplete')).toBe(1);
    expect(world.target.ordinarySends).toBe(0);
  });

  it.each([[10, 5], [100, 50], [1000, 500]])('GV-TMR-5: at %i ticks per second the push timer runs %i ticks, which is half a second', (ticksPerSecond, ticks) => {
    const world = new World();
    const handle = world.connect();
    setParameters(world, (parameters) => Object.assign(parameters, { ticksPerSecond, tcpPushTicks: ticks }));
    world.host.receive(handle, 100);
    world.raise((events) => {
      events.received(0, pattern(10), 0, 10, 0);
    });
    world.runtime.advance(499);
    expect(world.told()).toEqual([]);
    world.runtime.advance(1);
    expect(world.told()).toEqual(['receive SUCCESS 10']);
  });
});

describe('neighbor reachability', () => {
  it('CHIM-EVT-015 to CHIM-EVT-018: the host is asked before something is sent to a neighbor nobody has heard of', () => {
    const world = new World();
    const asked: string[] = [];
    let answer = 0;
    world.host.calls.on('protocolIndicateOffloadEvent', (_context: unknown, block: ProtocolOffloadBlockList, code: number) => {
      const { const: constState, cached, delegated } = block.state as NeighborOffloadState;
      expect([code, block.header.type, block.nextBlock, block.dependentBlockList, block.status, constState === null]).toEqual([
        INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery,
        OFFLOAD_STATE_TYPE.NeighborOffloadState,
        null,
        null,
        0,
        false,
      ]);
      asked.push(`${world.runtime.clock.now()}: HRD ${present(cached).hostReachabilityDelta} NRD ${present(delegated).nicReachabilityDelta}`);
      present(cached).hostReachabilityDelta = answer;
    });
    setParameters(world, (parameters) => Object.assign(parameters, { ticksPerSecond: 1000, nceStaleTicks: 100 }));
    const handle = world.connect();
    const send = (): void => {
      world.host.send(handle, 'x');
      world.settle();
    };
    const until = (now: number): void => {
      world.runtime.advance(now - world.runtime.clock.now());
      send();
    };
    until(99);
    expect(asked).toEqual([]);
    // The host's last word was one tick old at the offload.
    until(101);
    expect(asked).toEqual(['101: HRD 102 NRD 101']);
    until(201);
    expect(asked).toHaveLength(1);
    answer = 20;
    until(202);
    expect(asked).toEqual(['101: HRD 102 NRD 101', '202: HRD 101 NRD 202']);
    until(282);
    expect(asked).toHaveLength(2);
    world.raise((events) => {
      events.acked(0, 1);
    });
    until(383);
    expect(asked[2]).toBe('383: HRD 201 NRD 101');
    world.expectNoViolation();
  });
});
