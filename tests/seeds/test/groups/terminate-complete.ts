import { areSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const terminateComplete: Group = {
  id: 'TRM-COMPLETE',
  seeds: ['S3.2', 'S3.3', 'S3.11'],
  rules: ['CHIM-TRM-017'],
  says: 'every NdisMTerminateOffloadComplete, and nothing else, makes NDIS call ProtocolTerminateOffloadComplete of the driver above, once, for a terminate that driver started',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 2 });
    const { host, journal } = world;
    const roots = world.connections.map((connection) => host.connections(connection));
    for (const root of roots) world.connection.binding.terminateOffload(root);
    world.settle();
    for (const driver of world.uppers) {
      areSame(journal.madeBy(driver, 'NdisTerminateOffload').map(({ args }) => args[0]), roots, `terminates that ${driver} started`);
      areSame(journal.receivedBy(driver, 'ProtocolTerminateOffloadComplete'), [], `callbacks of ${driver} before any completion`);
    }
    const completed: object[] = [];
    for (const root of [...roots].reverse()) {
      world.completeTerminate(root);
      completed.push(root);
      for (const driver of world.uppers) {
        const callbacks = journal.receivedBy(driver, 'ProtocolTerminateOffloadComplete');
        areSame(callbacks.map(({ args }) => args[1]), completed, `what ${driver} got back`);
        const completions = journal.madeBy(world.below(driver), 'NdisMTerminateOffloadComplete');
        areSame(callbacks.map(({ within }) => within), completions, `the calls of ${world.below(driver)} in response to which ${driver} was called back`);
      }
    }
  },
};
