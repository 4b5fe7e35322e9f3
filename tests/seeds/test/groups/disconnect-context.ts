import { ANY_DEPTH, type Group } from '../group.ts';
import { checkContexts } from './contexts.ts';

export const disconnectContext: Group = {
  id: 'DSC-CONTEXT',
  seeds: ['S4.4', 'S4.12'],
  rules: ['CHIM-NBL-002'],
  says: 'ProtocolTcpOffloadDisconnectComplete gets the very ProtocolBindingContext that the driver gave to NdisOpenAdapterEx for the binding of the disconnect',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ bindings: 2 });
    for (const connection of world.connections) world.completeDisconnect(world.host.disconnect(connection));
    checkContexts(world, 'NdisOffloadTcpDisconnect', 'ProtocolTcpOffloadDisconnectComplete', 1);
  },
};
