import { blocksOf, link, membersOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, netBufferListDataLength, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';

import type { Broken } from './broken-target.ts';
import { eachInitiated, eachQueried, eachTerminated, rearrangedSendComplete } from './send-taps.ts';

export const brokenState: readonly Broken[] = [
  {
    does: 'says that an update has succeeded, and does nothing',
    fails: 'target-state-life-cycle',
    says: /TtlOrHopLimit and State of an object that is invalid/,
    taps: () =>
      eachStateQueried(({ cached }) => {
        if (cached !== null) cached.ttlOrHopLimit = 64;
      }),
  },
  {
    does: 'closes a connection that is made invalid',
    fails: 'target-state-life-cycle',
    says: /TtlOrHopLimit and State of an object that is invalid/,
    taps: () => {
      let isInvalid = false;
      return {
        miniportInvalidateOffload: (next, context, tree) => {
          isInvalid = true;
          next(context, tree);
        },
        ...eachQueried((delegated) => {
          if (isInvalid) delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed;
        }),
      };
    },
  },
  {
    does: 'forgets what is pending on a connection that is invalid',
    fails: 'target-state-invalid-goes-back',
    says: /sends that were completed, and then those in the chain of a terminate/,
    taps: () => ({
      ...eachTerminated((_delegated, block) => {
        block.netBufferListChain = null;
      }),
      ...rearrangedSendComplete((nbls) => nbls.filter(({ status }) => status === NDIS_STATUS_SUCCESS)),
    }),
  },
  {
    does: 'forgets what it received on a connection that is invalid',
    fails: 'target-state-invalid-goes-back',
    says: /what the host got, and then BufferedData/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.bufferedData = null;
      }),
  },
  {
    does: 'adapts the host\'s receive window to the traffic',
    fails: 'target-state-not-changed',
    says: /cached values after traffic both ways/,
    taps: () => {
      let hasReceived = false;
      return {
        tcpOffloadReceiveHandler: (next, ...args) => {
          hasReceived = true;
          return next(...args);
        },
        ...eachStateQueried(({ cached }) => {
          if (hasReceived && cached !== null) cached.initialRcvWnd *= 2;
        }),
      };
    },
  },
  {
    does: 'lowers the segment size on its own',
    fails: 'target-state-not-changed',
    says: /constant values of an idle connection/,
    taps: () =>
      eachStateQueried((state) => {
        if (state.const !== null) state.const.remoteMss = 536;
      }),
  },
  {
    does: 'changes all cached values when one is updated',
    fails: 'target-state-not-changed',
    says: /cached values after an update of one/,
    taps: () => {
      let isUpdated = false;
      return {
        miniportUpdateOffload: (next, context, tree) => {
          isUpdated = true;
          next(context, tree);
        },
        ...eachStateQueried(({ cached }) => {
          if (isUpdated && cached !== null) cached.maxRT = 0;
        }),
      };
    },
  },
  {
    does: 'forgets the numbers of a connection that is over',
    fails: 'target-state-kept',
    says: /numbers acknowledged, as a query says after an RST of its peer/,
    taps: () =>
      eachQueried((delegated) => {
        if (delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed) delegated.sndUna = 0;
      }),
  },
  {
    does: 'offers what the host refused without what the host has taken of it and what follows the next byte',
    fails: 'target-state-received-stream',
    says: /all that the far end sent did not come|what the host got, and then BufferedData/,
    taps: () => ({
      tcpOffloadReceiveHandler: (next, handle, nbl, status, consumed) => {
        const result = next(handle, nbl, status, consumed);
        if (result !== NDIS_STATUS_SUCCESS && consumed.value > 0 && consumed.value < netBufferListDataLength(nbl) - 1) consumed.value++;
        return result;
      },
    }),
  },
  {
    does: 'sends again in a second life what was acknowledged in the first',
    fails: 'target-state-streams-across-lives',
    says: /the far end got in all lives|bytes at the far end|an initiate that nothing speaks against/,
    taps: () =>
      eachInitiated((_delegated, block) => {
        const nbls: NetBufferList[] = membersOf(block.netBufferListChain);
        if (nbls.length > 1) block.netBufferListChain = link(nbls.reverse());
      }),
  },
  {
    does: 'loses BufferedData when a connection comes back',
    fails: 'target-state-streams-across-lives',
    says: /what the host got in all lives of a connection|all that the far end sent did not come/,
    taps: () =>
      eachInitiated((delegated) => {
        delegated.bufferedData = null;
      }),
  },
];

/** Answers queries with something changed about the three states of a connection. */
function eachStateQueried(change: (state: TcpOffloadState) => void): MiniportTaps {
  return {
    queryOffloadStateComplete: (next, tree) => {
      for (const block of blocksOf(tree)) {
        const state = block.state as TcpOffloadState | null;
        if (state !== null) change(state);
      }
      next(tree);
    },
  };
}
