import type { Shape, World } from './world/world.ts';

/** Makes a world of the depth and observation under test. */
type WorldFactory = (shape?: Shape) => World;

/** Seed rows that say the same, and the one test of them. */
export interface Group {
  readonly id: string;
  /** Rows of docs/reference/seeds.md. */
  readonly seeds: readonly string[];
  /** Rules of the catalogue that follow from them. */
  readonly rules: readonly string[];
  /** The behaviour, as a sentence. */
  readonly says: string;
  /** Numbers of intermediate drivers to test with. */
  readonly depths: readonly number[];
  /** @throws AssertionError when the behaviour is not there. */
  test(build: WorldFactory): void;
}

/** For rows that hold without intermediate drivers too. */
export const ANY_DEPTH: readonly number[] = [0, 1, 3];

/** For rows about intermediate drivers. */
export const WITH_INTERMEDIATES: readonly number[] = [1, 3];
