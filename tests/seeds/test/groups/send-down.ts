import { membersOf } from '@ndis-chimney/kit';

import { areSame, isSame, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const sendDown: Group = {
  id: 'SND-DOWN',
  seeds: ['S2.5', 'S2.13', 'S2.15'],
  rules: ['CHIM-IM-008'],
  says: 'a send, stand-alone or a list, goes down as it is: an intermediate driver answers MiniportTcpOffloadSend with one NdisOffloadTcpSend of the same NET_BUFFER_LIST pointer',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal } = world;
    for (const contents of [['alone'], ['one', 'two', 'three']]) {
      journal.clear();
      const head = host.send(world.connection, ...contents);
      const members = membersOf(head);
      for (const driver of world.uppers) {
        const call = only(journal.madeBy(driver, 'NdisOffloadTcpSend'), `sends by ${driver}`);
        isSame(call.args[1], head, `head of the list that ${driver} sent`);
        areSame(call.members, members, `list that ${driver} sent`);
        const lower = world.below(driver);
        const entry = only(journal.receivedBy(lower, 'MiniportTcpOffloadSend'), `sends that reached ${lower}`);
        isSame(entry.args[2], head, `head of the list that reached ${lower}`);
        areSame(entry.members, members, `list that reached ${lower}`);
        isSame(entry.within, call, `call in response to which ${lower} was called`);
        if (driver !== 'host') isSame(call.within, only(journal.receivedBy(driver, 'MiniportTcpOffloadSend'), `sends that reached ${driver}`), `call in which ${driver} passed the send on`);
      }
      world.completeSends();
    }
  },
};
