import { createProbeStack, membersOf, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import {
  INDICATE_OFFLOAD_EVENT,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_PENDING,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisOidRequest,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

/** Makes an entry be called, once, and the next time work as usual. */
type Cause = (stack: ProbeStack) => void;

const boom = new Error('boom');

function armed(calls: ProbeStack['host']['calls'], entry: string): void {
  calls.once(entry, () => {
    throw boom;
  });
}

const accept = ({ host }: ProbeStack): void => {
  host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
    bytesConsumed.value = nbl.firstNetBuffer?.dataLength ?? 0;
    return 0;
  });
};

const hostEntries: [entry: string, cause: Cause][] = [
  ['protocolInitiateOffloadComplete', ({ host, target }) => { host.offload(); target.completeTree('initiate'); }],
  ['protocolTerminateOffloadComplete', (stack) => { stack.host.binding.terminateOffload(stack.host.connections(present(offloaded(stack)))); stack.target.completeTree('terminate'); }],
  ['protocolUpdateOffloadComplete', ({ host, target, connection }) => { host.binding.updateOffload(host.connections(connection)); target.completeTree('update'); }],
  ['protocolInvalidateOffloadComplete', (stack) => { stack.host.binding.invalidateOffload(stack.host.connections(present(offloaded(stack)))); stack.target.completeTree('invalidate'); }],
  ['protocolQueryOffloadComplete', ({ host, target, connection }) => { host.binding.queryOffloadState(host.connections(connection)); target.completeTree('query'); }],
  ['protocolIndicateOffloadEvent', (stack) => { stack.target.askAboutNeighbor(stack.lowest(stack.neighbor), INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery); }],
  ['protocolTcpOffloadSendComplete', ({ host, target, connection }) => { host.send(connection, 'x', 'y'); target.completeSends(); }],
  ['protocolTcpOffloadReceiveComplete', ({ host, target, connection }) => { host.receive(connection, 1, 2); target.completeReceives(); }],
  ['protocolTcpOffloadForwardComplete', ({ host, target, connection }) => { host.forward(connection, 'x'); target.completeForwards(); }],
  ['protocolTcpOffloadDisconnectComplete', (stack) => { stack.host.disconnect(present(offloaded(stack))); stack.target.completeDisconnect(); }],
  ['protocolTcpOffloadEvent', (stack) => { stack.target.event(stack.lowest(stack.connection), 2); }],
  [
    'protocolTcpOffloadReceiveIndicate',
    (stack) => {
      const answer = stack.target.indicate(stack.lowest(stack.connection), 'x');
      expect([answer.status, answer.bytesConsumed, answer.netBufferList.sourceHandle, answer.netBufferList.context]).toEqual([NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0, null, null]);
    },
  ],
  ['protocolStatusEx', ({ target }) => { target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE); }],
  ['protocolSendNetBufferListsComplete', ({ host, target }) => { host.sendOrdinary('x'); target.completeOrdinarySends(); }],
  ['protocolReceiveNetBufferLists', ({ target }) => { target.indicateOrdinary(NDIS_RECEIVE_FLAGS_RESOURCES, 'x'); }],
  [
    'protocolOidRequestComplete',
    ({ host, target }) => {
      let pending: NdisOidRequest | null = null;
      target.calls.once('miniportOidRequest', (_context: unknown, request: NdisOidRequest) => {
        pending = request;
        return NDIS_STATUS_PENDING;
      });
      host.request(0, 0x77);
      target.miniport.oidRequestComplete(present<NdisOidRequest>(pending), 0);
    },
  ],
  ['protocolNetPnPEvent', ({ ndis, target }) => { ndis.pauseAdapter(target.miniport); ndis.restartAdapter(target.miniport); }],
];

/** A further connection, for what ends it. */
function offloaded({ host, target }: ProbeStack): ReturnType<typeof host.offload>['connections'][0] | undefined {
  const tree = host.offload();
  target.completeTree('initiate');
  return tree.connections[0];
}

