import type { PassThroughAdapter } from '@ndis-chimney/intermediate';
import { TCP_DISCONNECT_ABORTIVE_CLOSE, TCP_DISCONNECT_GRACEFUL_CLOSE } from '@ndis-chimney/types';

import { areSame, isSame, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const disconnectNbl: Group = {
  id: 'DSC-NBL',
  seeds: ['S4.5', 'S4.6', 'S4.11'],
  rules: ['CHIM-DSC-015', 'CHIM-NBL-003', 'CHIM-IM-009'],
  says: 'a disconnect, graceful or abortive, comes back as the single NET_BUFFER_LIST it went down with, the same pointer in every layer',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 2 });
    const { host, journal } = world;
    const flags = [TCP_DISCONNECT_GRACEFUL_CLOSE, TCP_DISCONNECT_ABORTIVE_CLOSE];
    world.connections.forEach((connection, at) => {
      journal.clear();
      const nbl = host.disconnect(connection, flags[at]);
      world.completeDisconnect(nbl);
      for (const driver of world.uppers) {
        isSame(only(journal.madeBy(driver, 'NdisOffloadTcpDisconnect'), `disconnects by ${driver}`).args[1], nbl, `NBL that ${driver} passed down`);
        const callback = only(journal.receivedBy(driver, 'ProtocolTcpOffloadDisconnectComplete'), `callbacks of ${driver}`);
        isSame(callback.args[1], nbl, `NBL that ${driver} got`);
        areSame(callback.members, [nbl], `list that ${driver} got`);
      }
      for (const driver of world.relays) {
        const passedOn = only(journal.madeBy(driver, 'NdisTcpOffloadDisconnectComplete'), `completions by ${driver}`);
        areSame(passedOn.args, [nbl], `NBL that ${driver} passed on`);
      }
    });
    // NDIS never passes NULL, but the page does not exclude it: there is nothing to pass on then.
    journal.clear();
    for (const driver of world.intermediates) {
      const [{ context } = { context: null }] = world.openingsOf(driver.name);
      driver.protocolTcpOffloadDisconnectComplete(context as PassThroughAdapter, null);
      isSame(journal.madeBy(driver.name, 'NdisTcpOffloadDisconnectComplete').length, 0, `completions by ${driver.name} for a NULL`);
    }
  },
};
