import type { MiniportDriver } from './miniport-driver.ts';
import type { NetBufferListPool, NetBufferListPoolParameters } from './pools.ts';
import type { Clock, DpcQueue, Random } from './runtime.ts';

/** The plugin contract this package describes. A plugin says which one it was written for. */
export const OFFLOAD_TARGET_API_VERSION = 1;

/** What a target may use of the world. It takes time, chance and deferred work from here and nowhere else. */
export interface OffloadTargetEnvironment {
  readonly clock: Clock;
  /** A stream of the target's own. */
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  /** Pools for the NBLs it indicates. */
  readonly pools: {
    allocateNetBufferListPool(owner: string, parameters?: NetBufferListPoolParameters): NetBufferListPool;
  };
}

/** A JSON Schema (draft 2020-12) object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The default export of a package that brings an offload target. It is loaded by name wherever a target can be chosen:
 * `createStack({ target })`, a command's `--target`, the conformance kit.
 */
export interface OffloadTargetPlugin<
  Options extends object = Record<string, unknown>,
  Target extends MiniportDriver<never> = MiniportDriver<never>,
> {
  /** Names the target; the same as its package's name without scope, by custom. */
  readonly name: string;
  /** {@link OFFLOAD_TARGET_API_VERSION} of the contract the plugin was written for. */
  readonly apiVersion: number;
  /** Describes `options`. Options are data: they can be cloned to another thread. */
  readonly optionsSchema: JsonSchema;
  /** Makes the miniport driver. Its adapters come up later, through `miniportInitializeEx`. */
  create(environment: OffloadTargetEnvironment, options: Options): Target;
  /** A module whose default export makes the connection engine, for those that run it in another thread. */
  readonly engineModule?: URL;
}
