import type { Ndis } from '@ndis-chimney/core';
import { DDI_CROSSING, type DdiCrossingName, type NdisBinding } from '@ndis-chimney/types';

/** What {@link stopNext} made. */
export interface Stop {
  /** What it throws. */
  readonly error: Error;
  /** Takes the observer away, whether or not it has thrown. */
  readonly detach: () => void;
}

/** Attaches a verifier that throws, once, when a crossing is about to happen; at whichever edge unless one is given. */
export function stopNext(ndis: Ndis, crossing: DdiCrossingName, edge: NdisBinding | null = null): Stop {
  const error = new Error(`stopped before ${crossing}`);
  let isArmed = true;
  const detach = ndis.attachObserver(
    {
      enter(seen, at) {
        if (!isArmed || seen !== DDI_CROSSING[crossing] || (edge !== null && at !== edge)) return;
        isArmed = false;
        throw error;
      },
    },
    'verifier',
  );
  return { error, detach };
}
