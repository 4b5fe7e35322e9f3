import 'reflect-metadata';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { describeConnection } from '@ndis-chimney/host';
import { createStack, type Stack } from '@ndis-chimney/stack';
import { STACK, registerRuntime, registerStack, registerTarget, registerVerifier } from '@ndis-chimney/stack/di';
import memoryTarget from '@ndis-chimney/target-memory';
import type { NdisTcpOffloadEventHandlers, NetBufferList } from '@ndis-chimney/types';
import { container } from 'tsyringe';
import { describe, expect, test } from 'vitest';

const ENDS = { local: { address: '192.0.2.1', port: 49_152 }, remote: { address: '192.0.2.2', port: 7 } };

/** Makes the target complete every list of sends from its end. */
function turnCompletionsRound(stack: Stack): void {
  const handlers = stack.adapter as unknown as NdisTcpOffloadEventHandlers;
  const complete = handlers.tcpOffloadSendComplete.bind(handlers);
  handlers.tcpOffloadSendComplete = (list) => {
    let reversed: NetBufferList | null = null;
    for (let nbl: NetBufferList | null = list; nbl !== null;) {
      const next: NetBufferList | null = nbl.next;
      nbl.next = reversed;
      reversed = nbl;
      nbl = next;
    }
    if (reversed !== null) complete(reversed);
  };
}

const partsOf = ({ clock, random, dpcQueue }: DeterministicRuntime): Pick<DeterministicRuntime, 'clock' | 'random' | 'dpcQueue'> => ({ clock, random, dpcQueue });

async function sendTwice(stack: Stack): Promise<void> {
  const { connection } = await stack.offload(describeConnection(ENDS));
  if (connection === null) throw new Error('refused');
  await Promise.all([connection.send(new Uint8Array(10)), connection.send(new Uint8Array(20))]);
}

describe('verify', () => {
  test.each(['history', 'stacks'] as const)('%s finds a target that completes sends out of order (CHIM-SND-011)', async (verify) => {
    const runtime = new DeterministicRuntime(1);
    const work = async (): Promise<Stack> => {
      const stack = await createStack({ ...partsOf(runtime), intermediates: 1, targetOptions: { peer: 'sink' }, verify });
      turnCompletionsRound(stack);
      await sendTwice(stack);
      await stack.close();
      return stack;
    };
    const { verifier } = await runtime.drive(work());
    expect(verifier?.findings.map(({ rule, actor }) => [rule.id, actor])).toEqual([['CHIM-SND-011', 'target-memory']]);
  });

  test.each(['lastOwner', 'history', 'stacks'] as const)('%s finds nothing wrong with the memory target, and nothing is left at the end', async (verify) => {
    const runtime = new DeterministicRuntime(1);
    const work = async (): Promise<Stack> => {
      const stack = await createStack({ ...partsOf(runtime), intermediates: 2, targetOptions: { peer: 'echo' }, verify });
      await sendTwice(stack);
      await stack.close();
      return stack;
    };
    const { verifier } = await runtime.drive(work());
    expect([verifier?.findings, verifier?.outstanding]).toEqual([[], []]);
    expect(runtime.clock.pendingTimers).toBe(0);
  });

  test('off, the default, attaches nobody', async () => {
    const stack = await createStack();
    expect([stack.verifier, stack.ndis.observer]).toEqual([null, null]);
    await stack.close();
  });

  test('anything else is refused before anything is made', async () => {
    await expect(createStack({ verify: 'deep' as 'off' })).rejects.toThrow(/verify is "deep", not 'off', 'lastOwner', 'history' or 'stacks'/);
  });

  test('a container attaches it as well', async () => {
    const runtime = new DeterministicRuntime(1);
    const child = container.createChildContainer();
    registerRuntime(child, runtime);
    registerTarget(child, memoryTarget, { peer: 'sink' });
    registerVerifier(child, 'history');
    registerStack(child);
    const work = async (): Promise<Stack> => {
      const stack = await child.resolve(STACK);
      turnCompletionsRound(stack);
      await sendTwice(stack);
      await stack.close();
      return stack;
    };
    const { verifier } = await runtime.drive(work());
    expect(verifier?.findings.map(({ rule }) => rule.id)).toEqual(['CHIM-SND-011']);
  });
});
