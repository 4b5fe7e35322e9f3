import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type NDIS_STATUS } from '@ndis-chimney/types';

import { areSame, isSame, only } from '../check.ts';
import { WITH_INTERMEDIATES, type Group } from '../group.ts';

/** A terminate that fails is followed by another one. */
const STATUSES: readonly NDIS_STATUS[] = [NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS];

export const terminateRelayUp: Group = {
  id: 'TRM-IM-COMPLETES',
  seeds: ['S3.12'],
  rules: ['CHIM-IM-002'],
  says: 'an intermediate driver answers each ProtocolTerminateOffloadComplete with one NdisMTerminateOffloadComplete, whatever the status',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build();
    const { host, journal } = world;
    for (const status of STATUSES) {
      journal.clear();
      const root = host.connections(world.connection);
      world.connection.binding.terminateOffload(root);
      world.completeTerminate(root, new Map([[root, status]]));
      for (const driver of world.relays) {
        const callback = only(journal.receivedBy(driver, 'ProtocolTerminateOffloadComplete'), `callbacks of ${driver}`);
        areSame(journal.madeBy(driver, 'NdisMTerminateOffloadComplete').map(({ within }) => within), [callback], `callbacks in which ${driver} passed the completion on`);
      }
      isSame(only(journal.receivedBy('host', 'ProtocolTerminateOffloadComplete'), 'callbacks of the host').args[1], root, 'what came back to the host');
      isSame(root.status, status, 'status that came back to the host');
    }
  },
};
