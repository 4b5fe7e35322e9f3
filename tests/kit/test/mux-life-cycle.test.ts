import { ProbeHost, createMuxStack, present, type MuxStack, type MuxStackOptions } from '@ndis-chimney/kit';
import { MuxDriver } from '@ndis-chimney/intermediate';
import {
  IpOffloadStats,
  NDIS_DEVICE_POWER_STATE,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffload,
  NdisTcpConnectionOffloadParameters,
  OID_GEN_STATISTICS,
  OID_IP4_OFFLOAD_STATS,
  OID_PNP_SET_POWER,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  TcpOffloadStats,
  type NDIS_STATUS,
  type NdisOidRequest,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

const { NdisRequestQueryInformation, NdisRequestSetInformation } = NDIS_REQUEST_TYPE;
const { NdisDeviceStateD0, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;
const requestsTo = (stack: MuxStack, at: number): NdisOidRequest[] => stack.target(at).calls.of('miniportOidRequest').map(([, request]) => request as NdisOidRequest);

const shapes: [string, MuxStackOptions][] = [false, true].flatMap((isObserved) =>
  [false, true].flatMap((pendLifeCycle) => [false, true].map((isStacked): [string, MuxStackOptions] => [`observed: ${isObserved}, with waiting: ${pendLifeCycle}, stacked: ${isStacked}`, { isObserved, pendLifeCycle, isStacked }])),
);

describe.each(shapes)('life of a mux, %s', (_name, shape) => {
  test('virtual miniports come up with the first adapter and go with the last', () => {
    const stack = createMuxStack(shape);
    expect(stack.mux.uppers.map(({ name, isUp }) => [name, isUp])).toEqual([['u', true], ['v', true]]);
    const connection = present(stack.offload().connections[0]);
    stack.proveItWorks(stack.host(0), connection);
    stack.close();
  });

  test('one of several adapters is removed while nothing is offloaded: nobody above is disturbed', () => {
    const stack = createMuxStack(shape);
    let removed = 0;
    stack.ndis.removeAdapter(stack.target(0).miniport, () => removed++);
    stack.settle();
    expect(removed).toBe(1);
    for (const host of stack.hosts) expect(host.calls.entries).toEqual([]);
    stack.proveItWorks(stack.host(1), present(stack.offload(stack.host(1)).connections[0]));
    stack.close();
  });

  test('a pause of all and a restart of all', () => {
    const stack = createMuxStack(shape);
    const connection = present(stack.offload().connections[0]);
    for (let times = 0; times < 2; times++) {
      for (const target of stack.targets) {
        stack.ndis.pauseAdapter(target.miniport);
        stack.settle();
      }
      expect(() => stack.host(0).send(connection, 'x')).toThrow(/CHIM-LIF-004/);
      stack.expectOne('CHIM-LIF-004');
      stack.host(0).free();
      for (const target of [...stack.targets].reverse()) {
        stack.ndis.restartAdapter(target.miniport);
        stack.settle();
      }
      if (connection.state === 'offloaded' && stack.host(0).calls.count('protocolStatusEx') === 0) stack.proveItWorks(stack.host(0), connection);
    }
    stack.close();
  });
});

describe('coming up', () => {
  test('a name that is taken: the bind fails, and nothing is left', () => {
    const stack = createMuxStack();
    const mux = new MuxDriver(stack.ndis, { name: 'other', uppers: [{ name: 'w' }, { name: 'u' }] }).register();
    expect(stack.ndis.bindAdapter(mux.ndisProtocolHandle, stack.target(0).miniport)).toBe(NDIS_STATUS_NOT_ACCEPTED);
    stack.settle();
    expect([stack.ndis.findAdapter('w'), mux.lowers]).toEqual([null, []]);
    stack.close();
  });

  test('hosts learn what the adapter in use can do, and the least MTU of all that are bound', () => {
    const stack = createMuxStack();
    const { parameters } = stack.host(0).context;
    expect([parameters.tcpConnectionOffloadCapabilities?.tcpConnectionOffloadCapacity, parameters.mtuSize, [...parameters.currentMacAddress]]).toEqual([1000, 1500, [2, 0, 0, 0, 0, 1]]);
    stack.close();
  });

  test('a late host learns what was told last', () => {
    const stack = createMuxStack({ mux: { uppers: [{ name: 'u' }], placement: 'round-robin' } });
    const less = new NdisTcpConnectionOffload();
    less.tcpConnectionOffloadCapacity = 2;
    stack.target(1).indicateStatus(0x40020003, less);
    const late = new ProbeHost(stack.ndis, { name: 'late' }).register();
    late.bindTo('u');
    expect(late.context.parameters.tcpConnectionOffloadCapabilities?.tcpConnectionOffloadCapacity).toBe(2);
    const { request, status } = late.request(NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
    expect([status, (request.informationBuffer as NdisTcpConnectionOffload).tcpConnectionOffloadCapacity]).toEqual([NDIS_STATUS_SUCCESS, 2]);
    stack.close();
  });
});

describe('OID requests through a mux', () => {
  const parametersAt = (ticksPerSecond: number): NdisTcpConnectionOffloadParameters => {
    const parameters = new NdisTcpConnectionOffloadParameters();
    parameters.ticksPerSecond = ticksPerSecond;
    return parameters;
  };

  test.each(shapes)('parameters are set on every adapter, and on one that is bound later before it is used: %s', (_name, shape) => {
    const stack = createMuxStack(shape);
    const parameters = parametersAt(100);
    const { status } = stack.host(0).request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters);
    expect(status).toBe(NDIS_STATUS_SUCCESS);
    for (const at of [0, 1]) expect(requestsTo(stack, at).map(({ oid, informationBuffer }) => [oid, (informationBuffer as NdisTcpConnectionOffloadParameters).ticksPerSecond])).toContainEqual([OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, 100]);
    parameters.ticksPerSecond = 10;
    const late = stack.addTarget();
    stack.bindMux(present(stack.muxes[0]), 'nic2');
    expect(requestsTo(stack, 2).map(({ informationBuffer }) => (informationBuffer as NdisTcpConnectionOffloadParameters).ticksPerSecond)).toEqual([100]);
    expect(late.calls.count('miniportInitiateOffload')).toBe(0);
    stack.close();
  });

  test('an adapter that is slow to take the parameters over gets nothing before it has', () => {
    const stack = createMuxStack({ targets: 1, mux: { uppers: [{ name: 'u' }], placement: 'least-objects' } });
    const host = stack.host(0);
    host.request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parametersAt(100));
    const late = stack.addTarget();
    const waiting: NdisOidRequest[] = [];
    late.calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
      waiting.push(request);
      return NDIS_STATUS_PENDING;
    });
    stack.bindMux(stack.mux, 'nic1');
    const names = (): string[] => [0, 1].map(() => stack.targetOf(present(stack.offload(host).connections[0])).name);
    expect(names()).toEqual(['target 0', 'target 0']);
    late.miniport.oidRequestComplete(present(waiting[0]), NDIS_STATUS_SUCCESS);
    stack.settle();
    expect(names()).toEqual(['target 1', 'target 1']);
    stack.close();
  });

  test('a set fails when one adapter refuses it, and completes when the last has answered', () => {
    const stack = createMuxStack();
    const host = stack.host(1);
    stack.target(1).calls.once('miniportOidRequest', () => NDIS_STATUS_FAILURE);
    expect(host.request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parametersAt(100)).status).toBe(NDIS_STATUS_FAILURE);
    const pending: NdisOidRequest[] = [];
    for (const target of stack.targets) {
      target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
        pending.push(request);
        return NDIS_STATUS_PENDING;
      });
    }
    const { request, status } = host.request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parametersAt(10));
    expect(status).toBe(NDIS_STATUS_PENDING);
    stack.target(1).miniport.oidRequestComplete(present(pending[1]), NDIS_STATUS_SUCCESS);
    expect(host.calls.count('protocolOidRequestComplete')).toBe(0);
    stack.target(0).miniport.oidRequestComplete(present(pending[0]), NDIS_STATUS_SUCCESS);
    expectSame(host.calls.of('protocolOidRequestComplete'), [[host.context, request, NDIS_STATUS_SUCCESS]]);
    stack.close();
  });

  test('what an adapter refused is not set on a later one', () => {
    const stack = createMuxStack();
    stack.host(0).request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parametersAt(100));
    stack.target(1).calls.once('miniportOidRequest', () => NDIS_STATUS_FAILURE);
    stack.host(0).request(NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parametersAt(10));
    stack.addTarget();
    stack.bindMux(stack.mux, 'nic2');
    expect(requestsTo(stack, 2).map(({ informationBuffer }) => (informationBuffer as NdisTcpConnectionOffloadParameters).ticksPerSecond)).toEqual([100]);
    stack.close();
  });

  test.each([OID_TCP4_OFFLOAD_STATS, OID_TCP6_OFFLOAD_STATS])('TCP statistics are the sum over all adapters; 32-bit counters wrap: %d', (oid) => {
    const stack = createMuxStack();
    [1, 2].forEach((times, at) => {
      stack.target(at).calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest<TcpOffloadStats>) => {
        const stats = new TcpOffloadStats();
        stats.inSegments = 2 ** 40 * times;
        stats.currentlyEstablished = times;
        stats.inErrors = 0x7FFFFFFF;
        present(request.informationBuffer).copyFrom(stats);
        request.bytesWritten = 0x28;
        return NDIS_STATUS_SUCCESS;
      });
    });
    const own = new TcpOffloadStats();
    const { request, status } = stack.host(0).request(NdisRequestQueryInformation, oid, own);
    expect([status, request.informationBuffer === own, request.bytesWritten]).toEqual([NDIS_STATUS_SUCCESS, true, 0x28]);
    expect([own.inSegments, own.currentlyEstablished, own.inErrors]).toEqual([3 * 2 ** 40, 3, -2]);
    stack.close();
  });

  test('IP statistics too, into a buffer of the mux when the host brings none; setting them resets every adapter', () => {
    const stack = createMuxStack();
    for (const target of stack.targets) {
      target.calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest<IpOffloadStats>) => {
        if (request.requestType !== NdisRequestSetInformation) present(request.informationBuffer).outOctets = 50;
        return NDIS_STATUS_SUCCESS;
      });
    }
    expect((stack.host(0).request(NdisRequestQueryInformation, OID_IP4_OFFLOAD_STATS).request.informationBuffer as IpOffloadStats).outOctets).toBe(100);
    stack.host(0).request(NdisRequestSetInformation, OID_IP4_OFFLOAD_STATS, new IpOffloadStats());
    for (const at of [0, 1]) expect(requestsTo(stack, at).map(({ requestType }) => requestType)).toEqual([NdisRequestQueryInformation, NdisRequestSetInformation]);
    stack.close();
  });

  test('any other query goes to the adapter in use', () => {
    const stack = createMuxStack();
    stack.target(0).calls.on('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
      request.informationBuffer = 'answer';
      return NDIS_STATUS_SUCCESS;
    });
    const { request } = stack.host(0).request(NdisRequestQueryInformation, OID_GEN_STATISTICS);
    expect([request.informationBuffer, requestsTo(stack, 1)]).toEqual(['answer', []]);
    stack.close();
  });

  test('the adapters sleep when all interfaces do, and wake with the first', () => {
    const stack = createMuxStack();
    const power = (at: number, state: NDIS_DEVICE_POWER_STATE): NDIS_STATUS => stack.host(at).request(NdisRequestSetInformation, OID_PNP_SET_POWER, state).status;
    expect(power(0, NdisDeviceStateD3)).toBe(NDIS_STATUS_SUCCESS);
    expect(requestsTo(stack, 0)).toEqual([]);
    expect(power(1, NdisDeviceStateD3)).toBe(NDIS_STATUS_SUCCESS);
    expect(power(0, NdisDeviceStateD0)).toBe(NDIS_STATUS_SUCCESS);
    expect(power(1, NdisDeviceStateD0)).toBe(NDIS_STATUS_SUCCESS);
    for (const at of [0, 1]) expect(requestsTo(stack, at).map(({ informationBuffer }) => informationBuffer)).toEqual([NdisDeviceStateD3, NdisDeviceStateD0]);
    stack.close();
  });

  test('an interface does not sleep before its connections are back, whoever else is awake', () => {
    const stack = createMuxStack();
    const host = stack.host(0);
    const tree = stack.offload(host);
    tree.root.dependentBlockList = null;
    const { request, status } = host.request(NdisRequestSetInformation, OID_PNP_SET_POWER, NdisDeviceStateD3);
    expect(status).toBe(NDIS_STATUS_PENDING);
    for (const handles of [tree.connections, tree.paths, tree.neighbors]) {
      expect(host.calls.count('protocolOidRequestComplete')).toBe(0);
      const block = present(host.handles.get(present(handles[0])));
      block.dependentBlockList = null;
      host.binding.terminateOffload(block);
      stack.finishTrees();
    }
    expectSame(host.calls.of('protocolOidRequestComplete'), [[host.context, request, NDIS_STATUS_SUCCESS]]);
    stack.close();
  });

  test('a request of an adapter that goes is waited for', () => {
    const stack = createMuxStack();
    let pending: NdisOidRequest | null = null;
    stack.target(0).calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
      pending = request;
      return NDIS_STATUS_PENDING;
    });
    stack.host(0).request(NdisRequestQueryInformation, OID_GEN_STATISTICS);
    let unbound = 0;
    stack.unbindMux('nic0', () => unbound++);
    stack.settle();
    expect(unbound).toBe(0);
    stack.target(0).miniport.oidRequestComplete(present<NdisOidRequest>(pending), NDIS_STATUS_NOT_SUPPORTED);
    stack.settle();
    expect([unbound, stack.host(0).calls.of('protocolOidRequestComplete')[0]?.[2]]).toEqual([1, NDIS_STATUS_NOT_SUPPORTED]);
    stack.close();
  });
});
