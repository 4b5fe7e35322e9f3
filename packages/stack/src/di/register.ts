import { createDispatcher, type DispatcherOptions } from '@ndis-chimney/core';
import { ChimneyHost, type ChimneyHostOptions } from '@ndis-chimney/host';
import { createTarget, requireTargetPlugin } from '@ndis-chimney/offload-target';
import type { Clock, DpcQueue, OffloadTargetPlugin, Random } from '@ndis-chimney/types';
import type { VerifyLevel } from '@ndis-chimney/verifier';
import type { DependencyContainer, InjectionToken } from 'tsyringe';

import { intermediateFactories, targetEnvironment, verifierFor, type IntermediateFactory } from '../create-stack.ts';
import { composeStack, type Stack } from '../stack.ts';
import { CLOCK, DPC_QUEUE, HOST, HOST_OPTIONS, INTERMEDIATES, NDIS, RANDOM, STACK, TARGET, TARGET_OPTIONS, TARGET_PLUGIN, VERIFY } from './tokens.ts';

/** Time, chance and deferred work; what is left out is real. */
export interface RuntimeParts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly dpcQueue?: DpcQueue;
}

/** Registers what a run depends on besides its input: for a test or a simulation, a `DeterministicRuntime`. */
export function registerRuntime(container: DependencyContainer, { clock, random, dpcQueue }: RuntimeParts): DependencyContainer {
  if (clock !== undefined) container.registerInstance(CLOCK, clock);
  if (random !== undefined) container.registerInstance(RANDOM, random);
  if (dpcQueue !== undefined) container.registerInstance(DPC_QUEUE, dpcQueue);
  return container;
}

/**
 * Registers the offload target: a plugin and its options.
 * @throws TypeError when it is not a plugin.
 */
export function registerTarget<Options extends object>(
  container: DependencyContainer,
  plugin: OffloadTargetPlugin<Options>,
  options: Options = {} as Options,
): DependencyContainer {
  container.registerInstance(TARGET_PLUGIN, requireTargetPlugin(plugin, 'registerTarget: plugin'));
  container.registerInstance(TARGET_OPTIONS, options as Record<string, unknown>);
  return container;
}

/** Registers the intermediate drivers: so many pass-through drivers, or factories of your own, from the host down. */
export function registerIntermediates(container: DependencyContainer, intermediates: number | readonly IntermediateFactory[]): DependencyContainer {
  return container.registerInstance(INTERMEDIATES, intermediateFactories(intermediates));
}

/** Registers that the rules of the chimney are checked while the stack runs, and how closely. Otherwise they are not. */
export function registerVerifier(container: DependencyContainer, level: VerifyLevel): DependencyContainer {
  return container.registerInstance(VERIFY, level);
}

/** Registers the options of the host. */
export function registerHost(container: DependencyContainer, options: ChimneyHostOptions): DependencyContainer {
  return container.registerInstance(HOST_OPTIONS, options);
}

/**
 * Registers the stack and its parts, each made once, when first resolved, from what the functions above registered.
 * Resolve {@link STACK}, or a part of it. A target must have been registered; all else has a default.
 */
export function registerStack(container: DependencyContainer): DependencyContainer {
  once(container, NDIS, (from) => {
    const clock = optional(from, CLOCK);
    const random = optional(from, RANDOM);
    const dpcQueue = optional(from, DPC_QUEUE);
    const options: DispatcherOptions = {
      ...(clock !== undefined && { clock }),
      ...(random !== undefined && { random }),
      ...(dpcQueue !== undefined && { dpcQueue }),
    };
    return createDispatcher(options);
  });
  once(container, TARGET, (from) => {
    const plugin = optional(from, TARGET_PLUGIN);
    if (plugin === undefined) throw new Error('the container has no offload target: call registerTarget(container, plugin, options) first');
    return createTarget(plugin, targetEnvironment(from.resolve(NDIS)), optional(from, TARGET_OPTIONS) ?? {});
  });
  once(container, HOST, (from) => new ChimneyHost(from.resolve(NDIS), optional(from, HOST_OPTIONS)));
  once(container, STACK, async (from): Promise<Stack> => {
    const ndis = from.resolve(NDIS);
    const verifier = verifierFor(ndis, optional(from, VERIFY) ?? 'off');
    const factories = optional(from, INTERMEDIATES) ?? [];
    return composeStack({ ndis, verifier, target: from.resolve(TARGET), intermediates: factories.map((make) => make(ndis)), host: from.resolve(HOST) });
  });
  return container;
}

function once<T>(container: DependencyContainer, token: InjectionToken<T>, make: (from: DependencyContainer) => T): void {
  let made: { readonly value: T } | undefined;
  // A container may resolve T as undefined, so the value is boxed.
  container.register(token, { useFactory: (from) => (made ??= { value: make(from) }).value });
}

function optional<T>(container: DependencyContainer, token: InjectionToken<T>): T | undefined {
  return container.isRegistered(token, true) ? container.resolve(token) : undefined;
}
