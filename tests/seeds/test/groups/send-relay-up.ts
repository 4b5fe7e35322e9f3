import { NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS } from '@ndis-chimney/types';

import { areSame, isSame } from '../check.ts';
import { WITH_INTERMEDIATES, type Group } from '../group.ts';

const STATUSES = [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED];

export const sendRelayUp: Group = {
  id: 'SND-IM-COMPLETES',
  seeds: ['S1.13', 'S2.17'],
  rules: ['CHIM-IM-009'],
  says: 'an intermediate driver answers each ProtocolTcpOffloadSendComplete with one NdisTcpOffloadSendComplete, whatever the status',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build();
    const { host, journal } = world;
    const arrived: number[] = [];
    journal.onEnter('ProtocolTcpOffloadSendComplete', ({ driver, members }) => {
      if (driver === 'host') arrived.push(...members.map(({ status }) => status));
    });
    for (const status of STATUSES) {
      host.send(world.connection, 'data');
      world.completeSends(1, status);
    }
    for (const driver of world.relays) {
      const callbacks = journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete');
      isSame(callbacks.length, STATUSES.length, `callbacks of ${driver}`);
      const passedOn = journal.madeBy(driver, 'NdisTcpOffloadSendComplete');
      areSame(passedOn.map(({ within }) => within), callbacks, `callbacks in which ${driver} passed a completion on`);
    }
    areSame(arrived, STATUSES, 'statuses that arrived at the host');
  },
};
