import type { PassThroughAdapter } from '@ndis-chimney/intermediate';
import type { NdisBinding, NdisMiniport, NetBufferList } from '@ndis-chimney/types';
import type { ProbeBinding } from '@ndis-chimney/kit';

import { isSame, isTrue, only } from '../check.ts';
import { WITH_INTERMEDIATES, type Group } from '../group.ts';
import { MuxDriver } from '../world/mux-driver.ts';

export const disconnectEdges: Group = {
  id: 'DSC-EDGES',
  seeds: ['S4.14', 'S4.15'],
  rules: ['CHIM-IM-012'],
  says: 'an intermediate driver with two interfaces completes each disconnect on the one that made it, which it knows from the context on the NET_BUFFER_LIST',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build({ hasMux: true, connections: 2 });
    const { host, journal } = world;
    const mux = world.intermediates.find((driver) => driver instanceof MuxDriver);
    const [u1, u2, v1, v2] = world.connections;
    isTrue(mux !== undefined && u1 !== undefined && u2 !== undefined && v1 !== undefined && v2 !== undefined, 'there are not two interfaces with two connections each');
    const remembered = new Map<unknown, string>();
    journal.onEnter('ProtocolTcpOffloadDisconnectComplete', ({ driver, args }) => {
      const { context } = args[1] as NetBufferList;
      if (driver === mux.name && context?.owner === mux) remembered.set(args[1], (context.upperEdge as PassThroughAdapter).name);
    });
    // The requests of the two interfaces alternate, and so do their completions.
    const nbls = [u1, v1, u2, v2].map((connection) => host.disconnect(connection));
    for (const nbl of nbls) world.completeDisconnect(nbl);
    for (const nbl of nbls) {
      const isIt = ({ args }: { readonly args: readonly unknown[] }): boolean => args.includes(nbl);
      const [requester] = only(journal.receivedBy(mux.name, 'MiniportTcpOffloadDisconnect').filter(isIt), 'disconnects that reached the driver').args;
      const { name } = requester as PassThroughAdapter;
      isSame(remembered.get(nbl), name, 'interface in the context that the driver found on the NBL');
      const { on } = only(journal.madeBy(mux.name, 'NdisTcpOffloadDisconnectComplete').filter(isIt), 'completions by the driver');
      isSame((on as NdisMiniport).name, name, 'interface on which a disconnect was completed');
      const request = only(journal.madeBy('host', 'NdisOffloadTcpDisconnect').filter(isIt), 'requests of the host');
      const callback = only(journal.receivedBy('host', 'ProtocolTcpOffloadDisconnectComplete').filter(isIt), 'callbacks of the host');
      isSame((callback.args[0] as ProbeBinding).parameters.adapterName, (request.on as NdisBinding).adapterName, 'adapter over which a disconnect came back');
    }
  },
};
