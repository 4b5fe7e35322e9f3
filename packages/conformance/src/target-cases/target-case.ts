import type { TargetWishes } from '../subject.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WrittenCase } from '../written-case.ts';

/** A case for offload targets. */
export interface TargetCase extends WrittenCase<TargetWishes, TargetWorld> {
  readonly id: `target-${string}`;
}
