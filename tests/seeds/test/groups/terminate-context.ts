import { ANY_DEPTH, type Group } from '../group.ts';
import { checkContexts } from './contexts.ts';

export const terminateContext: Group = {
  id: 'TRM-CONTEXT',
  seeds: ['S3.4', 'S3.5', 'S3.6'],
  rules: ['CHIM-TRM-018'],
  says: 'ProtocolTerminateOffloadComplete gets the very ProtocolBindingContext that the driver gave to NdisOpenAdapterEx for the binding of the terminate',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ bindings: 2 });
    for (const connection of world.connections) {
      const root = world.host.connections(connection);
      connection.binding.terminateOffload(root);
      world.completeTerminate(root);
    }
    checkContexts(world, 'NdisTerminateOffload', 'ProtocolTerminateOffloadComplete', 0);
  },
};
