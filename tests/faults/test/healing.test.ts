// Every fault, wherever it can be, in a stack with work to do: nothing loops, and what is healed can be taken down.
import { createDispatcher } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ChimneyHost, describeConnection, type ChimneyConnection } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { composeStack, targetEnvironment } from '@ndis-chimney/stack';
import { FAULTS, withFaults, type FaultEdge, type FaultPlan } from '@ndis-chimney/target-faulty';
import { createMemoryTarget } from '@ndis-chimney/target-memory';
import { describe, expect, test } from 'vitest';

/** Damage that stays: a driver has forgotten what it owes, or somebody has a connection that nobody else knows of. */
const CANNOT_HEAL = new Set(['A8 intermediate', 'A9 target', 'A9 intermediate']);

/** Runs work over a faulty stack. @returns how often the fault struck, and what was left when the stack was closed. */
async function live(fault: string, edge: FaultEdge): Promise<{ strikes: number; isClosed: boolean; left: number }> {
  const runtime = new DeterministicRuntime(1);
  const { clock, random, dpcQueue } = runtime;
  const ndis = createDispatcher({ clock, random, dpcQueue });
  const plan: FaultPlan = { seed: 1, faults: [{ fault, every: 2, limit: 4 }] };
  const target = createMemoryTarget(targetEnvironment(ndis), { peer: 'echo', latencyMs: 2 });
  const intermediate = new PassThroughDriver(ndis, { name: 'im' });
  const host = new ChimneyHost(ndis);
  const { faults } = edge === 'target' ? withFaults(target, plan, ndis) : edge === 'intermediate' ? withFaults(intermediate, plan, ndis) : withFaults(host, plan, ndis);
  const stack = await runtime.drive(composeStack({ ndis, target, intermediates: [intermediate], host }));
  const connections: ChimneyConnection[] = [];
  for (let count = 0; count < 6; count++) {
    void stack.offload(describeConnection({ local: { address: '192.0.2.1', port: 4000 + count }, remote: { address: '192.0.2.2', port: 7 } })).then(({ connection }) => {
      if (connection !== null) connections.push(connection);
    });
    await turn(runtime, 5);
  }
  for (let count = 0; count < 20; count++) {
    for (const connection of connections.filter(({ isOpen }) => isOpen)) {
      if (count % 2 === 1) void connection.receive(new Uint8Array(300));
      void connection.send(new Uint8Array(400));
      if (count % 7 === 3) void connection.query();
    }
    await turn(runtime, 5);
  }
  for (const connection of connections.filter(({ isOpen }) => isOpen).slice(0, 3)) void connection.disconnect();
  await turn(runtime, 50);
  faults.heal();
  await turn(runtime, 0);
  const isClosed = await runtime.drive(stack.close()).then(() => true, () => false);
  const { netBufferLists, netBuffers, contexts, operations } = ndis.outstanding;
  return { strikes: faults.injections[fault] ?? 0, isClosed, left: netBufferLists + netBuffers + contexts + operations };
}

/** Time passes, and who waits for promises goes on. */
async function turn(runtime: DeterministicRuntime, ms: number): Promise<void> {
  runtime.advance(ms);
  for (let count = 0; count < 20; count++) await Promise.resolve();
  runtime.settle();
}

const everywhere = Object.values(FAULTS).flatMap(({ id, edges }) => edges.map((edge) => [id, edge] as const));

describe('after it is healed, a stack with the fault', () => {
  const struck = new Set<string>();

  test.each(everywhere.filter(([id, edge]) => !CANNOT_HEAL.has(`${id} ${edge}`)))('%s at a %s is taken down, and nothing is left', async (fault, edge) => {
    const { strikes, isClosed, left } = await live(fault, edge);
    if (strikes > 0) struck.add(fault);
    expect({ isClosed, left }).toEqual({ isClosed: true, left: 0 });
  });

  test('and half of them at least had an occasion in this', () => {
    expect(struck.size).toBeGreaterThan(Object.keys(FAULTS).length / 2);
  });
});

test.each([...CANNOT_HEAL])('%s: the damage stays, the run ends all the same', async (name) => {
  const [fault, edge] = name.split(' ') as [string, FaultEdge];
  const { strikes, isClosed } = await live(fault, edge);
  expect(strikes).toBeGreaterThan(0);
  expect(isClosed).toBe(false);
});
