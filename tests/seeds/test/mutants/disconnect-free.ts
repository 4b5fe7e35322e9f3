import { Dpc, type DeferredRoutine, type NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import { SeedHost } from '../world/seed-host.ts';

/** Frees its contexts when it finds the time. */
class FreesLater extends SeedHost implements DeferredRoutine {
  private readonly dpc = new Dpc(this);
  private done: NetBufferList[] = [];

  protected override release(netBufferList: NetBufferList): void {
    this.done.push(netBufferList);
    this.ndis.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    for (const nbl of this.done) super.release(nbl);
    this.done = [];
  }
}

export const disconnectFree: readonly Mutant[] = [
  {
    group: 'DSC-FREE',
    party: 'the host',
    does: 'frees the context of a disconnect from a DPC',
    createFaults: () => ({ createHost: (ndis) => new FreesLater(ndis) }),
  },
];
