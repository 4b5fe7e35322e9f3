import type { Ability, ConformanceCase } from './case.ts';
import { KIT_VERSION } from './kit-version.ts';
import type { RequirementId } from './requirements.ts';

/** A case as it is written: its world is made before and taken down after, with the checks of that. */
export interface WrittenCase<Wishes, World> {
  readonly id: string;
  readonly title: string;
  readonly rules: readonly string[];
  readonly requirement: RequirementId;
  readonly requires?: readonly Ability[];
  readonly wishes?: Wishes;
  /** The minor version that brings it, such as `0.2`: up to that one it is advisory. Absent: it counts. */
  readonly since?: `${number}.${number}`;
  /** It stays advisory: the rules only recommend it, pages disagree, or a limit is the kit's own. */
  readonly weight?: 'advice';
  readonly run: (world: World) => Promise<void> | void;
}

/** The world of one case. */
export interface CaseWorld {
  /** Takes it down. @throws ConformanceFailure when something is left behind, or a rule was broken. */
  close(): Promise<void>;
  /** Disposes of what makers of subjects have made for it, in whatever state it is. */
  dispose(): Promise<void>;
}

/** A case that anybody can run. @param open makes and starts a world for it. */
export function toCase<Wishes extends object, World extends CaseWorld>(written: WrittenCase<Wishes, World>, abilities: ReadonlySet<Ability>, open: (wishes: Partial<Wishes>) => Promise<World>): ConformanceCase {
  const { id, title, rules, requirement, requires = [], wishes = {}, run } = written;
  return {
    id,
    title,
    rules,
    requirement,
    requires,
    missing: requires.filter((ability) => !abilities.has(ability)),
    isAdvisory: isAdvisoryIn(KIT_VERSION, written),
    run: async () => {
      const world = await open(wishes);
      try {
        await run(world);
        await world.close();
      } catch (error) {
        // What the case says comes first.
        await world.dispose().catch(() => undefined);
        throw error;
      }
      await world.dispose();
    },
  };
}

/** Whether a case fails nobody in this version of the kit. */
export function isAdvisoryIn(version: string, { since, weight }: Pick<WrittenCase<unknown, never>, 'since' | 'weight'>): boolean {
  if (weight === 'advice') return true;
  if (since === undefined) return false;
  const [major, minor] = minorOf(version);
  const [broughtMajor, broughtMinor] = minorOf(since);
  return major < broughtMajor || (major === broughtMajor && minor <= broughtMinor);
}

function minorOf(version: string): readonly [major: number, minor: number] {
  const [, major, minor] = /^(\d+)\.(\d+)(?:[.-]|$)/u.exec(version) ?? [];
  if (major === undefined || minor === undefined) throw new TypeError(`${JSON.stringify(version)} is no version`);
  return [Number(major), Number(minor)];
}
