import type { ConformanceCase } from './case.ts';
import type { OffloadTargetConformanceOptions } from './subject.ts';
import { targetCases } from './target-cases/index.ts';
import { TargetWorld } from './world/target-world.ts';
import { toCase } from './written-case.ts';

/**
 * The contract of an offload target, as cases. Each makes a target of its own with `create`, tries it behind NDIS with a
 * host in the kit's hands, takes everything down again, and fails when a rule was broken or something was left.
 */
export function offloadTargetConformance(options: OffloadTargetConformanceOptions): readonly ConformanceCase[] {
  const abilities = new Set(options.abilities ?? []);
  return targetCases.map((written) => toCase(written, abilities, (wishes) => TargetWorld.open(options, wishes)));
}
