import type { Ability } from '../case.ts';
import type { RequirementId } from '../requirements.ts';
import type { IntermediateWorld, IntermediateWorldWishes } from '../world/intermediate-world.ts';

/** A case for intermediate drivers, as it is written: its world is made before and taken down after, with the checks of that. */
export interface IntermediateCase {
  readonly id: `intermediate-${string}`;
  readonly title: string;
  readonly rules: readonly string[];
  readonly requirement: RequirementId;
  readonly requires?: readonly Ability[];
  readonly wishes?: IntermediateWorldWishes;
  /** See `ConformanceCase`. */
  readonly isAdvisory?: boolean;
  readonly run: (world: IntermediateWorld) => Promise<void> | void;
}
