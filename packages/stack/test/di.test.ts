import 'reflect-metadata';

import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { describeConnection } from '@ndis-chimney/host';
import { createStack, type Stack } from '@ndis-chimney/stack';
import { HOST, NDIS, STACK, TARGET, registerHost, registerIntermediates, registerRuntime, registerStack, registerTarget } from '@ndis-chimney/stack/di';
import memoryTarget from '@ndis-chimney/target-memory';
import { container, type DependencyContainer } from 'tsyringe';
import { describe, expect, test } from 'vitest';

const ENDS = { local: { address: '192.0.2.1', port: 49_152 }, remote: { address: '192.0.2.2', port: 7 } };

const sendOnce = async (stack: Stack): Promise<string[]> => {
  const events: string[] = [];
  stack.ndis.ddi$.subscribe((event) => events.push(event.toString()));
  const { connection } = await stack.offload(describeConnection(ENDS));
  await connection?.send(new Uint8Array(5000));
  await stack.close();
  return events;
};

const newContainer = (): DependencyContainer => container.createChildContainer();

test('a container builds the very stack that createStack builds', async () => {
  const options = { peer: 'sink' as const, latencyMs: 2 };
  const byHand = new DeterministicRuntime(5);
  const expected = await byHand.drive(createStack({ ...parts(byHand), intermediates: 2, targetOptions: options }).then(sendOnce));

  const injected = new DeterministicRuntime(5);
  const services = newContainer();
  registerRuntime(services, parts(injected));
  registerTarget(services, memoryTarget, options);
  registerIntermediates(services, 2);
  registerHost(services, { name: 'chimney-host' });
  registerStack(services);
  expect(await injected.drive(services.resolve(STACK).then(sendOnce))).toEqual(expected);
  expect(expected.length).toBeGreaterThan(10);
});

describe('a container', () => {
  test('makes each part once', async () => {
    const services = registerStack(registerTarget(newContainer(), memoryTarget));
    const stack = await services.resolve(STACK);
    expect(services.resolve(STACK)).toBe(services.resolve(STACK));
    expect([services.resolve(NDIS), services.resolve(HOST), services.resolve(TARGET)]).toEqual([stack.ndis, stack.host, stack.target]);
    expect(services.resolve(NDIS)).toBe(stack.ndis);
    await stack.close();
  });

  test('keeps its parts from other containers', async () => {
    const stacks = await Promise.all([0, 1].map(() => registerStack(registerTarget(newContainer(), memoryTarget)).resolve(STACK)));
    expect(stacks[0]?.ndis).not.toBe(stacks[1]?.ndis);
    await Promise.all(stacks.map((stack) => stack.close()));
  });

  test('lets one put a part of one’s own in place', async () => {
    const services = registerStack(registerTarget(newContainer(), memoryTarget));
    const stack = await services.resolve(STACK);
    const others = newContainer();
    registerStack(registerTarget(others, memoryTarget));
    others.registerInstance(NDIS, stack.ndis);
    expect(others.resolve(NDIS)).toBe(stack.ndis);
    await stack.close();
  });

  test('without a target says what to call', async () => {
    await expect(registerStack(newContainer()).resolve(STACK)).rejects.toThrow('the container has no offload target: call registerTarget(container, plugin, options) first');
  });

  test('refuses what is not a plugin when it is registered, not when it is resolved', () => {
    expect(() => registerTarget(newContainer(), {} as never)).toThrow('registerTarget: plugin is not an offload-target plugin');
  });
});

/** The parts a container may be given. */
function parts({ clock, random, dpcQueue }: DeterministicRuntime): Pick<DeterministicRuntime, 'clock' | 'random' | 'dpcQueue'> {
  return { clock, random, dpcQueue };
}
