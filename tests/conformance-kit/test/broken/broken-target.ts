// Deliberately broken targets: the memory target with taps that make it do one thing wrong.
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import { tapMiniportDriver } from '@ndis-chimney/target-faulty';
import type { OffloadTargetConformanceOptions, TargetWishes } from '@ndis-chimney/conformance';
import type { OffloadTargetEnvironment } from '@ndis-chimney/types';

import { memorySubject } from '../subjects.ts';

/** A way to be wrong, and the case that is to say so. */
export interface Broken {
  /** What the target does, as the end of "a target that …". */
  readonly does: string;
  /** Id of the case that fails it. */
  readonly fails: string;
  /** What the case says about it. */
  readonly says: RegExp;
  /** Makes the taps of one target; what they remember is theirs. */
  readonly taps: (environment: OffloadTargetEnvironment) => MiniportTaps;
  /** What else is different about the subject. */
  readonly subject?: Partial<OffloadTargetConformanceOptions>;
}

/** The memory target, broken in this way. */
export function brokenSubject({ taps, subject = {} }: Broken): OffloadTargetConformanceOptions {
  const base = { ...memorySubject, ...subject };
  return {
    ...base,
    create: async (environment: OffloadTargetEnvironment, wishes: TargetWishes) => {
      const made = await base.create(environment, wishes);
      tapMiniportDriver(made.target, taps(environment));
      return made;
    },
  };
}
