import { WITH_INTERMEDIATES, type Group } from '../group.ts';
import { checkInstances } from './instances.ts';

export const sendRelayIdentity: Group = {
  id: 'SND-IM-IDENTITY',
  seeds: ['S1.14'],
  rules: ['CHIM-IM-010'],
  says: 'an intermediate driver with two instances passes a send completion on with the miniport handle of the instance that was called back',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build({ nics: 2 });
    for (const connection of world.connections) world.host.send(connection, 'data');
    for (const target of [...world.targets].reverse()) {
      world.inOneDpc(() => {
        target.completeSends();
      });
    }
    checkInstances(world, 'NdisOffloadTcpSend', 'NdisTcpOffloadSendComplete', 'ProtocolTcpOffloadSendComplete');
  },
};
