import { NDIS_STATUS_PENDING, type NDIS_STATUS } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import type { Faults } from '../world/faults.ts';
import { wrapMethod } from '../world/interpose.ts';

export const sendPending: readonly Mutant[] = [
  {
    group: 'SND-PENDING',
    party: 'NDIS',
    does: 'returns from NdisOffloadTcpSend what the driver below returned',
    createFaults(): Faults {
      let returned: NDIS_STATUS = NDIS_STATUS_PENDING;
      return {
        providerTcp: (next) => ({
          miniportTcpOffloadSend(adapterContext, offloadContext, list) {
            returned = next.miniportTcpOffloadSend(adapterContext, offloadContext, list);
            return returned;
          },
        }),
        binding(binding) {
          for (const method of ['offloadTcpSend', 'relayTcpSend']) {
            wrapMethod(binding, method, (args, proceed) => {
              proceed(...args);
              return returned;
            });
          }
        },
      };
    },
  },
];
