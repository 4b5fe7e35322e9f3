import { blocksOf, link, membersOf } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TIMEOUT_DELTA_FIRES_NOW,
  type MiniportOffloadBlockList,
  type NdisMiniport,
} from '@ndis-chimney/types';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { eachSendComplete, eachTerminated } from './send-taps.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

export const brokenTerminate: readonly Broken[] = [
  {
    does: 'writes no delegated state',
    fails: 'target-terminate-idle',
    says: /delegated values of an idle connection/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.cWnd = 0;
      }),
  },
  {
    does: 'mixes two delegated values up',
    fails: 'target-terminate-idle',
    says: /delegated values of an idle connection/,
    taps: () =>
      eachTerminated((delegated) => {
        [delegated.sRtt, delegated.rttVar] = [delegated.rttVar, delegated.sRtt];
      }),
  },
  {
    does: 'says of a timer that does not run that it expires at once',
    fails: 'target-terminate-idle',
    says: /TimeoutDelta of timers that do not run/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.keepAlive.timeoutDelta = TIMEOUT_DELTA_FIRES_NOW;
      }),
  },
  {
    does: 'gives back the RcvNxt that it was given',
    fails: 'target-terminate-after-traffic',
    says: /State, SndUna, SndNxt, SndMax and RcvNxt after traffic both ways/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.rcvNxt = (delegated.rcvNxt - 2345) | 0;
      }),
  },
  {
    does: 'says that a retransmission is due when all is acknowledged',
    fails: 'target-terminate-after-traffic',
    says: /TimeoutDelta of the retransmit timer when all is acknowledged/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.retransmit.timeoutDelta = 200;
      }),
  },
  {
    does: 'gives every connection back as ESTABLISHED',
    fails: 'target-terminate-half-closed',
    says: /State, and numbers received, when the peer has closed/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = STATE.TcpConnectionEstablished;
      }),
  },
  {
    does: 'does not count the FIN of the host as sent',
    fails: 'target-terminate-half-closed',
    says: /State, and numbers acknowledged and sent, when the host has closed/,
    taps: () =>
      eachTerminated((delegated) => {
        if (delegated.state === STATE.TcpConnectionFinWait2) delegated.sndMax = (delegated.sndMax - 1) | 0;
      }),
  },
  {
    does: 'gives a connection that was reset back in the state it had',
    fails: 'target-terminate-half-closed',
    says: /State, and numbers acknowledged, when the peer has reset the connection/,
    taps: () =>
      eachTerminated((delegated) => {
        if (delegated.state === STATE.TcpConnectionClosed) delegated.state = STATE.TcpConnectionEstablished;
      }),
  },
  {
    does: 'writes a status into the root of a tree only',
    fails: 'target-terminate-tree',
    says: /the status of each block of a terminate/,
    taps: () => ({
      terminateOffloadComplete: (next, tree) => {
        for (const block of blocksOf(tree)) if (block !== tree) block.status = NDIS_STATUS_FAILURE;
        next(tree);
      },
    }),
  },
  {
    does: 'gives all sends back with the first of several connections',
    fails: 'target-terminate-several',
    says: /sends that were completed, and then those in the chain of a terminate/,
    taps: () => ({
      terminateOffloadComplete: (next, tree) => {
        const blocks = blocksOf(tree).filter(({ netBufferListChain }) => netBufferListChain !== null);
        const all = blocks.flatMap(({ netBufferListChain }) => membersOf(netBufferListChain));
        for (const block of blocks) block.netBufferListChain = null;
        if (blocks[0] !== undefined) blocks[0].netBufferListChain = link(all);
        next(tree);
      },
    }),
  },
  {
    does: 'calls up for a connection that it has given back',
    fails: 'target-terminate-silence',
    says: /callbacks for a connection after its terminate has completed: expected \[\], found \["dataComplete"\]/,
    taps: ({ clock }) => ({
      tcpOffloadReceiveComplete: (next, list) => {
        if (list.status !== NDIS_STATUS_UPLOAD_IN_PROGRESS) {
          next(list);
          return;
        }
        const timerExpired = (): void => {
          next(list);
        };
        clock.createTimer({ timerExpired }).start(1000);
      },
    }),
  },
  {
    does: 'completes a terminate inside of its call',
    fails: 'target-terminate-inside',
    says: /callbacks on the stack when a terminate completed that came from inside a send completion: expected 0, found 1/,
    taps: () => {
      let miniport: NdisMiniport | null = null;
      return {
        miniportInitializeEx: (next, handle, parameters) => {
          miniport = handle;
          return next(handle, parameters);
        },
        miniportTerminateOffload: (_next, _context, tree) => {
          for (const block of blocksOf(tree)) block.status = NDIS_STATUS_SUCCESS;
          miniport?.terminateOffloadComplete(tree);
        },
      };
    },
  },
  {
    does: 'does not free the room of a connection that it gives back',
    fails: 'target-terminate-frees',
    says: /an initiate that nothing speaks against ended with/,
    taps: refusesLater,
  },
  {
    does: 'takes a connection for which it has no room',
    fails: 'target-terminate-frees',
    says: /a connection for which there is no room was answered with/,
    taps: () => ({}),
    subject: {
      create: (environment, wishes) => sinkSubject.create(environment, { ...wishes, connectionCapacity: 2 }),
      abilities: sinkSubject.abilities ?? [],
    },
  },
  {
    does: 'does not free the room of neighbors',
    fails: 'target-terminate-frees-parents',
    says: /an initiate that nothing speaks against ended with/,
    taps: refusesLater,
    subject: sinkSubject,
  },
  {
    does: 'does not free the room of a connection that it has lost',
    fails: 'target-terminate-frees-failed',
    says: /an initiate that nothing speaks against ended with/,
    taps: refusesLater,
    subject: sinkSubject,
  },
  {
    does: 'says that a terminate has succeeded when the record is lost',
    fails: 'target-terminate-hardware-failure',
    says: /the status of a terminate of a connection whose record is lost/,
    taps: () => ({
      terminateOffloadComplete: (next, tree) => {
        tree.status = NDIS_STATUS_SUCCESS;
        next(tree);
      },
    }),
    subject: sinkSubject,
  },
  {
    does: 'asks for an upload for another reason when the record is lost',
    fails: 'target-terminate-hardware-failure',
    says: /events after a terminate that failed/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        next(handle, eventType, eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve ? TCP_UPLOAD_REASON.UploadRequested : information);
      },
    }),
    subject: sinkSubject,
  },
  {
    does: 'ends sends with UPLOAD_IN_PROGRESS when the record is lost',
    fails: 'target-terminate-hardware-failure',
    says: /how sends of a connection whose record is lost ended/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
      }),
    subject: sinkSubject,
  },
];

/** After the first terminate has no room for connections. */
function refusesLater(): MiniportTaps {
  let hasTerminated = false;
  return {
    terminateOffloadComplete: (next, tree) => {
      hasTerminated = true;
      next(tree);
    },
    initiateOffloadComplete: (next, tree) => {
      if (hasTerminated) blocksOf(tree).forEach(refuse);
      next(tree);
    },
  };
}

function refuse(block: MiniportOffloadBlockList): void {
  if (block.dependentBlockList !== null || block.miniportOffloadContext === null) return;
  block.miniportOffloadContext.miniportOffloadContext = null;
  block.status = NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
}
