import { link, membersOf } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  netBufferListDataLength,
  type NetBufferList,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { eachInitiated, eachQueried, eachSendComplete, eachTerminated, rearrangedSendComplete } from './send-taps.ts';

export const brokenSend: readonly Broken[] = [
  {
    does: 'completes the sends of a list from the last to the first',
    fails: 'target-send-posting-order',
    says: /order of completion/,
    taps: () => rearrangedSendComplete((nbls) => nbls.reverse()),
  },
  {
    does: 'says that a send moved one byte less than it did',
    fails: 'target-send-posting-order',
    says: /how four sends ended.*99 bytes transferred/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.tcpOffloadBytesTransferred--;
      }),
  },
  {
    does: 'answers a send with SUCCESS',
    fails: 'target-send-pending',
    says: /CHIM-SND-001/,
    taps: () => ({
      miniportTcpOffloadSend: (next, ...args) => {
        next(...args);
        return NDIS_STATUS_SUCCESS;
      },
    }),
  },
  {
    does: 'does not complete a send on a connection that was reset',
    fails: 'target-send-pending',
    says: /completion of a send on a connection that was reset did not come/,
    taps: () => rearrangedSendComplete((nbls) => nbls.filter(({ status }) => status !== NDIS_STATUS_REQUEST_ABORTED)),
  },
  {
    does: 'has room for so many sends only',
    fails: 'target-send-many',
    says: /how 300 sends ended/,
    taps: () =>
      eachSendComplete((nbl, at) => {
        if (at >= 256) nbl.status = NDIS_STATUS_RESOURCES;
      }),
  },
  {
    does: 'does not advance the last NET_BUFFER of an NBL',
    fails: 'target-send-in-pieces',
    says: /how two sends in pieces ended.*899 left/,
    taps: () =>
      eachSendComplete((nbl) => {
        let last = nbl.firstNetBuffer;
        while (last?.next != null) last = last.next;
        if (last !== nbl.firstNetBuffer) last?.retreatDataStart(899);
      }),
  },
  {
    does: 'frees the MDLs that it has sent',
    fails: 'target-send-in-pieces',
    says: /MDL chains and memory/,
    taps: () =>
      eachSendComplete((nbl) => {
        const nb = nbl.firstNetBuffer;
        if (nb !== null) nb.mdlChain = nb.currentMdl;
      }),
  },
  {
    does: 'writes into the memory of a send',
    fails: 'target-send-in-pieces',
    says: /MDL chains and memory/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.firstNetBuffer?.mdlChain?.buffer.fill(0, -1);
      }),
  },
  {
    does: 'completes sends without data ahead of those with',
    fails: 'target-send-zero-length',
    says: /order of completion of sends with and without data/,
    taps: () => {
      const isEmpty = ({ tcpOffloadBytesTransferred }: NetBufferList): boolean => tcpOffloadBytesTransferred === 0;
      return rearrangedSendComplete((nbls) => [...nbls.filter(isEmpty), ...nbls.filter((nbl) => !isEmpty(nbl))]);
    },
  },
  {
    does: 'does not complete a send without data',
    fails: 'target-send-zero-length',
    says: /completion of a send without data did not come/,
    taps: () => rearrangedSendComplete((nbls) => nbls.filter(({ tcpOffloadBytesTransferred }) => tcpOffloadBytesTransferred > 0)),
  },
  {
    does: 'sends a list from the last to the first',
    fails: 'target-send-bytes',
    says: /what the far end got: byte 100 is/,
    taps: () => ({ miniportTcpOffloadSend: (next, context, connection, list) => next(context, connection, link(membersOf(list).reverse())) }),
  },
  {
    does: 'sends the memory before the data of an NBL',
    fails: 'target-send-bytes',
    says: /what the far end got: byte 0 is/,
    taps: () => ({
      miniportTcpOffloadSend: (next, context, connection, list) => {
        const nb = list.firstNetBuffer;
        nb?.describe(nb.mdlChain, 0, nb.dataLength);
        return next(context, connection, list);
      },
    }),
  },
  {
    does: 'completes a send when the one before it is acknowledged',
    fails: 'target-send-acknowledged-first',
    says: /only send that was acknowledged/,
    taps: () => {
      const pending: NetBufferList[] = [];
      const done = new Set<NetBufferList>();
      return {
        miniportTcpOffloadSend: (next, context, connection, list) => {
          pending.push(...membersOf(list));
          return next(context, connection, list);
        },
        tcpOffloadSendComplete: (next, list) => {
          const nbls = membersOf(list).filter((nbl) => !done.has(nbl));
          const early = pending.find((nbl) => !done.has(nbl) && !nbls.includes(nbl));
          if (early !== undefined) {
            early.status = NDIS_STATUS_SUCCESS;
            early.tcpOffloadBytesTransferred = netBufferListDataLength(early);
            nbls.push(early);
          }
          for (const nbl of nbls) done.add(nbl);
          if (nbls.length > 0) next(link(nbls));
        },
      };
    },
  },
  {
    does: 'lets a send that is made inside a completion overtake',
    fails: 'target-send-while-completing',
    says: /what the far end got: byte 100 is/,
    taps: () => {
      let calls = 0;
      let held: (() => void) | null = null;
      return {
        miniportTcpOffloadSend: (next, context, connection, list) => {
          calls++;
          if (calls !== 2) {
            const status = next(context, connection, list);
            held?.();
            held = null;
            return status;
          }
          held = () => next(context, connection, list);
          return 0x103;
        },
      };
    },
  },
  {
    does: 'says after an RST that nothing was acknowledged',
    fails: 'target-send-reset',
    says: /how three sends that an RST found pending ended/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.status === NDIS_STATUS_REQUEST_ABORTED) nbl.tcpOffloadBytesTransferred = 0;
      }),
  },
  {
    does: 'ends sends with UPLOAD_IN_PROGRESS after an RST',
    fails: 'target-send-reset',
    says: /how three sends that an RST found pending ended/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.status === NDIS_STATUS_REQUEST_ABORTED) nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
      }),
  },
  {
    does: 'advances the wrong NET_BUFFER of a send that was acknowledged in part',
    fails: 'target-send-in-pieces-reset',
    says: /bytes left in each NET_BUFFER: expected \[0,200,300\], found \[0,250,250\]/,
    taps: () =>
      eachSendComplete((nbl) => {
        const second = nbl.firstNetBuffer?.next;
        second?.retreatDataStart(50);
        second?.next?.advanceDataStart(50);
      }),
  },
  {
    does: 'ends a send on a connection that was reset with FAILURE',
    fails: 'target-send-after-reset',
    says: /how sends after an RST ended/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.status = NDIS_STATUS_FAILURE;
      }),
  },
  {
    does: 'ends all sends with UPLOAD_IN_PROGRESS once any connection is taken back',
    fails: 'target-send-no-upload-status',
    says: /how sends on a connection that stays ended/,
    taps: () => {
      let isUploading = false;
      return {
        miniportTerminateOffload: (next, ...args) => {
          isUploading = true;
          next(...args);
        },
        ...eachSendComplete((nbl) => {
          if (isUploading) nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        }),
      };
    },
  },
  {
    does: 'takes the chain of an initiate from the last NBL to the first',
    fails: 'target-send-inherited-repeated',
    says: /what the far end got: byte 0 is/,
    taps: reversedChain,
  },
  {
    does: 'looks for the data of a chain where the memory of its MDLs begins',
    fails: 'target-send-inherited-drawn',
    says: /what the far end got: byte 0 is/,
    taps: () =>
      eachInitiated((_delegated, block) => {
        for (const { firstNetBuffer: nb } of membersOf(block.netBufferListChain)) nb?.describe(nb.mdlChain, 0, nb.dataLength);
      }),
  },
  {
    does: 'does not count bytes of a chain that the host had sent',
    fails: 'target-send-inherited-nothing-repeated',
    says: /how a chain and a send after it ended/,
    taps: () =>
      eachSendComplete((nbl, at) => {
        if (at === 0) nbl.tcpOffloadBytesTransferred = 0;
      }),
  },
  {
    does: 'compares sequence numbers as if they did not wrap',
    fails: 'target-send-inherited-wrap',
    says: /SndUna, SndNxt and SndMax when all is acknowledged/,
    taps: () =>
      eachQueried((delegated) => {
        if (delegated.sndUna >>> 0 < 0x8000_0000) delegated.sndMax = -1;
      }),
  },
  {
    does: 'takes a chain that was not sent from the last NBL to the first',
    fails: 'target-send-inherited-unsent',
    says: /what the far end got: byte 0 is/,
    taps: reversedChain,
  },
  {
    does: 'does not complete a chain that the host had sent',
    fails: 'target-send-inherited-sent',
    says: /completion of a chain and of a send after it did not come/,
    taps: () => {
      const chain = new Set<NetBufferList>();
      return {
        ...eachInitiated((_delegated, block) => {
          for (const nbl of membersOf(block.netBufferListChain)) chain.add(nbl);
        }),
        ...rearrangedSendComplete((nbls) => nbls.filter((nbl) => !chain.has(nbl))),
      };
    },
  },
  {
    does: 'says that it has not sent what it has sent again',
    fails: 'target-send-inherited-rewound',
    says: /SndUna, SndNxt and SndMax when all is acknowledged/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.sndNxt = (delegated.sndNxt - 2000) | 0;
      }),
  },
  {
    does: 'does not notice that the FIN of the host is acknowledged',
    fails: 'target-send-inherited-fin',
    says: /State, SndUna and SndMax/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1;
      }),
  },
  {
    does: 'does not count the FIN of the host',
    fails: 'target-send-inherited-fin-unsent',
    says: /State, SndUna and SndMax/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.sndUna = (delegated.sndUna - 1) | 0;
      }),
  },
  {
    does: 'waits for the FIN of a peer that has closed',
    fails: 'target-send-inherited-closing',
    says: /State, SndUna and SndMax/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2;
      }),
  },
  {
    does: 'gives a connection back in LAST_ACK that is over',
    fails: 'target-send-inherited-last-ack',
    says: /State, SndUna and SndMax/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionLastAck;
      }),
  },
  {
    does: 'goes on counting how long it has retransmitted when all is acknowledged',
    fails: 'target-send-inherited-completed',
    says: /TotalRT when nothing is left to be retransmitted/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.totalRT += 4000;
      }),
  },
  {
    does: 'completes the last of what it was given first',
    fails: 'target-send-inherited-completed',
    says: /order of completion of a chain/,
    taps: () => rearrangedSendComplete((nbls) => nbls.reverse()),
  },
];

function reversedChain(): ReturnType<typeof eachInitiated> {
  return eachInitiated((_delegated, block) => {
    if (block.netBufferListChain !== null) block.netBufferListChain = link(membersOf(block.netBufferListChain).reverse());
  });
}
