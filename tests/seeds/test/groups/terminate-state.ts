import { blocksOf } from '@ndis-chimney/kit';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { areSame, isSame, isTrue } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const terminateState: Group = {
  id: 'TRM-STATE',
  seeds: ['S3.9'],
  rules: ['CHIM-TRM-019'],
  says: 'the block list names every object whose terminate was attempted, with the status of each as the target wrote it',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 3 });
    const root = world.host.connections(...world.connections);
    const [first, failing, last] = blocksOf(root);
    isTrue(first !== undefined && failing !== undefined && last !== undefined, 'there are not three blocks');
    const seen = new Map<string, NDIS_STATUS[]>();
    world.journal.onEnter('ProtocolTerminateOffloadComplete', ({ driver, args }) => {
      seen.set(driver, blocksOf(args[1] as ProtocolOffloadBlockList).map(({ status }) => status));
    });
    world.connection.binding.terminateOffload(root);
    world.completeTerminate(root, new Map([[failing, NDIS_STATUS_FAILURE]]));
    for (const driver of world.uppers) {
      areSame(seen.get(driver) ?? [], [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS], `statuses that ${driver} saw`);
    }
    areSame(blocksOf(root).map(({ offloadHandle }) => offloadHandle), world.connections, 'objects that the host got back');
    // What failed is not gone: it has to be terminated again.
    areSame(world.connections.map(({ state }) => state), ['dead', 'lost', 'dead'], 'states of the connections');
    isSame(first.nextBlock, failing, 'block after the first');
  },
};
