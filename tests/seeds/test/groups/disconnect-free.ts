import type { NetBufferList } from '@ndis-chimney/types';

import { areSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const disconnectFree: Group = {
  id: 'DSC-FREE',
  seeds: ['S4.13'],
  rules: ['CHIM-DSC-016'],
  says: 'when ProtocolTcpOffloadDisconnectComplete returns, the driver has freed every context it had put on the NET_BUFFER_LIST',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal } = world;
    const atTarget: string[] = [];
    const left: string[] = [];
    journal.onEnter('MiniportTcpOffloadDisconnect', ({ driver, members }) => {
      if (driver === 'target') atTarget.push(...members.flatMap(ownersOf));
    });
    journal.onLeave('ProtocolTcpOffloadDisconnectComplete', ({ driver, members }) => {
      left.push(...members.flatMap(ownersOf).filter((owner) => owner === driver));
    });
    world.completeDisconnect(host.disconnect(world.connection));
    areSame(atTarget, world.uppers, 'drivers with a context on the NBL while it is with the target, from the top of the stack');
    areSame(left, [], 'drivers whose callback returned before their context was freed');
  },
};

/** The drivers whose contexts an NBL carries, the last one first. */
function ownersOf(nbl: NetBufferList): string[] {
  const owners: string[] = [];
  for (let { context } = nbl; context !== null; context = context.next) owners.push(context.owner?.name ?? 'nobody');
  return owners;
}
