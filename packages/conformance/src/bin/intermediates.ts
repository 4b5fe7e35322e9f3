import type { Ndis } from '@ndis-chimney/core';

import type { IntermediateFactory } from '../subject.ts';
import { ModuleError } from './arguments.ts';
import { loadModule } from './load-module.ts';

/**
 * What makes the intermediate drivers of modules: their export `createIntermediate(ndis, { name })`. They are named im1,
 * im2 and so on from the host down, so that a module can be there more than once.
 * @throws ModuleError when a module cannot be loaded or has no such export.
 */
export async function intermediateFactories(modules: readonly string[]): Promise<IntermediateFactory[]> {
  const factories: IntermediateFactory[] = [];
  for (const [index, module] of modules.entries()) {
    const { createIntermediate } = (await loadModule(module)) as { readonly createIntermediate?: unknown };
    if (typeof createIntermediate !== 'function') throw new ModuleError(`--behind ${module}: it has no export createIntermediate, a function of NDIS and { name }`);
    const make = createIntermediate as (ndis: Ndis, options: { readonly name: string }) => ReturnType<IntermediateFactory>;
    factories.push((ndis) => make(ndis, { name: `im${index + 1}` }));
  }
  return factories;
}
