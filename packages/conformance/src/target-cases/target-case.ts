import type { Ability } from '../case.ts';
import type { RequirementId } from '../requirements.ts';
import type { TargetWishes } from '../subject.ts';
import type { TargetWorld } from '../world/target-world.ts';

/** A case for offload targets, as it is written: its world is made before and taken down after, with the checks of that. */
export interface TargetCase {
  readonly id: `target-${string}`;
  readonly title: string;
  readonly rules: readonly string[];
  readonly requirement: RequirementId;
  readonly requires?: readonly Ability[];
  readonly wishes?: TargetWishes;
  /** See `ConformanceCase`. */
  readonly isAdvisory?: boolean;
  readonly run: (world: TargetWorld) => Promise<void>;
}
