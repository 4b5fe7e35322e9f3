import { createOffloadParameters, hasProgressed, readRoundTrip, describeConnection, type AdapterEvent, type HostNeighbor, type ReachabilityPolicy } from '@ndis-chimney/host';
import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_DEVICE_POWER_STATE,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_STATUS_INVALID_DATA,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NdisTcpConnectionOffload,
  OID_PNP_SET_POWER,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  convertTicks,
  isNeighborStale,
  reachabilityTime,
  type NdisOidRequest,
  type NdisTcpConnectionOffloadParameters,
  type NeighborOffloadState,
  type TcpOffloadStats,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ENDS, bytes, createHostStack, from, type HostStack } from './host-stack.ts';

const oids = (stack: HostStack): NdisOidRequest[] => stack.target.calls.of('miniportOidRequest').map(([, request]) => request as NdisOidRequest);

describe.each([0, 1])('over %i intermediate drivers', (intermediates) => {
  test('GV-UPL-1: pause, an initiate under way, a send, upload all, a send, terminates, resume', async () => {
    const stack = createHostStack({ intermediates });
    const events: string[] = [];
    stack.host.adapterEvents$.subscribe(({ type }: AdapterEvent) => events.push(type));
    const early = await stack.connect(from(1));
    const underWay = stack.host.offload(from(2));
    await stack.rest();
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    expect((await stack.host.offload(from(3))).status).toBe(NDIS_STATUS_PAUSED);
    // The initiate under way is completed later, and counts.
    await stack.complete('initiate');
    const { connection } = await underWay;
    expect(connection?.offloadState).toBe('Offloaded');
    const first = early.send(bytes('served'));
    stack.target.completeSends();
    expect((await first).status).toBe(NDIS_STATUS_SUCCESS);
    stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
    const second = early.send(bytes('comes back'));
    await stack.rest();
    stack.target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    await stack.complete('terminate');
    expect((await second).status).toBe(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    expect([stack.host.offloadedObjects, (await early.uploaded).reason]).toEqual([[], 'uploadAll']);
    const capabilities = new NdisTcpConnectionOffload();
    capabilities.tcpConnectionOffloadCapacity = 12;
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
    // Asked for again, not taken from the indication (CHIM-TRM-020).
    expect(stack.host.capabilitiesOf(stack.host.adapterNames[0] ?? '')).toMatchObject({ tcpConnectionOffloadCapacity: 12 });
    await stack.connect(from(4));
    expect(events).toEqual(['offloadPause', 'uploadAll', 'offloadResume']);
    await stack.close();
  });

  test('a resume that says nothing of capabilities leaves those that are asked for (CHIM-TRM-020)', async () => {
    const stack = createHostStack({ intermediates });
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME);
    expect(stack.host.capabilitiesOf(stack.host.adapterNames[0] ?? '')).toMatchObject({ tcpConnectionOffloadCapacity: 1000 });
    await stack.connect();
    await stack.close();
  });

  test('an offload that waits when the pause comes is not begun (CHIM-TRM-020)', async () => {
    const stack = createHostStack({ intermediates });
    const first = stack.host.offload(from(1));
    const waiting = stack.host.offload(from(2));
    await stack.rest();
    stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
    await stack.complete('initiate');
    expect([(await first).status, (await waiting).status]).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_PAUSED]);
    expect(stack.target.calls.count('miniportInitiateOffload')).toBe(1);
    await stack.close();
  });

  test('a neighbor reachability query is answered before it returns: by default the neighbor is there (CHIM-EVT-017)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const block = stack.target.askAboutNeighbor(stack.neighborContext.handle, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    expect((block.state as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(1);
    expect(connection.path?.neighbor?.hostReachabilityTicks).toBe(0);
    await stack.close();
  });

  test('a policy answers for the host: which neighbor, how old what is known, and 0 for a stale entry', async () => {
    const asked: (readonly [HostNeighbor, number, number])[] = [];
    const reachability: ReachabilityPolicy = ({ neighbor, hostReachabilityTicks, nicReachabilityTicks }) => {
      asked.push([neighbor, hostReachabilityTicks, nicReachabilityTicks]);
      return 0;
    };
    const stack = createHostStack({ intermediates, host: { reachability } });
    const connection = await stack.connect();
    const block = stack.target.askAboutNeighbor(stack.neighborContext.handle, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    expect((block.state as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(0);
    expect(asked).toEqual([[connection.path?.neighbor, 1, 0]]);
    // The reserved code is not a question (AMB-27).
    stack.target.askAboutNeighbor(stack.neighborContext.handle, INDICATE_OFFLOAD_EVENT.NeighborReachabilityInDoubt);
    expect(asked).toHaveLength(1);
    await stack.close();
  });
});

test.each([-1, 1.5, NaN, 2 ** 32])('a policy that answers %f is told, and the target gets a stale entry', async (answer) => {
  const stack = createHostStack({ host: { reachability: () => answer } });
  await stack.connect();
  const block = stack.target.askAboutNeighbor(stack.neighborContext.handle, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
  expect((block.state as NeighborOffloadState).cached?.hostReachabilityDelta).toBe(0);
  expect(stack.violations.map(({ message }) => message)).toEqual([expect.stringContaining(`reachability answered ${answer}, not a number of ticks`)]);
  stack.takeViolations();
  await stack.close();
});

test('what the target learned of a neighbor comes back with it', async () => {
  const stack = createHostStack();
  const connection = await stack.connect(from(1, { reachableTicksAgo: 500 }));
  const neighbor = connection.path?.neighbor ?? null;
  expect(neighbor?.hostReachabilityTicks).toBe(500);
  const terminated = connection.terminate();
  await stack.complete('terminate', { change: (block) => { Object.assign(block.state?.delegated ?? {}, { nicReachabilityDelta: 20 }); } });
  await terminated;
  expect(neighbor?.hostReachabilityTicks).toBe(20);
  await stack.close();
});

test('at the offload both sides agree on the age of a neighbor, in ticks of the rate that was set', async () => {
  const stack = createHostStack({ host: { parameters: createOffloadParameters({ ticksPerSecond: 100 }) } });
  const state = from(1, { reachableTicksAgo: 5 });
  const offloading = stack.host.offload(state);
  stack.settle();
  const { cached, delegated } = stack.pending('initiate').state as NeighborOffloadState;
  expect([cached?.hostReachabilityDelta, delegated?.nicReachabilityDelta]).toEqual([5, 5]);
  stack.accept();
  await offloading;
  await stack.close();
});

describe('reachability in numbers', () => {
  test('GV-EVT-5: HRD = NRD = 50 at NCT 30 gives HRT = NRT = 4294967276', () => {
    expect(reachabilityTime(30, 50)).toBe(4_294_967_276);
  });

  test('GV-EVT-6: with NceStaleTicks 100 nothing is asked at 80, and at 81 it is', () => {
    const time = reachabilityTime(30, 50);
    expect([isNeighborStale(80, time, time, 100), isNeighborStale(81, time, time, 100)]).toEqual([false, true]);
    expect((81 - time) >>> 0).toBe(101);
  });

  test.each([[0, 182], [20, 162]])('GV-EVT-7: after the answer %i at 81 the next question is at %i', (answer, next) => {
    const nic = reachabilityTime(30, 50);
    const host = reachabilityTime(81, answer);
    let now = 82;
    while (!isNeighborStale(now, nic, host, 100)) now++;
    expect(now).toBe(next);
  });

  test('GV-EVT-8: HRD 50 at 100 ticks per second is 500 ticks of a NIC with 1000', () => {
    expect(convertTicks(50, 100, 1000)).toBe(500);
  });

  test('a smaller age than the one reported means progress', () => {
    expect([hasProgressed(101, 3), hasProgressed(101, 131)]).toEqual([true, false]);
  });
});

describe('parameters', () => {
  test('times become ticks of the rate that is set with them', () => {
    expect(createOffloadParameters({ ticksPerSecond: 10, pushMs: 250, delayedAckMs: 200, nceStaleMs: 30_000 })).toMatchObject({
      ticksPerSecond: 10, tcpPushTicks: 3, tcpDelayedAckTicks: 2, nceStaleTicks: 300, tcpAckFrequency: 2, tcpDuplicateAckThreshold: 3,
    });
  });

  test.each([
    [{ ticksPerSecond: 60 }, 'ticksPerSecond is 60, not 10, 100, 1000'],
    [{ delayedAckMs: 300 }, 'delayedAckMs comes to 300, which does not fit 8 bits'],
    [{ maximumRetransmissions: -1 }, 'maximumRetransmissions comes to -1, which does not fit 8 bits'],
    [{ ackFrequency: 1.5 }, 'ackFrequency comes to 1.5, which does not fit 8 bits'],
  ])('what does not fit is refused (%#)', (options, message) => {
    expect(() => createOffloadParameters(options)).toThrow(new TypeError(`createOffloadParameters: ${message}`));
  });

  test('another clock rate is set when everything is back (CHIM-TMR-001), other values at once', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    expect(await stack.host.setParameters(createOffloadParameters({ pushMs: 100 }))).toBe(NDIS_STATUS_SUCCESS);
    expect([connection.offloadState, stack.host.parametersOf('nic')?.tcpPushTicks]).toEqual(['Offloaded', 100]);
    const setting = stack.host.setParameters(createOffloadParameters({ ticksPerSecond: 10 }));
    await stack.rest();
    expect([connection.offloadState, oids(stack).length, (await stack.host.offload(from(2))).status]).toEqual(['Uploading', 2, NDIS_STATUS_PAUSED]);
    await stack.complete('terminate');
    expect([await setting, stack.host.parametersOf('nic')?.ticksPerSecond, oids(stack).length]).toEqual([NDIS_STATUS_SUCCESS, 10, 3]);
    await stack.connect();
    await stack.close();
  });

  test('that the target refuses leave the old ones in force', async () => {
    const stack = createHostStack();
    stack.target.calls.on('miniportOidRequest', () => NDIS_STATUS_INVALID_DATA);
    expect(await stack.host.setParameters(createOffloadParameters({ pushMs: 7 }))).toBe(NDIS_STATUS_INVALID_DATA);
    expect(stack.host.parametersOf('nic')?.tcpPushTicks).toBe(0);
    await stack.connect();
    await stack.close();
  });

  test('go down with the bind, and nothing is offloaded before (CHIM-CAP-004)', async () => {
    const parameters = createOffloadParameters({ ticksPerSecond: 100 });
    const stack = createHostStack({ host: { parameters } });
    const [request] = oids(stack);
    expect([request?.oid, (request?.informationBuffer as NdisTcpConnectionOffloadParameters | undefined)?.ticksPerSecond]).toEqual([OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 100]);
    await stack.close();
  });
});

test('an IP version that the adapter cannot offload is refused, the other is not', async () => {
  const stack = createHostStack();
  const capabilities = new NdisTcpConnectionOffload();
  capabilities.supportIPv6 = NDIS_OFFLOAD_SUPPORTED;
  stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
  expect(await stack.host.offload(from(1))).toEqual({ status: NDIS_STATUS_NOT_SUPPORTED, connection: null });
  const six = describeConnection({ ...ENDS, local: { address: '2001:db8::1', port: 1 }, remote: { address: '2001:db8::2', port: 2 } });
  expect((await stack.connect(six)).path?.isIPv6).toBe(true);
  await stack.close();
});

describe('statistics', () => {
  test('come from the four OIDs; what a target does not keep is null', async () => {
    const stack = createHostStack();
    stack.target.calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
      if (request.oid !== OID_TCP4_OFFLOAD_STATS) return NDIS_STATUS_NOT_SUPPORTED;
      (request.informationBuffer as TcpOffloadStats).inSegments = 42;
      return NDIS_STATUS_SUCCESS;
    });
    const { tcp4, tcp6, ip4, ip6 } = await stack.host.statistics();
    expect([tcp4?.inSegments, tcp6, ip4, ip6]).toEqual([42, null, null, null]);
    await stack.close();
  });

  test('a request that takes its time is waited for, also by the close (CHIM-LIF-003)', async () => {
    const stack = createHostStack();
    stack.target.calls.on('miniportOidRequest', () => NDIS_STATUS_PENDING);
    const resetting = stack.host.resetStatistics(6);
    await stack.rest();
    const pending = oids(stack).slice(-2);
    let isUnbound = false;
    stack.ndis.unbindAdapter(stack.binding, () => {
      isUnbound = true;
    });
    await stack.rest();
    expect(isUnbound).toBe(false);
    for (const request of pending) stack.target.miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
    await stack.rest();
    expect([await resetting, isUnbound]).toEqual([NDIS_STATUS_SUCCESS, true]);
    await stack.close();
  });
});

