import { createDispatcher, type Dispatcher, type DispatcherOptions } from '@ndis-chimney/core';
import { ChimneyHost, type ChimneyHostOptions } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createTarget, requireTargetPlugin } from '@ndis-chimney/offload-target';
import memoryTarget, { type MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import type { MiniportDriver, OffloadTargetEnvironment, OffloadTargetPlugin } from '@ndis-chimney/types';
import { attachVerifier, type Verifier, type VerifyLevel } from '@ndis-chimney/verifier';

import { composeStack, type IntermediateDriver, type Stack } from './stack.ts';

/** Makes an intermediate driver, not yet registered. */
export type IntermediateFactory = (ndis: Dispatcher) => IntermediateDriver;

/** What every stack may be told, whatever its target. */
export interface StackOptions extends DispatcherOptions {
  /**
   * Intermediate drivers from the host down: so many pass-through drivers, or factories of your own. Default 0.
   */
  readonly intermediates?: number | readonly IntermediateFactory[];
  readonly host?: ChimneyHostOptions;
  /** Name of the target's adapter. Default `nic0`. */
  readonly adapterName?: string;
  /**
   * Whether the rules of the chimney are checked while the stack runs, and how closely NET_BUFFER_LISTs are followed.
   * What is found is in `stack.verifier` and on `violations$`. Default `off`.
   */
  readonly verify?: 'off' | VerifyLevel;
}

/** A stack on a target of one's choice. */
export interface StackOptionsWithTarget<Options extends object, Target extends MiniportDriver<never>> extends StackOptions {
  /** The plugin: what the target's package exports by default. */
  readonly target: OffloadTargetPlugin<Options, Target>;
  /** Checked against the plugin's schema. Default none. */
  readonly targetOptions?: Options;
}

/** A stack on the memory target. */
export interface StackOptionsWithMemoryTarget extends StackOptions {
  readonly target?: undefined;
  readonly targetOptions?: MemoryTargetOptions;
}

/**
 * Builds and starts a stack: host, intermediate drivers, offload target. Without a target it is the memory target.
 * @throws TypeError when an option or the plugin is not what it should be. @throws Error when a driver does not come up.
 */
export function createStack(options?: StackOptionsWithMemoryTarget): Promise<Stack<MemoryTarget>>;
export function createStack<Options extends object, Target extends MiniportDriver<never>>(
  options: StackOptionsWithTarget<Options, Target>,
): Promise<Stack<Target>>;
export async function createStack(options: StackOptions & { readonly target?: unknown; readonly targetOptions?: object } = {}): Promise<Stack> {
  const plugin = requireTargetPlugin(options.target ?? memoryTarget, 'createStack: target');
  const factories = intermediateFactories(options.intermediates ?? 0);
  const level = requireLevel(options.verify ?? 'off');
  const ndis = createDispatcher(options);
  return composeStack({
    ndis,
    verifier: verifierFor(ndis, level),
    target: createTarget(plugin, targetEnvironment(ndis), (options.targetOptions ?? {}) as Record<string, unknown>),
    intermediates: factories.map((make) => make(ndis)),
    host: new ChimneyHost(ndis, options.host),
    ...(options.adapterName !== undefined && { adapterName: options.adapterName }),
  });
}

function requireLevel(verify: string): 'off' | VerifyLevel {
  if (verify === 'off' || verify === 'lastOwner' || verify === 'history' || verify === 'stacks') return verify;
  throw new TypeError(`createStack: verify is ${JSON.stringify(verify)}, not 'off', 'lastOwner', 'history' or 'stacks'`);
}

/** A verifier of a level, attached; none for `off`. */
export function verifierFor(ndis: Dispatcher, level: 'off' | VerifyLevel): Verifier | null {
  return level === 'off' ? null : attachVerifier(ndis, { level });
}

/** What a target may use of the world: NDIS's own sources, and a random stream of its own. */
export function targetEnvironment(ndis: Dispatcher): OffloadTargetEnvironment {
  return { clock: ndis.clock, random: ndis.random.fork('target'), dpcQueue: ndis.dpcQueue, pools: ndis };
}

/** So many pass-through drivers, named from the host down, or the factories themselves. */
export function intermediateFactories(intermediates: number | readonly IntermediateFactory[]): readonly IntermediateFactory[] {
  if (typeof intermediates !== 'number') return intermediates;
  if (!Number.isInteger(intermediates) || intermediates < 0) throw new TypeError(`createStack: intermediates is ${intermediates}, not a number of drivers`);
  return Array.from({ length: intermediates }, (_, index) => (ndis: Dispatcher) => new PassThroughDriver(ndis, { name: `im${index + 1}` }));
}
