import type { ConformanceCase } from './case.ts';
import type { OffloadTargetConformanceOptions } from './subject.ts';
import { targetCases } from './target-cases/index.ts';
import { TargetWorld } from './world/target-world.ts';

/**
 * The contract of an offload target, as cases. Each makes a target of its own with `create`, tries it behind NDIS with a
 * host in the kit's hands, takes everything down again, and fails when a rule was broken or something was left.
 */
export function offloadTargetConformance(options: OffloadTargetConformanceOptions): readonly ConformanceCase[] {
  const abilities = new Set(options.abilities ?? []);
  return targetCases.map(({ id, title, rules, requirement, requires = [], wishes = {}, isAdvisory = false, run }) => ({
    id,
    title,
    rules,
    requirement,
    requires,
    missing: requires.filter((ability) => !abilities.has(ability)),
    isAdvisory,
    run: async () => {
      const world = await TargetWorld.open(options, wishes);
      try {
        await run(world);
        await world.close();
      } finally {
        await world.subject.dispose?.();
      }
    },
  }));
}
