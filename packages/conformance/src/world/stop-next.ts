import type { Ndis } from '@ndis-chimney/core';
import { DDI_CROSSING, type ChimneyViolation, type DdiCrossingName } from '@ndis-chimney/types';

import { check } from '../check.ts';

/** A crossing that is going to be stopped. */
export interface StoppedCrossing {
  /** Ends it. What NDIS reported because of it is taken out of `violations`. @throws ConformanceFailure unless it happened. */
  end(violations: ChimneyViolation[]): void;
}

/** Lets an observer stop the next crossing of this name at the edge above an adapter. */
export function stopNext(ndis: Ndis, name: DdiCrossingName, adapterName: string): StoppedCrossing {
  const error = new Error(`${DDI_CROSSING[name].call} was stopped by the kit`);
  let isStopped = false;
  const detach = ndis.attachObserver({
    enter: (crossing, edge) => {
      if (isStopped || crossing !== DDI_CROSSING[name] || edge.adapterName !== adapterName) return;
      isStopped = true;
      throw error;
    },
  }, 'verifier');
  return {
    end: (violations) => {
      detach();
      check(isStopped, `${DDI_CROSSING[name].call} was not called above ${adapterName}`);
      const others = violations.filter(({ cause }) => cause !== error);
      violations.splice(0, violations.length, ...others);
    },
  };
}
