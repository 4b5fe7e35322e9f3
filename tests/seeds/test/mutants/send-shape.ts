import { membersOf } from '@ndis-chimney/kit';
import type { NetBuffer, NetBufferList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import type { Faults } from '../world/faults.ts';

export const sendShape: readonly Mutant[] = [
  {
    group: 'SND-SHAPE',
    party: 'NDIS',
    does: 'hands down only the first NET_BUFFER of each NET_BUFFER_LIST, and links the others again when it completes',
    createFaults(): Faults {
      const cutOff = new Map<NetBufferList, NetBuffer>();
      return {
        providerTcp: (next) => ({
          miniportTcpOffloadSend(adapterContext, offloadContext, list) {
            for (const nbl of membersOf(list)) {
              const others = nbl.firstNetBuffer?.next ?? null;
              if (nbl.firstNetBuffer === null || others === null) continue;
              cutOff.set(nbl, others);
              nbl.firstNetBuffer.next = null;
            }
            return next.miniportTcpOffloadSend(adapterContext, offloadContext, list);
          },
        }),
        clientTcp: (next) => ({
          protocolTcpOffloadSendComplete(context, list) {
            for (const nbl of membersOf(list)) {
              if (nbl.firstNetBuffer !== null) nbl.firstNetBuffer.next = cutOff.get(nbl) ?? null;
            }
            next.protocolTcpOffloadSendComplete(context, list);
          },
        }),
      };
    },
  },
  {
    group: 'SND-SHAPE',
    party: 'NDIS',
    does: 'hands down NET_BUFFERs whose data begins where their MDL does',
    createFaults: () => ({
      providerTcp: (next) => ({
        miniportTcpOffloadSend(adapterContext, offloadContext, list) {
          for (const { firstNetBuffer } of membersOf(list)) firstNetBuffer?.describe(firstNetBuffer.mdlChain, 0, firstNetBuffer.dataLength);
          return next.miniportTcpOffloadSend(adapterContext, offloadContext, list);
        },
      }),
    }),
  },
];