describe('power', () => {
  test('everything is back before the adapter goes below D0, and nothing is offered until it is in D0 again (CHIM-PWR-001, CHIM-PWR-003)', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    stack.target.calls.clear();
    const sleeping = stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3);
    await stack.rest();
    expect([stack.operations, oids(stack)]).toEqual([['terminate'], []]);
    await stack.complete('terminate');
    expect(await sleeping).toBe(NDIS_STATUS_SUCCESS);
    expect(oids(stack).map(({ oid, informationBuffer }) => [oid, informationBuffer])).toEqual([[OID_PNP_SET_POWER, NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3]]);
    expect([(await connection.uploaded).reason, (await stack.host.offload(from(2))).status]).toEqual(['power', NDIS_STATUS_PAUSED]);
    expect(await stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0)).toBe(NDIS_STATUS_SUCCESS);
    await stack.connect(from(2));
    await stack.close();
  });

  test('a target that stays awake can be used on', async () => {
    const stack = createHostStack();
    stack.target.calls.on('miniportOidRequest', () => NDIS_STATUS_NOT_SUPPORTED);
    expect(await stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD2)).toBe(NDIS_STATUS_NOT_SUPPORTED);
    await stack.connect();
    await stack.close();
  });
});

test('nothing is offered before the last of several requests for an empty adapter has ended', async () => {
  const stack = createHostStack();
  stack.target.calls.clear();
  stack.target.calls.on('miniportOidRequest', () => NDIS_STATUS_PENDING);
  const sleeping = stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3);
  const other = stack.host.setParameters(createOffloadParameters({ ticksPerSecond: 10 }));
  await stack.rest();
  const [power, parameters] = oids(stack);
  expect([power?.oid, parameters?.oid]).toEqual([OID_PNP_SET_POWER, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS]);
  if (power === undefined || parameters === undefined) return;
  stack.target.miniport.oidRequestComplete(parameters, NDIS_STATUS_SUCCESS);
  expect(await other).toBe(NDIS_STATUS_SUCCESS);
  expect((await stack.host.offload(from(1))).status).toBe(NDIS_STATUS_PAUSED);
  stack.target.miniport.oidRequestComplete(power, NDIS_STATUS_NOT_SUPPORTED);
  expect(await sleeping).toBe(NDIS_STATUS_NOT_SUPPORTED);
  await stack.connect();
  await stack.close();
});