/** Entries of the target, and what becomes of what they were called with. */
const targetEntries: [entry: string, cause: Cause][] = [
  [
    'miniportInitiateOffload',
    (stack) => {
      const tree = stack.host.offload();
      stack.settle();
      expect(stack.host.calls.of('protocolInitiateOffloadComplete').map(([, root]) => root === tree.root)).toEqual([true]);
      expect([tree.root.status, tree.connections[0]?.state, tree.connections[0]?.miniportOffloadContext]).toEqual([NDIS_STATUS_FAILURE, 'dead', null]);
    },
  ],
  [
    'miniportTerminateOffload',
    (stack) => {
      const handle = present(offloaded(stack));
      stack.host.binding.terminateOffload(stack.host.connections(handle));
      stack.settle();
      // What the target has of it is lost to the host; only another terminate is left.
      expect([stack.host.calls.count('protocolTerminateOffloadComplete'), handle.state]).toEqual([1, 'lost']);
    },
  ],
  ['miniportUpdateOffload', (stack) => { stack.host.binding.updateOffload(stack.host.connections(stack.connection)); expectFailedLater(stack, 'protocolUpdateOffloadComplete'); }],
  ['miniportInvalidateOffload', (stack) => { stack.host.binding.invalidateOffload(stack.host.connections(stack.connection)); expectFailedLater(stack, 'protocolInvalidateOffloadComplete'); expect(stack.connection.invalid).toBe(false); }],
  ['miniportQueryOffload', (stack) => { stack.host.binding.queryOffloadState(stack.host.connections(stack.connection)); expectFailedLater(stack, 'protocolQueryOffloadComplete'); }],
  ['miniportTcpOffloadSend', (stack) => { expectReturned(stack, stack.host.send(stack.connection, 'x', 'y', 'z'), 'protocolTcpOffloadSendComplete'); }],
  ['miniportTcpOffloadReceive', (stack) => { expectReturned(stack, stack.host.receive(stack.connection, 1, 2), 'protocolTcpOffloadReceiveComplete'); }],
  ['miniportTcpOffloadForward', (stack) => { expectReturned(stack, stack.host.forward(stack.connection, 'x', 'y'), 'protocolTcpOffloadForwardComplete'); }],
  ['miniportTcpOffloadDisconnect', (stack) => { expectReturned(stack, stack.host.disconnect(stack.connection), 'protocolTcpOffloadDisconnectComplete'); }],
  [
    'miniportTcpOffloadReceiveReturn',
    (stack) => {
      accept(stack);
      const { netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'x');
      stack.host.binding.offloadTcpReceiveReturn(netBufferList);
      expect([netBufferList.sourceHandle, netBufferList.context]).toEqual([null, null]);
    },
  ],
  ['miniportSendNetBufferLists', (stack) => { expectReturned(stack, stack.host.sendOrdinary('x', 'y'), 'protocolSendNetBufferListsComplete'); }],
  ['miniportReturnNetBufferLists', ({ host, target }) => { host.binding.returnNetBufferLists(target.indicateOrdinary(0, 'x'), 0); }],
  ['miniportOidRequest', ({ host }) => { expect(host.request(0, 0x77).status).toBe(NDIS_STATUS_NOT_SUPPORTED); }],
  ['miniportPause', ({ ndis, target }) => { ndis.pauseAdapter(target.miniport); ndis.restartAdapter(target.miniport); }],
  ['miniportRestart', ({ ndis, target }) => { ndis.pauseAdapter(target.miniport); ndis.restartAdapter(target.miniport); ndis.restartAdapter(target.miniport); }],
];

function expectFailedLater(stack: ProbeStack, callback: string): void {
  expect(stack.host.calls.count(callback)).toBe(0);
  stack.settle();
  const [[, root] = []] = stack.host.calls.of(callback) as [unknown, { status: number }][];
  expect(root?.status).toBe(NDIS_STATUS_FAILURE);
}

/** Every NBL of a list is the host's again, failed, whatever the lists it came back in. */
function expectReturned(stack: ProbeStack, list: NetBufferList, callback: string): void {
  stack.settle();
  const returned = stack.host.calls.of(callback).flatMap(([, completed]) => membersOf(completed as NetBufferList));
  expect(returned.length).toBeGreaterThan(0);
  expect(returned).toContain(list);
  for (const nbl of returned) expect([nbl.status, nbl.sourceHandle, nbl.context]).toEqual([NDIS_STATUS_FAILURE, null, null]);
  expect(stack.host.nbls.size).toBe(returned.length);
}

describe.each(STACK_SHAPES)('handlers that throw, %s', (_name, shape) => {
  test.each(hostEntries)('CHIM-LIF-005: %s of the host: it is told, the caller below goes on, nothing is lost', (entry, cause) => {
    const stack = createProbeStack(shape);
    armed(stack.host.calls, entry);
    cause(stack);
    const violation = stack.expectViolation('CHIM-LIF-005');
    expect([violation.actor, violation.cause]).toEqual(['probe host', boom]);
    expect(violation.detail).toMatch(new RegExp(`^${entry[0]?.toUpperCase() ?? ''}${entry.slice(1)}`));
    stack.finishAll();
    stack.proveItWorks();
    stack.close();
  });

  test.each(targetEntries)('CHIM-LIF-005: %s of the target: it is told, the host gets back what was passed down', (entry, cause) => {
    const stack = createProbeStack(shape);
    armed(stack.target.calls, entry);
    cause(stack);
    const violation = stack.expectViolation('CHIM-LIF-005');
    expect([violation.actor, violation.cause]).toEqual(['probe target', boom]);
    stack.finishAll();
    stack.proveItWorks();
    stack.close();
  });

  test('CHIM-LIF-005: a target that completes what it was given before it throws has completed it', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    target.calls.once('miniportTcpOffloadSend', (_context: unknown, _connection: unknown, list: NetBufferList) => {
      target.handlers.tcpOffloadSendComplete(list);
      throw boom;
    });
    const list = host.send(connection, 'x', 'y');
    stack.settle();
    expect(host.calls.of('protocolTcpOffloadSendComplete').map(([, completed]) => completed === list)).toEqual([true]);
    stack.expectViolations('CHIM-LIF-005');
    stack.proveItWorks();
    stack.close();
  });
});

