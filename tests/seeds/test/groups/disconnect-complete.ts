import { areSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const disconnectComplete: Group = {
  id: 'DSC-COMPLETE',
  seeds: ['S4.2', 'S4.3', 'S4.7', 'S4.8'],
  rules: ['CHIM-DSC-014'],
  says: 'every NdisTcpOffloadDisconnectComplete, and nothing else, makes NDIS call ProtocolTcpOffloadDisconnectComplete of the driver above, once, for a disconnect that driver started',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 2 });
    const { host, journal } = world;
    const nbls = world.connections.map((connection) => host.disconnect(connection));
    world.settle();
    for (const driver of world.uppers) {
      areSame(journal.madeBy(driver, 'NdisOffloadTcpDisconnect').map(({ args }) => args[1]), nbls, `disconnects that ${driver} started`);
      areSame(journal.receivedBy(driver, 'ProtocolTcpOffloadDisconnectComplete'), [], `callbacks of ${driver} before any completion`);
    }
    const completed: object[] = [];
    for (const nbl of [...nbls].reverse()) {
      world.completeDisconnect(nbl);
      completed.push(nbl);
      for (const driver of world.uppers) {
        const callbacks = journal.receivedBy(driver, 'ProtocolTcpOffloadDisconnectComplete');
        areSame(callbacks.map(({ args }) => args[1]), completed, `what ${driver} got back`);
        const completions = journal.madeBy(world.below(driver), 'NdisTcpOffloadDisconnectComplete');
        areSame(callbacks.map(({ within }) => within), completions, `the calls of ${world.below(driver)} in response to which ${driver} was called back`);
      }
    }
  },
};
