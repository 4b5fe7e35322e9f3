import { membersOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_FAILURE, type NdisTcpOffloadEventHandlers, type NetBufferList } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { eachSendComplete, eachTerminated, rearrangedSendComplete } from './send-taps.ts';

export const brokenNetBufferLists: readonly Broken[] = [
  {
    does: 'completes disconnects as sends',
    fails: 'target-nbl-once',
    says: /the completion of sends, forwarded segments and disconnects did not come/,
    taps: () => {
      let handlers: NdisTcpOffloadEventHandlers | null = null;
      return {
        getOffloadHandlers: (next, type) => {
          const result = next(type);
          handlers = result.offloadHandlers;
          return result;
        },
        tcpOffloadDisconnectComplete: (_next, nbl) => handlers?.tcpOffloadSendComplete(nbl),
      };
    },
  },
  {
    does: 'completes a send twice',
    fails: 'target-nbl-once',
    says: /CHIM-NBL-001/,
    taps: () => ({
      tcpOffloadSendComplete: (next, list) => {
        const nbls = membersOf(list);
        next(list);
        const [first] = nbls;
        if (first !== undefined) {
          first.next = null;
          next(first);
        }
      },
    }),
  },
  {
    does: 'writes the status of an NBL when the completion has returned',
    fails: 'target-nbl-released',
    says: /an NBL that was completed before, when five requests are completed/,
    taps: () => ({
      tcpOffloadSendComplete: (next, list) => {
        next(list);
        list.status = NDIS_STATUS_FAILURE;
      },
    }),
  },
  {
    does: 'clears its own members of NBLs when the connection is taken back',
    fails: 'target-nbl-released',
    says: /an NBL that was completed before, after the terminate/,
    taps: () => {
      const completed: NetBufferList[] = [];
      return {
        ...eachSendComplete((nbl) => {
          completed.push(nbl);
        }),
        ...eachTerminated(() => {
          for (const nbl of completed) nbl.miniportReserved0 = null;
        }),
      };
    },
  },
  {
    does: 'writes into the memory of a receive request that was completed',
    fails: 'target-nbl-released',
    says: /an NBL that was completed before, after more traffic/,
    taps: () => {
      let earlier: NetBufferList | null = null;
      return {
        tcpOffloadReceiveComplete: (next, list) => {
          earlier?.firstNetBuffer?.mdlChain?.buffer.fill(1);
          next(list);
          earlier = list;
        },
      };
    },
  },
  {
    does: 'keeps its place in a member that is the host\'s',
    fails: 'target-nbl-reserved',
    says: /what NBLs hold that is not the target's, after they were completed/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.protocolReserved2 = null;
      }),
  },
  {
    does: 'keeps its place in a NET_BUFFER member that is the host\'s',
    fails: 'target-nbl-reserved',
    says: /what NBLs hold that is not the target's, after they were completed/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.firstNetBuffer?.next != null) nbl.firstNetBuffer.next.protocolReserved5 = 0;
      }),
  },
  {
    does: 'writes over the info of an NBL that it gives back in a chain',
    fails: 'target-nbl-reserved',
    says: /what an NBL holds that is not the target's, after a terminate gave it back/,
    taps: () =>
      eachTerminated((_delegated, block) => {
        for (const nbl of membersOf(block.netBufferListChain)) nbl.clearInfo();
      }),
  },
  {
    does: 'does not complete sends until it has to',
    fails: 'target-nbl-in-time',
    says: /completion of three sends whose peer answers did not come within 30000 ms/,
    taps: () => rearrangedSendComplete(() => []),
  },
];
