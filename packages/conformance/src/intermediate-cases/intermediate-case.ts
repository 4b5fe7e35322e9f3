import type { IntermediateWorld, IntermediateWorldWishes } from '../world/intermediate-world.ts';
import type { WrittenCase } from '../written-case.ts';

/** A case for intermediate drivers. */
export interface IntermediateCase extends WrittenCase<IntermediateWorldWishes, IntermediateWorld> {
  readonly id: `intermediate-${string}`;
}
