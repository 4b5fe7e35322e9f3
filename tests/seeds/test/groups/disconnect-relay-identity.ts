import { WITH_INTERMEDIATES, type Group } from '../group.ts';
import { checkInstances } from './instances.ts';

export const disconnectRelayIdentity: Group = {
  id: 'DSC-IM-IDENTITY',
  seeds: ['S4.10'],
  rules: ['CHIM-IM-010'],
  says: 'an intermediate driver with two instances passes a disconnect completion on with the miniport handle of the instance that was called back',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build({ nics: 2 });
    const nbls = world.connections.map((connection) => world.host.disconnect(connection));
    for (const nbl of [...nbls].reverse()) world.completeDisconnect(nbl);
    checkInstances(world, 'NdisOffloadTcpDisconnect', 'NdisTcpOffloadDisconnectComplete', 'ProtocolTcpOffloadDisconnectComplete');
  },
};
