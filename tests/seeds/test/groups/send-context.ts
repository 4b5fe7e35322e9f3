import { ANY_DEPTH, type Group } from '../group.ts';
import { checkContexts } from './contexts.ts';

export const sendContext: Group = {
  id: 'SND-CONTEXT',
  seeds: ['S1.4', 'S1.5', 'S1.6', 'S1.17'],
  rules: ['CHIM-NBL-002'],
  says: 'ProtocolTcpOffloadSendComplete gets the very ProtocolBindingContext that the driver gave to NdisOpenAdapterEx for the binding of the send',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ bindings: 2 });
    for (const connection of world.connections) {
      world.host.send(connection, 'data');
      world.completeSends();
    }
    checkContexts(world, 'NdisOffloadTcpSend', 'ProtocolTcpOffloadSendComplete', 1);
  },
};
