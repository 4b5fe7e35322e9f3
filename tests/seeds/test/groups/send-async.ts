import { isSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const sendAsync: Group = {
  id: 'SND-ASYNC',
  seeds: ['S2.12'],
  rules: ['CHIM-SND-001'],
  says: 'a send completes after NdisOffloadTcpSend has returned, however fast the target is',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal, target } = world;
    target.isAutomatic = true;
    host.send(world.connection, 'data');
    for (const driver of world.uppers) {
      isSame(journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete').length, 0, `callbacks of ${driver} when the call has just returned`);
    }
    world.settle();
    for (const driver of world.uppers) {
      isSame(journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete').length, 1, `callbacks of ${driver} in the end`);
    }
  },
};
