import type { JsonSchema, MiniportDriver, OffloadTargetEnvironment, OffloadTargetPlugin } from '@ndis-chimney/types';

import type { FaultOptions } from './fault-injector.ts';
import { parseFaultPlan } from './parse-plan.ts';
import { faultPlanSchema } from './plan-schema.ts';
import type { FaultPlan } from './plan.ts';
import { withFaults, type Faulty } from './with-faults.ts';

/** Options of a faulty target: plain data, both of them. */
export interface FaultyTargetOptions<Options extends object> {
  /** Options of the target that is made faulty. Default none. */
  readonly target?: Options;
  /** What goes wrong. Default: the plan given to {@link faultyTarget}. */
  readonly plan?: FaultPlan;
}

/**
 * Makes a plugin of a plugin: the same target, with faults. It can be used wherever a target can be chosen.
 * @param plan what goes wrong unless the options say so. Default: nothing.
 * @throws TypeError when the plan is not one, or has a fault that cannot happen at a target.
 */
export function faultyTarget<Options extends object, Target extends MiniportDriver<never>>(
  plugin: OffloadTargetPlugin<Options, Target>,
  plan: FaultPlan = { faults: [] },
  faultOptions: FaultOptions = {},
): OffloadTargetPlugin<FaultyTargetOptions<Options>, Faulty<Target>> {
  parseFaultPlan(plan, 'target');
  return {
    name: `${plugin.name} with faults`,
    apiVersion: plugin.apiVersion,
    optionsSchema: schemaOf(plugin),
    create: (environment: OffloadTargetEnvironment, options: FaultyTargetOptions<Options>) =>
      withFaults(plugin.create(environment, options.target ?? ({} as Options)), options.plan ?? plan, environment, faultOptions),
  };
}

function schemaOf({ name, optionsSchema }: Pick<OffloadTargetPlugin, 'name' | 'optionsSchema'>): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Options of ${name} with faults`,
    type: 'object',
    additionalProperties: false,
    // With an id of its own, what a schema refers to within itself is still found where it lies now.
    properties: { target: { $id: `urn:ndis-chimney:${name}:options`, ...optionsSchema }, plan: faultPlanSchema },
  };
}
