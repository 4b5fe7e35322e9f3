import { type ProbeHost, siblings } from '@ndis-chimney/conformance/probes';
import type { Ndis } from '@ndis-chimney/core';
import type { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import type { ChimneyViolation, ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** Terminates whatever of a host is offloaded, layer by layer from the top. @param finish completes what is below. */
export function terminateAllOf(host: ProbeHost, finish: () => void): void {
  finish();
  for (const layer of ['connection', 'path', 'neighbor']) {
    const blocks: ProtocolOffloadBlockList[] = [];
    for (const [handle, block] of host.handles) {
      const isOurs = String(handle.owner).startsWith(layer) && (handle.state === 'offloaded' || handle.state === 'lost');
      if (!isOurs) continue;
      block.dependentBlockList = null;
      blocks.push(block);
    }
    const root = siblings(...blocks);
    if (root === null) continue;
    blocks[0]?.offloadHandle?.binding.terminateOffload(root);
    finish();
  }
}

/** An intermediate driver, as far as it can have something left. */
interface Leaky {
  readonly name: string;
}

/** @throws Error when something is left of a stack that was taken down, or a violation nobody expected was reported. */
export function requireNothingLeft(ndis: Ndis, runtime: DeterministicRuntime, violations: readonly ChimneyViolation[], intermediates: readonly Leaky[]): void {
  const problems: string[] = violations.map(({ message }) => message);
  for (const [what, count] of Object.entries(ndis.outstanding)) if (count !== 0) problems.push(`${count} ${what} are left`);
  if (ndis.adapters.size > 0) problems.push(`adapters are left: ${[...ndis.adapters.keys()].join(', ')}`);
  for (const driver of intermediates) problems.push(...leftIn(driver));
  if (runtime.clock.pendingTimers > 0) problems.push(`${runtime.clock.pendingTimers} timers are left`);
  if (problems.length > 0) throw new Error(`the stack was not closed cleanly: ${problems.join('; ')}`);
}

function leftIn(driver: Leaky): string[] {
  const { blocks } = driver as unknown as { blocks: { callEntries: number; offloadEntries: number } };
  const left: string[] = [];
  if (blocks.callEntries !== 0) left.push(`${driver.name} has ${blocks.callEntries} call entries`);
  if (blocks.offloadEntries !== 0) left.push(`${driver.name} has ${blocks.offloadEntries} offload entries`);
  return left;
}
