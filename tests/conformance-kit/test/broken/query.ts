import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  TCP_OFFLOAD_EVENT_TYPE,
  TcpOffloadStateConst,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { eachQueried, eachSendComplete } from './send-taps.ts';
import { changingBlocks, completing, layer, layerOf } from './tree-taps.ts';

const tcpOf = (block: MiniportOffloadBlockList): TcpOffloadState | null => (layerOf(block) === 'tcp' ? (block.state as TcpOffloadState | null) : null);

/** Answers queries with the state of connections changed. */
function answering(change: (state: TcpOffloadState) => void): Broken['taps'] {
  return () =>
    changingBlocks('query', (block) => {
      const state = tcpOf(block);
      if (state !== null) change(state);
    });
}

export const brokenQuery: readonly Broken[] = [
  {
    does: 'reports the scale of its own window for that of the peer\'s',
    fails: 'target-query-connection',
    says: /constant state of a connection/,
    taps: answering(({ const: constant }) => {
      if (constant !== null) constant.sndWindScale = constant.rcvWindScale;
    }),
  },
  {
    does: 'keeps 16 bits of the flow label',
    fails: 'target-query-connection',
    says: /cached state of a connection/,
    taps: answering(({ cached }) => {
      if (cached !== null) cached.flowLabel &= 0xFFFF;
    }),
  },
  {
    does: 'forgets the slow-start threshold',
    fails: 'target-query-connection',
    says: /delegated state of a connection/,
    taps: answering(({ delegated }) => {
      if (delegated !== null) delegated.ssThresh = 65_536;
    }),
  },
  {
    does: 'reports timers as running that are not',
    fails: 'target-query-connection',
    says: /delegated state of a connection.*timers/,
    taps: answering(({ delegated }) => {
      if (delegated !== null) delegated.keepAlive.timeoutDelta = 0;
    }),
  },
  {
    does: 'answers for the first neighbor of a tree in every other',
    fails: 'target-query-tree',
    says: /state of a neighbor/,
    taps: () =>
      completing('query', (next, tree) => {
        const [first, ...others] = layer(tree, 'neighbor').map(({ state }) => (state as NeighborOffloadState | null)?.cached ?? null);
        if (first != null) for (const other of others) other?.copyFrom(first);
        next(tree);
      }),
  },
  {
    does: 'mixes up the ends of a path',
    fails: 'target-query-tree',
    says: /state of a path/,
    taps: () =>
      changingBlocks('query', (block) => {
        const constant = layerOf(block) === 'path' ? (block.state as PathOffloadState | null)?.const : null;
        if (constant != null) [constant.sourceAddress, constant.destinationAddress] = [constant.destinationAddress, constant.sourceAddress];
      }),
  },
  {
    does: 'answers queries of delegated state with constant state too',
    fails: 'target-query-parts',
    says: /structures behind a block after a query/,
    taps: answering((state) => {
      state.const ??= new TcpOffloadStateConst();
    }),
  },
  {
    does: 'leaves cached state empty that is asked for alone',
    fails: 'target-query-parts',
    says: /cached state that was asked for alone/,
    taps: () =>
      changingBlocks('query', (block) => {
        const state = block.state as PathOffloadState | null;
        if (layerOf(block) === 'path' && state !== null && state.const === null && state.cached !== null) state.cached.pathMtu = 0;
      }),
  },
  {
    does: 'fails blocks of a query that nothing follows',
    fails: 'target-query-references',
    says: /of a query ended with NDIS_STATUS_FAILURE/,
    taps: () =>
      changingBlocks('query', (block) => {
        if (block.state === null) block.status = NDIS_STATUS_FAILURE;
      }),
  },
  {
    does: 'makes structures behind blocks that nothing follows',
    fails: 'target-query-references',
    says: /made structures behind blocks that had none/,
    taps: () =>
      changingBlocks('query', (block) => {
        block.state ??= new OffloadBlockState(null, null, null);
      }),
  },
  {
    does: 'answers one of several queries that are under way',
    fails: 'target-query-overlapping',
    says: /completion of query did not come/,
    taps: () => {
      let isBusy = false;
      return {
        miniportQueryOffload: (next, context, tree) => {
          if (isBusy) return;
          isBusy = true;
          next(context, tree);
        },
        ...completing('query', (next, tree) => {
          isBusy = false;
          next(tree);
        }),
      };
    },
  },
  {
    does: 'counts queries in what it reports',
    fails: 'target-query-overlapping',
    says: /what three queries of one connection gave/,
    taps: () => {
      let count = 0;
      return eachQueried((delegated) => {
        delegated.totalRT = count++;
      });
    },
  },
  {
    does: 'reports as unacknowledged what it has completed',
    fails: 'target-query-send-side',
    says: /SndUna is \d+ bytes on|of sends that are pending 3996 bytes are acknowledged/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.sndUna = (delegated.sndUna - 100) | 0;
      }),
  },
  {
    does: 'reports a SndMax behind SndNxt',
    fails: 'target-query-send-side',
    says: /SndUna, SndNxt and SndMax are/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.sndMax = (delegated.sndUna - 1) | 0;
      }),
  },
  {
    does: 'stops completing sends when it is queried',
    fails: 'target-query-send-side',
    says: /completion of sends after queries/,
    taps: () => {
      let isQueried = false;
      const kept: unknown[] = [];
      return {
        miniportQueryOffload: (next, context, tree) => {
          isQueried = true;
          next(context, tree);
        },
        tcpOffloadSendComplete: (next, list) => {
          if (isQueried) kept.push(list);
          else next(list);
        },
      };
    },
  },
  {
    does: 'counts received bytes without those that were indicated in vain',
    fails: 'target-query-receive-side',
    says: /ReceiveBacklogSize is 0 while 700 bytes are held/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.receiveBacklogSize = 0;
      }),
  },
  {
    does: 'reports RcvNxt in front of what it holds',
    fails: 'target-query-receive-side',
    says: /bytes between RcvNxt and the first one/,
    taps: () =>
      eachQueried((delegated) => {
        if (delegated.receiveBacklogSize > 0) delegated.rcvNxt = (delegated.rcvNxt - delegated.receiveBacklogSize) | 0;
      }),
  },
  {
    does: 'counts what is posted in SendBacklogSize',
    fails: 'target-query-send-backlog',
    says: /SendBacklogSize while two sends are posted/,
    taps: () => {
      let posted = 0;
      return {
        miniportTcpOffloadSend: (next, ...args) => {
          posted++;
          return next(...args);
        },
        ...eachSendComplete(() => undefined),
        ...eachQueried((delegated) => {
          delegated.sendBacklogSize = posted;
        }),
      };
    },
  },
  {
    does: 'reports the age of a neighbor as it was handed over',
    fails: 'target-query-neighbor-age',
    says: /NicReachabilityDelta has grown by 0 ticks in 700 ms/,
    taps: () =>
      changingBlocks('query', (block) => {
        const delegated = layerOf(block) === 'neighbor' ? (block.state as NeighborOffloadState | null)?.delegated : null;
        if (delegated != null) delegated.nicReachabilityDelta = 5000;
      }),
  },
  {
    does: 'answers for a connection that it has lost',
    fails: 'target-query-hardware-failure',
    says: /statuses of a query of one connection that is sound/,
    taps: () =>
      changingBlocks('query', (block) => {
        block.status = NDIS_STATUS_SUCCESS;
      }),
    subject: sinkSubject,
  },
  {
    does: 'answers another query of a connection that it has lost',
    fails: 'target-query-hardware-failure',
    says: /status of another query/,
    taps: () =>
      changingBlocks('query', (block) => {
        if (block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState) block.status = NDIS_STATUS_SUCCESS;
      }),
    subject: sinkSubject,
  },
  {
    does: 'tells of an abort before it tells why',
    fails: 'target-query-hardware-failure',
    says: /events after a query that failed/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        const { TcpIndicateAbort, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;
        if (eventType === TcpIndicateRetrieve) next(handle, TcpIndicateAbort, 0);
        else next(handle, TcpIndicateRetrieve, information);
      },
    }),
    subject: sinkSubject,
  },
  {
    does: 'completes the sends of a connection that it has lost with FAILURE',
    fails: 'target-query-hardware-failure',
    says: /statuses of two sends and two receives/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.status = NDIS_STATUS_FAILURE;
      }),
    subject: sinkSubject,
  },
];
