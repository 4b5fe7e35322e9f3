import { TCP_DISCONNECT_ABORTIVE_CLOSE } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import type { Faults } from '../world/faults.ts';

export const disconnectNbl: readonly Mutant[] = [
  {
    group: 'DSC-NBL',
    party: 'NDIS',
    does: 'delivers NULL for an abortive disconnect',
    createFaults(): Faults {
      const abortive = new Set<unknown>();
      return {
        providerTcp: (next) => ({
          miniportTcpOffloadDisconnect(adapterContext, offloadContext, nbl, flags) {
            if (flags === TCP_DISCONNECT_ABORTIVE_CLOSE) abortive.add(nbl);
            return next.miniportTcpOffloadDisconnect(adapterContext, offloadContext, nbl, flags);
          },
        }),
        clientTcp: (next) => ({
          protocolTcpOffloadDisconnectComplete(context, nbl) {
            next.protocolTcpOffloadDisconnectComplete(context, abortive.has(nbl) ? null : nbl);
          },
        }),
      };
    },
  },
];
