import { link, membersOf } from '@ndis-chimney/kit';
import { Dpc, type DeferredRoutine, type NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import type { ClientTcp, Place } from '../world/faults.ts';

/** Holds completions back until a DPC, and delivers what has come in until then as one list. */
class Merger implements DeferredRoutine {
  private readonly next: ClientTcp;
  private readonly place: Place;
  private readonly dpc = new Dpc(this);
  private held = new Map<unknown, NetBufferList[]>();

  constructor(next: ClientTcp, place: Place) {
    this.next = next;
    this.place = place;
  }

  hold(context: unknown, list: NetBufferList): void {
    this.held.set(context, [...(this.held.get(context) ?? []), ...membersOf(list)]);
    this.place.ndis.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { held } = this;
    this.held = new Map();
    for (const [context, nbls] of held) this.next.protocolTcpOffloadSendComplete(context, link(nbls));
  }
}

export const sendComplete: readonly Mutant[] = [
  {
    group: 'SND-COMPLETE',
    party: 'NDIS',
    does: 'merges the send completions of one drain into one call',
    createFaults: () => ({
      clientTcp(next, place) {
        const merger = new Merger(next, place);
        return {
          protocolTcpOffloadSendComplete(context, list) {
            merger.hold(context, list);
          },
        };
      },
    }),
  },
];
