import { membersOf, present } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type TcpOffloadState,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { HEADER, onForward, withoutFlags } from './segments.ts';
import { Upward } from './upward.ts';

const [SYN, RST, URG] = [0x02, 0x04, 0x20];
const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;
const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Changes what a connection is given back with. */
function onUpload(change: (delegated: TcpOffloadStateDelegated) => void): Broken['taps'] {
  return () => ({
    terminateOffloadComplete: (next, root) => {
      for (let block: MiniportOffloadBlockList | null = root; block !== null; block = block.nextBlock) {
        const delegated = (block.state as Partial<TcpOffloadState> | null)?.delegated;
        if (delegated != null && 'rcvNxt' in delegated) change(delegated);
      }
      next(root);
    },
  });
}

/** Leaves out events of a type, but for so many. */
function tellsTooRarely(type: number, often = 0): Broken['taps'] {
  return () => {
    let told = 0;
    return {
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        if (eventType !== type || told++ < often) next(handle, eventType, information);
      },
    };
  };
}

/** Makes an event when something that was forwarded is done with. */
function tellsAfterForward(type: number, information = 0): Broken['taps'] {
  return (environment) => {
    const up = new Upward(environment);
    let isTold = false;
    return up.taps({
      tcpOffloadForwardComplete: (next, list) => {
        next(list);
        if (!isTold) up.event(type, information);
        isTold = true;
      },
    });
  };
}

/** Ends requests with SUCCESS whatever became of them. */
const saysAllIsWell: Broken['taps'] = () => {
  const fine = (list: NetBufferList): void => {
    for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_SUCCESS;
  };
  return {
    tcpOffloadReceiveComplete: (next, list) => {
      fine(list);
      next(list);
    },
    tcpOffloadDisconnectComplete: (next, list) => {
      fine(list);
      next(list);
    },
  };
};

/** Asks for the upload of every connection that comes, before long. */
function asksForUpload(reason: number): Broken['taps'] {
  return (environment) => {
    const up = new Upward(environment);
    return up.taps({
      initiateOffloadComplete: (next, root) => {
        next(root);
        up.event(TcpIndicateRetrieve, reason, present(up.connections.at(-1)));
      },
    });
  };
}

