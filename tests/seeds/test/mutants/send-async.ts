import { DeterministicRuntime, SeededDpcQueue } from '@ndis-chimney/core/runtime';
import { IRQL, type Dpc } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';

/** Runs a DPC when it is queued, unless one is running. */
class HastyDpcQueue extends SeededDpcQueue {
  override insert(dpc: Dpc): boolean {
    const isInserted = super.insert(dpc);
    if (this.irql === IRQL.PASSIVE_LEVEL) this.run();
    return isInserted;
  }
}

class HastyRuntime extends DeterministicRuntime {
  override readonly dpcQueue: SeededDpcQueue = new HastyDpcQueue();
}

export const sendAsync: readonly Mutant[] = [
  {
    group: 'SND-ASYNC',
    party: 'NDIS',
    does: 'runs a DPC at once when it is queued',
    createFaults: () => ({ createRuntime: () => new HastyRuntime() }),
  },
];
