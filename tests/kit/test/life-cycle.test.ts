import { createProbeStack, present, ProbeHost, ProbeTarget, STACK_SHAPES, type ProbeStackOptions } from '@ndis-chimney/kit';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  NdisTcpConnectionOffloadParameters,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  type NDIS_STATUS,
  type NdisOidRequest,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectSame } from './expect-same.ts';

const shapes = STACK_SHAPES.flatMap(([name, shape]) =>
  [false, true].map((pendLifeCycle): [name: string, options: ProbeStackOptions] => [`${name}, life cycle ${pendLifeCycle ? 'with waiting' : 'at once'}`, { ...shape, pendLifeCycle }]),
);

describe.each(shapes)('life cycle through %s', (_name, shape) => {
  test('a stack comes up, works, and goes down without leaving anything', () => {
    const stack = createProbeStack(shape);
    stack.proveItWorks();
    stack.close();
    expect(stack.target.calls.entries.slice(-3)).toEqual(['miniportPause', 'miniportHaltEx', 'miniportDriverUnload']);
    expect(stack.host.calls.entries).toContain('protocolUnbindAdapterEx');
  });

  test('virtual miniports are called by driver and adapter, one above the other', () => {
    const stack = createProbeStack(shape);
    const names = stack.intermediates.map((_driver, at) => [...stack.intermediates.slice(0, at + 1)].reverse().map(({ name }) => name).join(':'));
    expect([...stack.ndis.adapters.keys()]).toEqual(['nic', ...names.map((name) => `${name}:nic`)]);
    stack.close();
  });

  test('pausing the target’s adapter pauses everything above it first; restarting goes the other way', () => {
    const stack = createProbeStack(shape);
    const { host, target, ndis } = stack;
    const order: string[] = [];
    host.calls.on('protocolNetPnPEvent', (_context: unknown, { netEvent }: NetPnPEventNotification) => {
      order.push(netEvent === NET_PNP_EVENT_CODE.NetEventPause ? 'host pauses' : 'host restarts');
    });
    target.calls.on('miniportPause', () => {
      order.push('target pauses');
    });
    target.calls.on('miniportRestart', () => {
      order.push('target restarts');
    });
    ndis.pauseAdapter(target.miniport, () => order.push('paused'));
    stack.settle();
    expect(() => host.send(stack.connection, 'x')).toThrow(/CHIM-LIF-004/);
    expect(() => host.offload()).toThrow(/CHIM-LIF-004/);
    stack.expectViolations('CHIM-LIF-004', 'CHIM-LIF-004');
    host.handles.forEach((_block, handle) => {
      if (handle.state === 'new') host.handles.delete(handle);
    });
    ndis.restartAdapter(target.miniport, () => order.push('restarted'));
    stack.settle();
    expect(order).toEqual(['host pauses', 'target pauses', 'paused', 'target restarts', 'host restarts', 'restarted']);
    stack.proveItWorks();
    stack.close();
  });

  test('a paused stack still lets the host read state and take it back', () => {
    const stack = createProbeStack(shape);
    const { host, target, ndis, connection } = stack;
    ndis.pauseAdapter(target.miniport);
    stack.settle();
    host.binding.queryOffloadState(host.connections(connection));
    target.completeTree('query');
    host.binding.terminateOffload(host.connections(connection));
    target.completeTree('terminate');
    expect(connection.state).toBe('dead');
    stack.close();
  });

  test('a pause waits for what is in flight: the sends complete, then it is over', () => {
    const stack = createProbeStack(shape);
    const { host, target, ndis } = stack;
    let paused = 0;
    target.calls.on('miniportPause', () => (target.sends.length > 0 ? NDIS_STATUS_PENDING : undefined));
    host.send(stack.connection, 'in', 'flight');
    ndis.pauseAdapter(target.miniport, () => paused++);
    stack.settle();
    expect(paused).toBe(0);
    target.completeSends();
    stack.settle();
    if (stack.intermediates.length === 0) target.miniport.pauseComplete();
    expect(paused).toBe(1);
    stack.close();
  });

  test('a host that needs time to stop is waited for', () => {
    const stack = createProbeStack(shape);
    const { host, target, ndis } = stack;
    let event: NetPnPEventNotification | null = null;
    host.calls.once('protocolNetPnPEvent', (_context: unknown, netPnPEvent: NetPnPEventNotification) => {
      event = netPnPEvent;
      return NDIS_STATUS_PENDING;
    });
    let paused = 0;
    ndis.pauseAdapter(target.miniport, () => paused++);
    stack.settle();
    expect([paused, target.calls.count('miniportPause')]).toEqual([0, 0]);
    host.binding.completeNetPnPEvent(present<NetPnPEventNotification>(event), NDIS_STATUS_SUCCESS);
    stack.settle();
    expect([paused, target.calls.count('miniportPause')]).toEqual([1, 1]);
    stack.close();
  });

  test('removing the target’s adapter unbinds and halts everything above it, and waits for the host’s indicated NBLs', () => {
    const stack = createProbeStack(shape);
    const { host, target, ndis } = stack;
    const list = target.indicateOrdinary(0, 'kept');
    stack.terminateAll();
    let halted = 0;
    ndis.removeAdapter(target.miniport, () => halted++);
    stack.settle();
    expect([halted, target.calls.count('miniportHaltEx')]).toEqual([0, 0]);
    host.binding.returnNetBufferLists(list, 0);
    stack.settle();
    expect([halted, ndis.adapters.size]).toEqual([1, 0]);
    stack.close();
  });

  test('a second host comes and goes, and the first works on', () => {
    const stack = createProbeStack(shape);
    const { ndis } = stack;
    const second = new ProbeHost(ndis, { name: 'second host' }).register();
    second.bindTo(stack.host.binding.adapterName);
    stack.settle();
    const tree = second.offload();
    stack.target.completeTree('initiate');
    second.binding.terminateOffload(tree.root);
    stack.target.completeTree('terminate');
    ndis.unbindAdapter(second.binding);
    stack.settle();
    stack.proveItWorks();
    stack.close();
  });

  test('an OID request goes down to the target and its answer comes back in the host’s request', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const stats = { inSegs: 0 };
    target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest<typeof stats>) => {
      present(request.informationBuffer).inSegs = 7;
      request.bytesWritten = 8;
      return NDIS_STATUS_SUCCESS;
    });
    const { request, status } = host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_TCP4_OFFLOAD_STATS, stats);
    expect([status, stats.inSegs, request.bytesWritten]).toEqual([NDIS_STATUS_SUCCESS, 7, 8]);
    expect(host.calls.count('protocolOidRequestComplete')).toBe(0);
    stack.close();
  });

  test('a pending OID request is completed to the host, once', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    let pending: NdisOidRequest | null = null;
    target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
      pending = request;
      return NDIS_STATUS_PENDING;
    });
    const parameters = new NdisTcpConnectionOffloadParameters();
    parameters.ticksPerSecond = 50;
    const { request, status } = host.request(NDIS_REQUEST_TYPE.NdisRequestSetInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters);
    expect([status, present<NdisOidRequest>(pending).informationBuffer]).toEqual([NDIS_STATUS_PENDING, parameters]);
    target.miniport.oidRequestComplete(present<NdisOidRequest>(pending), NDIS_STATUS_SUCCESS);
    expectSame(host.calls.of('protocolOidRequestComplete'), [[host.context, request, NDIS_STATUS_SUCCESS]]);
    // NDIS remembers what was set, on every edge.
    expect(host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS).request.informationBuffer).toEqual(parameters);
    expect(parameters.ticksPerSecond).toBe(50);
    stack.close();
  });
});

