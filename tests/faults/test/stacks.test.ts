// Faults in whole stacks: in the memory target, in intermediate drivers, in a ChimneyHost.
import { createDispatcher } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ChimneyHost, describeConnection, type ChimneyConnection } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { composeStack, createStack, targetEnvironment, type Stack } from '@ndis-chimney/stack';
import { faultyTarget, withFaults, type FaultInjector, type PlannedFault } from '@ndis-chimney/target-faulty';
import memoryTarget, { createMemoryTarget, type MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const planOf = (...faults: PlannedFault[]) => ({ id: 'stack', seed: 1, faults });
const ENDS = { local: { address: '192.0.2.1', port: 4000 }, remote: { address: '192.0.2.2', port: 7 } };
/** What a stack takes from a runtime. */
const sourcesOf = ({ clock, random, dpcQueue }: DeterministicRuntime) => ({ clock, random, dpcQueue });
const NOTHING = { netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 };

async function connect(runtime: DeterministicRuntime, stack: Stack): Promise<ChimneyConnection> {
  const { connection } = await runtime.drive(stack.offload(describeConnection(ENDS)));
  if (connection === null) throw new Error('the connection was refused');
  return connection;
}

async function close(runtime: DeterministicRuntime, stack: Stack): Promise<void> {
  await runtime.drive(stack.close());
  expect(stack.ndis.outstanding).toEqual(NOTHING);
}

describe('the memory target', () => {
  const open = (runtime: DeterministicRuntime, options: MemoryTargetOptions, ...faults: PlannedFault[]) =>
    runtime.drive(createStack({ ...sourcesOf(runtime), target: faultyTarget(memoryTarget, planOf(...faults)), targetOptions: { target: options } }));

  test('A7: what succeeds and was not sent is missing from the stream the peer gets', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await open(runtime, {}, { fault: 'A7', nth: 2 });
    const connection = await connect(runtime, stack);
    const peer = await runtime.drive(stack.target.accept());
    const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);
    const sends = ['one ', 'two ', 'three'].map((content) => connection.send(text(content)));
    const results = await runtime.drive(Promise.all(sends));
    expect(results.map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS]);
    expect(peer.bytesReceived).toBe('one three'.length);
    expect(stack.target.faults.injections).toEqual({ A7: 1 });
    await close(runtime, stack);
  });

  test('B12: the connection comes back with a variable that is off', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await open(runtime, { peer: 'sink' }, { fault: 'B12', parameters: { variable: 'sndUna', by: 3 } });
    const connection = await connect(runtime, stack);
    await runtime.drive(connection.send(new Uint8Array(10)));
    const before = await runtime.drive(connection.query());
    const { state } = await runtime.drive(connection.terminate());
    expect(state.tcp.delegated?.sndUna).toBe((before.state?.delegated?.sndUna ?? 0) + 3);
    await close(runtime, stack);
  });

  test('C6: the application gets a wrong byte', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await open(runtime, { peer: 'echo' }, { fault: 'C6', nth: 1 });
    const connection = await connect(runtime, stack);
    const buffer = new Uint8Array(100);
    const received = connection.receive(buffer, { noPush: true });
    await runtime.drive(connection.send(new Uint8Array(100)));
    await runtime.drive(received);
    expect(buffer.filter((byte) => byte !== 0)).toHaveLength(1);
    await close(runtime, stack);
  });

  test('H1: without NBLs nothing can be indicated, until the fault is healed', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await open(runtime, { peer: 'echo' }, { fault: 'H1' });
    const connection = await connect(runtime, stack);
    await runtime.drive(connection.send(new Uint8Array(100)));
    runtime.advance(1000);
    expect(stack.target.faults.injections['H1']).toBeGreaterThan(0);
    stack.target.faults.heal();
    await close(runtime, stack);
  });

  test('A1: a send that is not completed, whatever time passes; it ends when the fault is healed', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await open(runtime, { peer: 'sink' }, { fault: 'A1', where: { operation: 'TcpOffloadSend' } });
    const connection = await connect(runtime, stack);
    const sent = connection.send(new Uint8Array(10));
    await expect(runtime.drive(sent)).rejects.toThrow('nothing is left to run');
    stack.target.faults.heal();
    expect((await runtime.drive(sent)).status).toBe(NDIS_STATUS_SUCCESS);
    await close(runtime, stack);
  });
});

