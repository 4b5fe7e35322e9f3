import type { OffloadEntry } from '@ndis-chimney/intermediate';
import { textsOf, type ProbeContext } from '@ndis-chimney/kit';
import type { NetBufferList, OffloadHandle } from '@ndis-chimney/types';

import { isSame, isTrue, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';
import type { World } from '../world/world.ts';

export const sendHandle: Group = {
  id: 'SND-HANDLE',
  seeds: ['S2.2', 'S2.3', 'S2.14'],
  rules: ['CHIM-SND-002', 'CHIM-IM-008'],
  says: 'data goes down on the connection that was named, on every edge by the handle that the calling driver keeps for it',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 2 });
    world.connections.forEach((connection, at) => {
      const nbl = world.host.send(connection, `for connection ${at}`);
      followDown(world, nbl, connection);
      isSame(textsOf(world.target.sends.at(-1) ?? null).join(), `for connection ${at}`, 'data at the target');
    });
    world.completeSends();
  },
};

/** Follows one NBL from the host to the target, by the handle each driver keeps for the connection. */
function followDown(world: World, nbl: NetBufferList, connection: OffloadHandle): void {
  const { journal } = world;
  let handle = connection;
  for (const driver of [...world.uppers].reverse()) {
    const lower = world.below(driver);
    isSame(handle.state, 'offloaded', `state of the connection below ${driver}`);
    const call = only(journal.madeBy(driver, 'NdisOffloadTcpSend').filter(({ members }) => members.includes(nbl)), `sends of the NBL by ${driver}`);
    isSame(call.args[0], handle, `handle that ${driver} named`);
    isTrue(world.openingsOf(driver).some(({ binding }) => binding === handle.binding), `the handle is not one of ${driver}'s`);
    const entry = only(journal.receivedBy(lower, 'MiniportTcpOffloadSend').filter(({ members }) => members.includes(nbl)), `sends of the NBL that reached ${lower}`);
    isSame(entry.args[1], handle.miniportOffloadContext, `MiniportOffloadContext that reached ${lower}`);
    const kept = entry.args[1] as OffloadEntry & ProbeContext;
    isSame(lower === 'target' ? kept.handle : kept.upperHandle, handle, `handle under which ${lower} knows the connection`);
    if (lower !== 'target') isSame(kept.handle.owner, kept, `record that the own handle of ${lower} leads to`);
    ({ handle } = kept);
  }
}