/** An intermediate driver from before the chimney: it registers none of its handlers. */
class ChimneylessDriver extends PassThroughDriver {
  override miniportSetOptions(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  override protocolSetOptions(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }
}

describe('above an intermediate driver without chimney handlers NDIS blocks the chimney', () => {
  /** Host above such a driver above a working stack. */
  function blocked(): { stack: ReturnType<typeof createProbeStack>; host: ProbeHost } {
    const stack = createProbeStack();
    const driver = new ChimneylessDriver(stack.ndis, { name: 'old' }).register();
    stack.ndis.bindAdapter(driver.ndisProtocolHandle, stack.target.miniport);
    const host = new ProbeHost(stack.ndis, { name: 'blocked host' }).register();
    host.bindTo('old:nic');
    return { stack, host };
  }

  test('it shows no capabilities', () => {
    const { stack, host } = blocked();
    expect(host.context.parameters.tcpConnectionOffloadCapabilities).toBeNull();
    expect(host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES).status).not.toBe(NDIS_STATUS_SUCCESS);
    stack.close();
  });

  test('an initiate fails in every block, later and not inside the call; nothing reaches the drivers below', () => {
    const { stack, host } = blocked();
    const tree = host.offload({ connectionsPerPath: 2 });
    expect(host.calls.count('protocolInitiateOffloadComplete')).toBe(0);
    stack.settle();
    expectSame(host.calls.of('protocolInitiateOffloadComplete'), [[host.context, tree.root]]);
    expect([tree.root.status, tree.root.dependentBlockList?.status, tree.root.dependentBlockList?.dependentBlockList?.nextBlock?.status]).toEqual([NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE, NDIS_STATUS_FAILURE]);
    expect([...tree.neighbors, ...tree.paths, ...tree.connections].map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead']);
    expect(stack.target.calls.count('miniportInitiateOffload')).toBe(0);
    expect(() => host.send(present(tree.connections[0]), 'x')).toThrow(/CHIM-ST-003/);
    stack.expectViolations('CHIM-ST-003');
    host.free();
    stack.close();
  });

  test('the ordinary path is open', () => {
    const { stack, host } = blocked();
    host.sendOrdinary('x');
    stack.target.completeOrdinarySends();
    expect(host.calls.count('protocolSendNetBufferListsComplete')).toBe(1);
    host.free();
    stack.close();
  });
});

describe('one intermediate driver on two adapters', () => {
  test('pausing one adapter waits for what is below that one, not for what is below the other', () => {
    const stack = createProbeStack({ intermediates: 1 });
    const { ndis } = stack;
    const other = new ProbeTarget(ndis, { name: 'other target' });
    other.start('nic 2');
    ndis.bindAdapter(present(stack.intermediates[0]).ndisProtocolHandle, other.miniport);
    const host = new ProbeHost(ndis, { name: 'other host' }).register();
    host.bindTo('im1:nic 2');
    host.sendOrdinary('slow');
    stack.host.sendOrdinary('quick');
    const paused: string[] = [];
    ndis.pauseAdapter(other.miniport, () => paused.push('nic 2'));
    ndis.pauseAdapter(stack.target.miniport, () => paused.push('nic'));
    expect(paused).toEqual([]);
    stack.target.completeOrdinarySends();
    expect(paused).toEqual(['nic']);
    other.completeOrdinarySends();
    expect(paused).toEqual(['nic', 'nic 2']);
    host.free();
    ndis.removeAdapter(other.miniport);
    stack.close();
  });
});