export const brokenEvents: readonly Broken[] = [
  {
    does: 'tells of a FIN twice',
    fails: 'target-events-fin',
    says: /events: expected \[2\], found \[2,2\]/,
    taps: () => ({
      tcpOffloadEventHandler: (next, ...args) => {
        next(...args);
        next(...args);
      },
    }),
  },
  {
    does: 'does not count a FIN',
    fails: 'target-events-fin',
    says: /bytes, and a FIN, that RcvNxt counts: expected 151, found 150/,
    taps: onUpload((delegated) => {
      delegated.rcvNxt--;
    }),
  },
  {
    does: 'stays ESTABLISHED after a FIN',
    fails: 'target-events-fin',
    says: /TCP state that was given back/,
    taps: onUpload((delegated) => {
      delegated.state = STATE.TcpConnectionEstablished;
    }),
  },
  {
    does: 'puts something into the information of a disconnect',
    fails: 'target-events-fin',
    says: /EventSpecificInformation of an event that has none/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType) => {
        next(handle, eventType, 1);
      },
    }),
  },
  {
    does: 'tells of a FIN as soon as it comes',
    fails: 'target-events-fin-waits',
    says: /events: expected \[\], found \[2\]/,
    taps: tellsAfterForward(TcpIndicateDisconnect),
  },
  {
    does: 'tells of a FIN behind a gap',
    fails: 'target-events-fin-out-of-order',
    says: /events: expected \[\], found \[2\]/,
    taps: tellsAfterForward(TcpIndicateDisconnect),
  },
  {
    does: 'closes the receive half for a FIN behind a gap',
    fails: 'target-events-fin-out-of-order',
    says: /TCP state after a FIN behind a gap/,
    taps: () => ({
      queryOffloadStateComplete: (next, root) => {
        const { delegated } = root.state as TcpOffloadState;
        if (delegated !== null) delegated.state = STATE.TcpConnectionCloseWait;
        next(root);
      },
    }),
  },
  {
    does: 'does not tell when the peer ends',
    fails: 'target-events-fin-of-peer',
    says: /TcpIndicateDisconnect did not come/,
    taps: tellsTooRarely(TcpIndicateDisconnect),
  },
  {
    does: 'overlooks an RST',
    fails: 'target-events-reset',
    says: /events: expected \[4\], found \[\]/,
    taps: () => withoutFlags(RST),
  },
  {
    does: 'says SUCCESS of what an RST ended',
    fails: 'target-events-reset',
    says: /status of two sends, a receive and a disconnect that an RST ended/,
    taps: saysAllIsWell,
  },
  {
    does: 'gives a reset connection back as if it were established',
    fails: 'target-events-reset',
    says: /TCP state that was given back/,
    taps: onUpload((delegated) => {
      delegated.state = STATE.TcpConnectionEstablished;
    }),
  },
  {
    does: 'tells of the reset of one connection as of another',
    fails: 'target-events-reset-of-peer',
    says: /events: expected \[4\], found \[\]/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        tcpOffloadEventHandler: (next, _handle, eventType, information) => {
          next(present(up.connections.at(-1)), eventType, information);
        },
      });
    },
  },
  {
    does: 'takes an RST anywhere in the window',
    fails: 'target-events-reset-elsewhere',
    says: /events: expected \[\], found \[4\]/,
    taps: tellsAfterForward(TcpIndicateAbort),
  },
  {
    does: 'takes the data of a segment with SYN',
    fails: 'target-events-syn-elsewhere',
    says: /bytes delivered of segments with SYN/,
    taps: () => ({
      ...onForward((header) => {
        const flags = header.getUint8(HEADER.FLAGS);
        if ((flags & SYN) !== 0) header.setInt32(HEADER.SEQ, -2);
        header.setUint8(HEADER.FLAGS, flags & ~SYN);
      }),
    }),
  },
  {
    does: 'asks for the upload after any SYN',
    fails: 'target-events-syn-elsewhere',
    says: /events: expected \[\], found \[3\]/,
    taps: tellsAfterForward(TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested),
  },
  {
    does: 'drops a SYN in sequence',
    fails: 'target-events-syn-in-order',
    says: /events after a SYN in state/,
    taps: () =>
      onForward((header) => {
        const flags = header.getUint8(HEADER.FLAGS);
        if ((flags & SYN) !== 0) header.setInt32(HEADER.SEQ, 1000);
      }),
  },
  {
    does: 'gives a connection back open after a SYN in sequence',
    fails: 'target-events-syn-in-order',
    says: /TCP state that was given back, it having been/,
    taps: onUpload((delegated) => {
      delegated.state = STATE.TcpConnectionEstablished;
    }),
  },
  {
    does: 'delivers urgent data as any other',
    fails: 'target-events-urgent',
    says: /events after urgent data/,
    taps: () => withoutFlags(URG),
  },
  {
    does: 'asks for the upload because of urgent data with a reason of no urgency',
    fails: 'target-events-urgent',
    says: /events after urgent data/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType) => {
        next(handle, eventType, TCP_UPLOAD_REASON.SmallIO);
      },
    }),
  },
  {
    does: 'says that it has processed what it left to the host',
    fails: 'target-events-urgent',
    says: /came back neither unprocessed nor the ordinary way/,
    taps: () => ({
      tcpOffloadForwardComplete: (next, list) => {
        for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_SUCCESS;
        next(list);
      },
    }),
  },
  {
    does: 'acknowledges urgent data',
    fails: 'target-events-urgent',
    says: /bytes that RcvNxt counts/,
    taps: onUpload((delegated) => {
      delegated.rcvNxt += 30;
    }),
  },
  {
    does: 'believes any segment that it has urgent data',
    fails: 'target-events-urgent-invalid',
    says: /events: expected \[\], found \[3\]/,
    taps: tellsAfterForward(TcpIndicateRetrieve, TCP_UPLOAD_REASON.ReceivedUrgentData),
  },
  {
    does: 'goes on indicating after it has asked for the upload',
    fails: 'target-events-stopped',
    says: /bytes delivered after the upload was asked for/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        tcpOffloadSendComplete: (next, list) => {
          next(list);
          up.indicate(Uint8Array.of(0));
        },
      });
    },
  },
  {
    does: 'says SUCCESS of what the upload ended',
    fails: 'target-events-stopped',
    says: /status of a send, a receive and a disconnect/,
    taps: saysAllIsWell,
  },
  {
    does: 'asks for the upload of a half-closed connection that is idle',
    fails: 'target-events-half-closed',
    says: /was asked for with reason 1, which could wait/,
    taps: asksForUpload(TCP_UPLOAD_REASON.LowActivity),
  },
  {
    does: 'asks for the upload of a half-closed connection for no reason in particular',
    fails: 'target-events-half-closed',
    says: /which could wait/,
    taps: asksForUpload(TCP_UPLOAD_REASON.UploadRequested),
  },
  {
    does: 'keeps connections in TIME_WAIT',
    fails: 'target-events-time-wait',
    says: /events: expected \[2,3\], found \[2\]/,
    taps: tellsTooRarely(TcpIndicateRetrieve),
  },
  {
    does: 'asks for the upload with a reason that there is not',
    fails: 'target-events-time-wait',
    says: /and there is none such/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        next(handle, eventType, information === 0 ? 0 : 77);
      },
    }),
  },
  {
    does: 'tells of the send backlog with each send, and what is posted at that',
    fails: 'target-events-backlog',
    says: /20 changes of the send backlog were told/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        tcpOffloadSendComplete: (next, list) => {
          const { tcpOffloadBytesTransferred } = list;
          next(list);
          up.event(TcpIndicateSendBacklogChange, tcpOffloadBytesTransferred);
        },
      });
    },
  },
];
