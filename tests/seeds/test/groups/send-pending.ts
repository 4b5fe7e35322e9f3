import { NDIS_STATUS_FAILURE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { isSame, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

/** What the target's MiniportTcpOffloadSend returns; only the first is allowed to it. */
const RETURNED = [NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE];

export const sendPending: Group = {
  id: 'SND-PENDING',
  seeds: ['S2.11'],
  rules: ['CHIM-SND-001'],
  says: 'NdisOffloadTcpSend returns NDIS_STATUS_PENDING, whatever the driver below returned, and the send ends in a completion',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal, target } = world;
    for (const status of RETURNED) {
      journal.clear();
      target.calls.on('miniportTcpOffloadSend', () => status);
      const nbl = host.send(world.connection, 'data');
      for (const driver of world.uppers) {
        isSame(only(journal.madeBy(driver, 'NdisOffloadTcpSend'), `sends by ${driver}`).result, NDIS_STATUS_PENDING, `what ${driver} was answered`);
      }
      world.completeSends();
      isSame(only(journal.receivedBy('host', 'ProtocolTcpOffloadSendComplete'), 'callbacks of the host').args[1], nbl, 'what came back to the host');
      // It is the target that was wrong, and nobody else.
      world.expectViolations('CHIM-SND-001', 'target', status === NDIS_STATUS_PENDING ? 0 : 1);
    }
  },
};
