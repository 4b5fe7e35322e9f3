import { OFFLOAD_TARGET_API_VERSION, type OffloadTargetEnvironment, type OffloadTargetPlugin } from '@ndis-chimney/types';

import type { CreateEngine } from './connection-engine.ts';
import { OffloadTarget } from './offload-target.ts';
import { optionsSchemaOf, resolveOptions, type OptionSchemas } from './option-schema.ts';
import type { TargetLimits } from './target-limits.ts';

/** What makes a plugin out of an engine. */
export interface OffloadTargetPluginDefinition<Options extends object> {
  /** Names the target; the same as its package's name without scope, by custom. */
  readonly name: string;
  /** Makes the engine of one adapter, with all options filled in. */
  readonly createEngine: CreateEngine<Required<Options>>;
  /** The options by name. None when left out. */
  readonly options?: OptionSchemas<Options>;
  /** The limits, or what makes them of the options. */
  readonly limits?: TargetLimits | ((options: Required<Options>) => TargetLimits);
  /** A module whose default export is `createEngine`, for those that run the engine in another thread. */
  readonly engineModule?: URL;
}

/**
 * Makes a plugin out of an engine: the default export of a package that brings a target.
 *
 * ```
 * export default offloadTargetPlugin({ name: 'target-mine', createEngine });
 * ```
 */
export function offloadTargetPlugin<Options extends object = Record<string, never>>(
  definition: OffloadTargetPluginDefinition<Options>,
): OffloadTargetPlugin<Options, OffloadTarget> {
  const { name, createEngine, limits = {}, engineModule } = definition;
  const schemas = definition.options ?? ({} as OptionSchemas<Options>);
  const plugin = {
    name,
    apiVersion: OFFLOAD_TARGET_API_VERSION,
    optionsSchema: optionsSchemaOf(`Options of ${name}`, schemas),
    create: (environment: OffloadTargetEnvironment, options: Options): OffloadTarget => {
      const resolved = resolveOptions(name, options, schemas);
      return new OffloadTarget(environment, {
        name,
        createEngine: (engineEnvironment) => createEngine(engineEnvironment, resolved),
        limits: typeof limits === 'function' ? limits(resolved) : limits,
      });
    },
  };
  return engineModule === undefined ? plugin : { ...plugin, engineModule };
}
