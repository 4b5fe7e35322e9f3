import { areSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const sendComplete: Group = {
  id: 'SND-COMPLETE',
  seeds: ['S1.2', 'S1.3', 'S1.11', 'S1.12', 'S1.16', 'S2.16'],
  rules: ['CHIM-SND-012'],
  says: 'every NdisTcpOffloadSendComplete, and nothing else, makes NDIS call ProtocolTcpOffloadSendComplete of the driver above, once, for sends that driver started',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal, target } = world;
    const sends = [host.send(world.connection, 'one'), host.send(world.connection, 'two')];
    world.settle();
    for (const driver of world.uppers) {
      const started = journal.madeBy(driver, 'NdisOffloadTcpSend').map(({ args }) => args[1]);
      areSame(started, sends, `sends that ${driver} started`);
      areSame(journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete'), [], `callbacks of ${driver} before any completion`);
    }
    world.inOneDpc(() => {
      target.completeSends(1);
      target.completeSends(1);
    });
    for (const driver of world.uppers) {
      const callbacks = journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete');
      areSame(callbacks.map(({ args }) => args[1]), sends, `what ${driver} got back`);
      const completions = journal.madeBy(world.below(driver), 'NdisTcpOffloadSendComplete');
      areSame(callbacks.map(({ within }) => within), completions, `the calls of ${world.below(driver)} in response to which ${driver} was called back`);
    }
  },
};