describe('a host above a target that does not complete a send', () => {
  test.each(['A1', 'A4'])('%s, CHIM-TRM-007: it finds out when it takes the connection back', async (fault) => {
    const runtime = new DeterministicRuntime(1);
    const plan = planOf({ fault, where: { operation: 'TcpOffloadSend' } });
    const stack = await runtime.drive(createStack({ ...sourcesOf(runtime), target: faultyTarget(memoryTarget, plan), targetOptions: { target: { peer: 'sink' } } }));
    const rules: string[] = [];
    stack.ndis.violations$.subscribe(({ rule }) => rules.push(rule));
    const connection = await connect(runtime, stack);
    const sent = connection.send(new Uint8Array(10));
    runtime.advance(100);
    const uploaded = connection.terminate();
    runtime.advance(100);
    await runtime.drive(uploaded);
    expect(rules).toEqual(['CHIM-TRM-007']);
    expect((await sent).status).toBe(NDIS_STATUS_FAILURE);
    stack.target.faults.heal();
    runtime.settle();
    expect(rules).toEqual(['CHIM-TRM-007']);
    await close(runtime, stack);
  });
});

describe('A9: whoever finds something else in a field of its own', () => {
  test.each([
    ['protocolReserved0', 'TcpOffloadSend', 0, 'CHIM-LIF-005 chimney-host'],
    ['protocolReserved0', 'TerminateOffload', 0, 'CHIM-LIF-005 chimney-host'],
    ['imReserved0', 'TerminateOffload', 1, 'CHIM-LIF-005 im1'],
  ])('%s at %s: above %i intermediate drivers, %s', async (field, operation, intermediates, caught) => {
    const runtime = new DeterministicRuntime(1);
    const plan = planOf({ fault: 'A9', parameters: { field }, where: { operation }, nth: 1 });
    const stack = await runtime.drive(createStack({ ...sourcesOf(runtime), intermediates, target: faultyTarget(memoryTarget, plan), targetOptions: { target: { peer: 'sink' } } }));
    const seen: string[] = [];
    stack.ndis.violations$.subscribe(({ rule, actor }) => seen.push(`${rule} ${actor}`));
    const connection = await connect(runtime, stack);
    if (operation === 'TcpOffloadSend') void connection.send(new Uint8Array(10));
    else void connection.terminate();
    runtime.advance(100);
    expect(seen[0]).toBe(caught);
  });
});

describe('intermediate drivers', () => {
  const open = async (runtime: DeterministicRuntime, ...faults: PlannedFault[]): Promise<{ stack: Stack<MemoryTarget>; faults: FaultInjector }> => {
    const injectors: FaultInjector[] = [];
    const stack = await runtime.drive(
      createStack({
        ...sourcesOf(runtime),
        targetOptions: { peer: 'echo' },
        intermediates: [
          (ndis) => new PassThroughDriver(ndis, { name: 'healthy' }),
          (ndis) => {
            const driver = withFaults(new PassThroughDriver(ndis, { name: 'faulty' }), planOf(...faults), ndis);
            injectors.push(driver.faults);
            return driver;
          },
        ],
      }),
    );
    const [injector] = injectors;
    if (injector === undefined) throw new Error('the factory was not called');
    return { stack, faults: injector };
  };

  test('H2: without a context the host is asked to take the connection back', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack, faults } = await open(runtime, { fault: 'H2', nth: 2, where: { operation: 'TcpOffloadSend', adapter: 'nic0', hostPort: 4000 } });
    const connection = await connect(runtime, stack);
    const results = await runtime.drive(Promise.all([1, 2].map((length) => connection.send(new Uint8Array(length)))));
    expect(results.map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_REQUEST_UPLOAD]);
    expect(faults.injections).toEqual({ H2: 1 });
    await close(runtime, stack);
  });

  test('H2: nor for a receive request', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack } = await open(runtime, { fault: 'H2', where: { operation: 'TcpOffloadReceive' } });
    const connection = await connect(runtime, stack);
    expect((await runtime.drive(connection.receive(new Uint8Array(10)))).status).toBe(NDIS_STATUS_REQUEST_UPLOAD);
    await close(runtime, stack);
  });

  test('A2: what it relays twice is refused above it, and blamed on it', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack, faults } = await open(runtime, { fault: 'A2', where: { operation: 'TcpOffloadSend', hostPort: 4000 } });
    const actors: string[] = [];
    stack.ndis.violations$.subscribe(({ rule, actor }) => actors.push(`${rule} ${actor}`));
    const connection = await connect(runtime, stack);
    expect((await runtime.drive(connection.send(new Uint8Array(10)))).status).toBe(NDIS_STATUS_SUCCESS);
    expect(actors).toEqual(['CHIM-NBL-001 faulty']);
    expect(faults.log.refusals).toEqual({ A2: 1 });
    await close(runtime, stack);
  });

  test('B13: it does not hear that the target pauses', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack, faults } = await open(runtime, { fault: 'B13' });
    stack.target.pauseOffload();
    runtime.settle();
    expect(faults.injections).toEqual({ B13: 1 });
    stack.target.resumeOffload();
    await close(runtime, stack);
  });

  test('C12: it is slow, and nothing is lost', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack } = await open(runtime, { fault: 'C12', parameters: { delayMs: 7, jitterMs: 3 } });
    const connection = await connect(runtime, stack);
    const buffer = new Uint8Array(5000);
    const received = connection.receive(buffer, { noPush: true });
    await runtime.drive(connection.send(Uint8Array.from({ length: 5000 }, (_, at) => at)));
    await runtime.drive(received);
    expect(buffer.every((byte, at) => byte === (at & 0xff))).toBe(true);
    expect(runtime.clock.now()).toBeGreaterThan(14);
    await close(runtime, stack);
  });
});

