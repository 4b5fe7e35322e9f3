import type { Dispatcher } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { describeConnection } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createStack, type Stack, type StackOptionsWithMemoryTarget } from '@ndis-chimney/stack';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { brokenTarget } from './drivers.ts';

const ENDS = { local: { address: '192.0.2.1', port: 49_152 }, remote: { address: '192.0.2.2', port: 7 } };
const NOTHING = { netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 };

/** Drives the stack and its work together, with time of its own. */
async function run(seed: number, options: StackOptionsWithMemoryTarget, work: (stack: Stack) => Promise<void>): Promise<string[]> {
  const runtime = new DeterministicRuntime(seed);
  const { clock, random, dpcQueue } = runtime;
  const events: string[] = [];
  const all = async (): Promise<void> => {
    const stack = await createStack({ clock, random, dpcQueue, ...options, timestamps: true });
    stack.ndis.ddi$.subscribe((event) => events.push(`${event.timeMs} ${event.toString()}`));
    await work(stack);
    await stack.close();
    expect(stack.ndis.outstanding).toEqual(NOTHING);
  };
  await runtime.drive(all());
  return events;
}

const echo = async (stack: Stack): Promise<void> => {
  const { connection } = await stack.offload(describeConnection(ENDS));
  if (connection === null) throw new Error('refused');
  const buffer = new Uint8Array(20_000);
  const received = connection.receive(buffer, { noPush: true });
  const sent = await connection.send(Uint8Array.from({ length: 20_000 }, (_, at) => at));
  expect(sent).toEqual({ status: NDIS_STATUS_SUCCESS, bytesTransferred: 20_000 });
  expect((await received).bytesTransferred).toBe(20_000);
  expect(buffer.every((byte, at) => byte === (at & 0xff))).toBe(true);
  await connection.disconnect();
  await connection.terminate();
};

describe.each([0, 1, 3])('a stack with %i intermediate drivers', (intermediates) => {
  test('carries bytes to the peer and back and leaves nothing when it is closed', async () => {
    const events = await run(1, { intermediates, targetOptions: { peer: 'echo', latencyMs: 3, jitterMs: 2 } }, echo);
    expect(events.length).toBeGreaterThan(0);
  });

  test('runs the same from the same seed, event by event, and differently from another', async () => {
    const options: StackOptionsWithMemoryTarget = { intermediates, targetOptions: { peer: 'echo', latencyMs: 3, jitterMs: 2 } };
    const first = await run(1, options, echo);
    expect(await run(1, options, echo)).toEqual(first);
    expect(await run(2, options, echo)).not.toEqual(first);
  });
});

describe('what a stack is made of', () => {
  test('without options: host, memory target, nothing between, in real time', async () => {
    const stack = await createStack();
    expect([stack.host.adapterNames, stack.intermediates, stack.target.name, stack.adapter]).toEqual([['nic0'], [], 'target-memory', stack.ndis.findAdapter('nic0')]);
    await stack.close();
  });

  test('intermediate drivers are named from the host down, and the adapter as one likes', async () => {
    const stack = await createStack({ intermediates: 2, adapterName: 'eth0' });
    expect(stack.intermediates.map(({ name }) => name)).toEqual(['im1', 'im2']);
    expect([...stack.ndis.adapters.keys()]).toEqual(['eth0', 'im2:eth0', 'im1:im2:eth0']);
    expect(stack.host.adapterNames).toEqual(['im1:im2:eth0']);
    await stack.close();
  });

  test('factories make drivers of one’s own', async () => {
    class Own extends PassThroughDriver {}
    const stack = await createStack({ intermediates: [(ndis: Dispatcher) => new Own(ndis, { name: 'own' })] });
    expect(stack.intermediates[0]).toBeInstanceOf(Own);
    expect(stack.host.adapterNames).toEqual(['own:nic0']);
    await stack.close();
  });

  test.each([-1, 1.5, NaN])('%d is no number of intermediate drivers', async (intermediates) => {
    await expect(createStack({ intermediates })).rejects.toThrow(new TypeError(`createStack: intermediates is ${intermediates}, not a number of drivers`));
  });
});

describe('closing', () => {
  test('again gives the same promise', async () => {
    const stack = await createStack({ intermediates: 1 });
    const closing = stack.close();
    expect(stack.close()).toBe(closing);
    await closing;
    expect(stack.ndis.adapters.size).toBe(0);
  });

  test('takes back what is offloaded, with requests on their way, and leaves nothing', async () => {
    const stack = await createStack({ intermediates: 3, targetOptions: { peer: 'manual', peerWindowBytes: 100 } });
    const { connection } = await stack.offload(describeConnection(ENDS));
    const sent = connection?.send(new Uint8Array(1000));
    const received = connection?.receive(new Uint8Array(10));
    await stack.close();
    expect(connection?.offloadState).toBe('InHost');
    expect((await sent)?.bytesTransferred).toBeLessThanOrEqual(100);
    expect((await received)?.bytesTransferred).toBe(0);
    expect(stack.ndis.outstanding).toEqual(NOTHING);
  });

  test('unloads every driver', async () => {
    const { plugin, calls } = brokenTarget('initialize');
    await expect(createStack({ target: plugin, targetOptions: {} })).rejects.toThrow('target broken: adapter nic0 did not initialize: NDIS_STATUS_FAILURE');
    expect(calls).toEqual(['miniportSetOptions', 'miniportInitializeEx', 'miniportDriverUnload']);
  });
});

describe('a stack that does not come up', () => {
  test('names a target that NDIS does not register', async () => {
    const { plugin, calls } = brokenTarget('set options');
    await expect(createStack({ target: plugin, targetOptions: {} })).rejects.toThrow('target broken was not registered: NDIS_STATUS_FAILURE');
    expect(calls).toEqual(['miniportSetOptions']);
  });

  test('names a driver that does not bind, and takes down what is below it', async () => {
    class Unwilling extends PassThroughDriver {
      override protocolBindAdapterEx(): number {
        return NDIS_STATUS_FAILURE;
      }
    }
    let ndis: Dispatcher | null = null;
    const unwilling = (of: Dispatcher): Unwilling => {
      ndis = of;
      return new Unwilling(of, { name: 'unwilling' });
    };
    const plain = (of: Dispatcher): PassThroughDriver => new PassThroughDriver(of, { name: 'plain' });
    await expect(createStack({ intermediates: [unwilling, plain] })).rejects.toThrow('driver unwilling did not bind to plain:nic0: NDIS_STATUS_FAILURE');
    const taken = ndis as unknown as Dispatcher;
    expect([taken.adapters.size, taken.outstanding]).toEqual([0, NOTHING]);
  });
});
