import { NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS } from '@ndis-chimney/types';

import { areSame, isSame } from '../check.ts';
import { WITH_INTERMEDIATES, type Group } from '../group.ts';

const STATUSES = [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED];

export const disconnectRelayUp: Group = {
  id: 'DSC-IM-COMPLETES',
  seeds: ['S4.9'],
  rules: ['CHIM-IM-009'],
  says: 'an intermediate driver answers each ProtocolTcpOffloadDisconnectComplete with one NdisTcpOffloadDisconnectComplete, whatever the status',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build({ connections: STATUSES.length });
    const { host, journal } = world;
    const nbls = world.connections.map((connection, at) => {
      const nbl = host.disconnect(connection);
      world.completeDisconnect(nbl, STATUSES[at]);
      return nbl;
    });
    for (const driver of world.relays) {
      const callbacks = journal.receivedBy(driver, 'ProtocolTcpOffloadDisconnectComplete');
      isSame(callbacks.length, STATUSES.length, `callbacks of ${driver}`);
      const passedOn = journal.madeBy(driver, 'NdisTcpOffloadDisconnectComplete');
      areSame(passedOn.map(({ within }) => within), callbacks, `callbacks in which ${driver} passed a completion on`);
    }
    areSame(journal.receivedBy('host', 'ProtocolTcpOffloadDisconnectComplete').map(({ args }) => args[1]), nbls, 'what came back to the host');
    areSame(nbls.map(({ status }) => status), STATUSES, 'statuses that came back to the host');
  },
};