describe('a host', () => {
  const open = async (runtime: DeterministicRuntime, ...faults: PlannedFault[]) => {
    const ndis = createDispatcher(sourcesOf(runtime));
    const host = withFaults(new ChimneyHost(ndis), planOf(...faults), ndis);
    const stack = await runtime.drive(composeStack({ ndis, target: createMemoryTarget(targetEnvironment(ndis), { peer: 'echo' }), intermediates: [], host }));
    return { stack, faults: host.faults };
  };

  test('C5: it keeps what was indicated, and cannot be closed before it is healed', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack, faults } = await open(runtime, { fault: 'C5' });
    const connection = await connect(runtime, stack);
    const lengths: number[] = [];
    const subscription = connection.received$.subscribe(({ length }) => lengths.push(length));
    await runtime.drive(connection.send(new Uint8Array(10)));
    runtime.advance(10);
    subscription.unsubscribe();
    expect(lengths).toEqual([10]);
    expect(faults.injections['C5']).toBeGreaterThan(0);
    expect(faults.heldCount).toBeGreaterThan(0);
    faults.heal();
    await close(runtime, stack);
  });

  test('faults are put into its bindings though it keeps its driver to itself', async () => {
    const runtime = new DeterministicRuntime(1);
    const { stack, faults } = await open(runtime, { fault: 'B13' });
    stack.target.pauseOffload();
    runtime.settle();
    expect(faults.log.events).toMatchObject([{ fault: 'B13', adapter: 'nic0' }]);
    stack.target.resumeOffload();
    await close(runtime, stack);
  });
});

describe('the plugin', () => {
  test('takes the options of the target and the plan from the options, too', async () => {
    const runtime = new DeterministicRuntime(1);
    const options = structuredClone({ target: { name: 'inner', peer: 'echo' as const }, plan: planOf({ fault: 'B1' }) });
    const stack = await runtime.drive(createStack({ ...sourcesOf(runtime), target: faultyTarget(memoryTarget), targetOptions: options }));
    expect(stack.target.name).toBe('inner');
    const { connection } = await runtime.drive(stack.offload(describeConnection(ENDS)));
    expect(connection).toBeNull();
    await close(runtime, stack);
  });

  test.each([
    [{ target: { peer: 'nobody' } }, /options\/target\/peer/],
    [{ plan: { faults: [{ fault: 'Z1' }] } }, /options\/plan\/faults\/0\/fault/],
    [{ plan: { faults: [{ fault: 'E1' }] } }, /E1.*cannot happen at a target, only at: host/],
  ])('refuses %j', async (targetOptions, message) => {
    await expect(createStack({ target: faultyTarget(memoryTarget), targetOptions: targetOptions as never })).rejects.toThrow(message);
  });

  test('an empty plan changes nothing of the target', () => {
    const ndis = createDispatcher(new DeterministicRuntime(1));
    const plain = createMemoryTarget(targetEnvironment(ndis));
    const wrapped = faultyTarget(memoryTarget).create(targetEnvironment(ndis), {});
    expect(Object.keys(wrapped)).toEqual(Object.keys(plain));
    expect(Object.getOwnPropertyNames(wrapped).filter((name) => !Object.getOwnPropertyNames(plain).includes(name))).toEqual(['faults']);
  });

  test('NDIS_STATUS_FAILURE is what a send gets that was sent all the same', async () => {
    const runtime = new DeterministicRuntime(1);
    const stack = await runtime.drive(createStack({ ...sourcesOf(runtime), target: faultyTarget(memoryTarget, planOf({ fault: 'A7', parameters: { mode: 'sent' } })), targetOptions: { target: { peer: 'sink' } } }));
    const connection = await connect(runtime, stack);
    expect((await runtime.drive(connection.send(new Uint8Array(10)))).status).toBe(NDIS_STATUS_FAILURE);
    expect(stack.target.offloadedPeers()[0]?.bytesReceived).toBe(10);
    await close(runtime, stack);
  });
});
