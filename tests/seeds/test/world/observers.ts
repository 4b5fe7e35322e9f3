import type { NdisObserver } from '@ndis-chimney/types';

/** Who looks at a world from outside: each makes calls take another way through NDIS. */
export type Observation = 'nobody' | 'crossings' | 'everything';

const nothing = (): void => {
  // Deliberately empty: an observer that only makes NDIS notify.
};

/** An observer for each. */
export const OBSERVERS: Readonly<Record<Observation, NdisObserver | null>> = {
  nobody: null,
  crossings: { enter: nothing, leave: nothing },
  everything: { enter: nothing, leave: nothing, allocated: nothing, freed: nothing, dataStart: nothing, timer: nothing, nonOffload: nothing },
};