/** Relays a list and then throws. */
class LateThrower extends PassThroughDriver {
  isArmed = false;

  override miniportTcpOffloadSend(...args: Parameters<PassThroughDriver['miniportTcpOffloadSend']>): NDIS_STATUS {
    const status = super.miniportTcpOffloadSend(...args);
    if (!this.isArmed) return status;
    this.isArmed = false;
    throw boom;
  }
}

test.each([1, 3])('CHIM-LIF-005: what an intermediate driver, one of %i, had passed on before it threw is completed from below, once', (intermediates) => {
  const drivers: LateThrower[] = [];
  const stack = createProbeStack({
    intermediates,
    createIntermediate(ndis, options) {
      const made = new LateThrower(ndis, options);
      drivers.push(made);
      return made;
    },
  });
  const driver = present(drivers.at(-1));
  driver.isArmed = true;
  const list = stack.host.send(stack.connection, 'x', 'y');
  expect(stack.expectViolation('CHIM-LIF-005').actor).toBe(driver.name);
  stack.settle();
  expect([stack.host.calls.count('protocolTcpOffloadSendComplete'), stack.target.sends.length]).toEqual([0, 2]);
  stack.target.completeSends();
  expect(stack.host.calls.of('protocolTcpOffloadSendComplete').map(([, completed]) => completed === list)).toEqual([true]);
  stack.proveItWorks();
  stack.close();
});

/** Throws from an entry before it does anything. */
class ThrowingDriver extends PassThroughDriver {
  /** The entry to throw from, once. */
  entry: string | null = null;
}

const intermediateEntries = [
  'miniportInitiateOffload',
  'miniportTerminateOffload',
  'miniportUpdateOffload',
  'miniportInvalidateOffload',
  'miniportQueryOffload',
  'miniportTcpOffloadSend',
  'miniportTcpOffloadReceive',
  'miniportTcpOffloadForward',
  'miniportTcpOffloadDisconnect',
  'miniportSendNetBufferLists',
  'miniportOidRequest',
  'protocolTcpOffloadEvent',
  'protocolTcpOffloadReceiveIndicate',
  'protocolIndicateOffloadEvent',
  'protocolStatusEx',
] as const;

for (const entry of intermediateEntries) {
  const relay = Reflect.get(PassThroughDriver.prototype, entry) as (...args: unknown[]) => unknown;
  Object.defineProperty(ThrowingDriver.prototype, entry, {
    value(this: ThrowingDriver, ...args: unknown[]): unknown {
      if (this.entry !== entry) return relay.apply(this, args);
      this.entry = null;
      throw boom;
    },
  });
}

const throughIntermediates = STACK_SHAPES.filter(([, { intermediates }]) => intermediates !== 0).map(([name, shape]) => [name, { ...shape, createIntermediate: (...args: ConstructorParameters<typeof PassThroughDriver>) => new ThrowingDriver(...args) }] as const);

describe.each(throughIntermediates)('entries of an intermediate driver that throw before they relay, %s', (_name, shape) => {
  const down = new Map(targetEntries);
  const up = new Map<string, Cause>([
    ['protocolTcpOffloadEvent', present(hostEntries.find(([entry]) => entry === 'protocolTcpOffloadEvent'))[1]],
    ['protocolTcpOffloadReceiveIndicate', present(hostEntries.find(([entry]) => entry === 'protocolTcpOffloadReceiveIndicate'))[1]],
    ['protocolIndicateOffloadEvent', present(hostEntries.find(([entry]) => entry === 'protocolIndicateOffloadEvent'))[1]],
    ['protocolStatusEx', present(hostEntries.find(([entry]) => entry === 'protocolStatusEx'))[1]],
  ]);

  test.each(intermediateEntries)('CHIM-LIF-005: %s', (entry) => {
    const stack = createProbeStack(shape);
    const driver = stack.intermediates[0] as ThrowingDriver;
    driver.entry = entry;
    present(down.get(entry) ?? up.get(entry))(stack);
    const violation = stack.expectViolation('CHIM-LIF-005');
    expect([violation.actor, violation.cause, driver.entry]).toEqual(['im1', boom, null]);
    stack.finishAll();
    stack.proveItWorks();
    stack.close();
  });
});
