import type { ConformanceCase } from './case.ts';
import { intermediateCases } from './intermediate-cases/index.ts';
import type { IntermediateConformanceOptions } from './subject.ts';
import { IntermediateWorld } from './world/intermediate-world.ts';
import { toCase } from './written-case.ts';

/**
 * The contract of an intermediate driver, as cases. Each makes drivers of its own with `create`, tries them between a
 * host and a target in the kit's hands, takes everything down again, and fails when a rule was broken or something was
 * left.
 */
export function intermediateConformance(options: IntermediateConformanceOptions): readonly ConformanceCase[] {
  const abilities = new Set(options.abilities ?? []);
  return intermediateCases.map((written) => toCase(written, abilities, (wishes) => IntermediateWorld.open(options, wishes)));
}