test('a bind ends when the target completes the enabling request from inside the call', async () => {
  const stack = createHostStack();
  const ends: unknown[] = [];
  stack.ndis.unbindAdapter(stack.binding, () => ends.push('unbound'));
  await stack.rest();
  stack.target.calls.on('miniportOidRequest', (_context, request) => {
    stack.target.miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
    return NDIS_STATUS_PENDING;
  });
  stack.ndis.bindAdapter(stack.host.ndisProtocolHandle, stack.target.miniport, (status) => ends.push(status));
  await stack.rest();
  expect(ends).toEqual(['unbound', NDIS_STATUS_SUCCESS]);
  await stack.connect();
  await stack.close();
});

test('a lost link is the user’s to decide about', async () => {
  const stack = createHostStack();
  const events: string[] = [];
  stack.host.adapterEvents$.subscribe(({ adapterName, type }) => events.push(`${adapterName}: ${type}`));
  const connection = await stack.connect();
  stack.target.indicateStatus(NDIS_STATUS_MEDIA_DISCONNECT);
  await stack.rest();
  expect([events, connection.offloadState]).toEqual([['nic: mediaDisconnect'], 'Offloaded']);
  await stack.close();
  expect(events).toEqual(['nic: mediaDisconnect', 'nic: unbound']);
});

test('what is asked of an adapter that is not there is refused by name', async () => {
  const stack = createHostStack();
  await expect(stack.host.statistics('nic7')).rejects.toThrow(new TypeError('ChimneyHost.statistics: not bound to nic7'));
  await expect(stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3, 'nic7')).rejects.toThrow('ChimneyHost.setPower: not bound to nic7');
  await stack.close();
});

test('GV-SND-9: a round trip of 5 ticks, variation 3, is exchanged as SRtt 40, RttVar 12', () => {
  const { tcp } = from(1, { roundTrip: { srttTicks: 5, rttVarTicks: 3 } });
  const { delegated } = tcp;
  if (delegated === null) throw new Error('a description is complete');
  expect([delegated.sRtt, delegated.rttVar, readRoundTrip(delegated)]).toEqual([40, 12, { srttTicks: 5, rttVarTicks: 3 }]);
});
