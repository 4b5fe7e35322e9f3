import { link, membersOf, present } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  type Mdl,
  type NetBufferList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { withAdapter } from './tree-taps.ts';

/** Taps that change completed receive requests on their way up. */
function onReceiveComplete(change: (nbl: NetBufferList, at: number) => void): Broken['taps'] {
  return () => {
    let at = 0;
    return {
      tcpOffloadReceiveComplete: (next, list) => {
        for (const nbl of membersOf(list)) change(nbl, at++);
        next(list);
      },
    };
  };
}

/** The MDL and the place in it where a completed request's data ends. */
function endOfData(nbl: NetBufferList): { mdl: Mdl; at: number } {
  const { currentMdl, currentMdlOffset } = present(nbl.firstNetBuffer);
  const mdl = present(currentMdl);
  return { mdl, at: mdl.byteOffset + currentMdlOffset };
}

export const brokenReceive: readonly Broken[] = [
  {
    does: 'completes the receive requests of a list from the last to the first',
    fails: 'target-receive-posting-order',
    says: /order in which receive requests were completed/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        next(link(membersOf(list).reverse()));
      },
    }),
  },
  {
    does: 'counts the bytes of a request one short',
    fails: 'target-receive-posting-order',
    says: /TcpOffloadBytesTransferred of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      nbl.tcpOffloadBytesTransferred--;
    }),
  },
  {
    does: 'leaves the data start of filled requests where it was',
    fails: 'target-receive-posting-order',
    says: /bytes left behind the data start of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      present(nbl.firstNetBuffer).retreatDataStart(nbl.tcpOffloadBytesTransferred);
    }),
  },
  {
    does: 'writes no status into filled requests',
    fails: 'target-receive-posting-order',
    says: /status of receive request 1/,
    taps: onReceiveComplete((nbl, at) => {
      if (at === 1) nbl.status = NDIS_STATUS_FAILURE;
    }),
  },
  {
    does: 'answers the posting of requests with SUCCESS',
    fails: 'target-receive-returns-pending',
    says: /CHIM-RCV-001|what the call returned/,
    taps: () => ({
      miniportTcpOffloadReceive: (next, ...args) => {
        next(...args);
        return NDIS_STATUS_SUCCESS;
      },
    }),
  },
  {
    does: 'ends a request\'s data one byte beyond its last MDL',
    fails: 'target-receive-in-pieces',
    says: /memory that MDL 2 lies in: byte 105/,
    taps: onReceiveComplete((nbl, at) => {
      const { mdl } = endOfData(nbl);
      if (at === 0) mdl.buffer[mdl.byteOffset + mdl.byteCount] = 0;
    }),
  },
  {
    does: 'forgets to move the current MDL along with the data start',
    fails: 'target-receive-in-pieces',
    says: /current MDL/,
    taps: onReceiveComplete((nbl, at) => {
      const netBuffer = present(nbl.firstNetBuffer);
      if (at === 1) netBuffer.currentMdl = netBuffer.mdlChain;
    }),
  },
  {
    does: 'waits a second before it completes requests that are full',
    fails: 'target-receive-filled-at-once',
    says: /order in which receive requests were completed/,
    taps: ({ clock }) => ({
      tcpOffloadReceiveComplete: (next, list) => {
        clock.createTimer({ timerExpired: () => { next(list); } }).start(1000);
      },
    }),
  },
  {
    does: 'takes every request for a non-push one',
    fails: 'target-receive-psh',
    says: /order in which receive requests were completed/,
    taps: () => ({
      miniportTcpOffloadReceive: (next, adapter, connection, list) => {
        for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = true;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'takes every request for a push one',
    fails: 'target-receive-no-push',
    says: /completions of a non-push request/,
    taps: () => ({
      miniportTcpOffloadReceive: (next, adapter, connection, list) => {
        for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = false;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'takes a non-push request behind a push one for a push one',
    fails: 'target-receive-push-timer-not-for-no-push',
    says: /order in which receive requests were completed/,
    taps: () => {
      let calls = 0;
      return {
        miniportTcpOffloadReceive: (next, adapter, connection, list) => {
          if (calls++ > 0) for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = false;
          return next(adapter, connection, list);
        },
      };
    },
  },
  {
    does: 'waits for the push timer with a request that buffered data with PSH went into',
    fails: 'target-receive-buffered-psh',
    says: /order in which receive requests were completed: expected \[0,1\]/,
    taps: () => ({
      miniportTcpOffloadReceive: (next, adapter, connection, list) => {
        for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = (nbl.firstNetBuffer?.dataLength ?? 0) === 1000;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'forgets the PSH of what was refused',
    fails: 'target-receive-refused-psh',
    says: /order in which receive requests were completed: expected \[0\], found \[\]/,
    taps: () => ({
      miniportTcpOffloadReceive: (next, adapter, connection, list) => {
        for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = true;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'does not get to what is left when requests have taken some of it',
    fails: 'target-receive-takes-buffered',
    says: /was not indicated again/,
    taps: () => {
      let indications = 0;
      return {
        tcpOffloadReceiveHandler: (next, handle, nbl, status, consumed) => (indications++ === 0 ? next(handle, nbl, status, consumed) : NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED),
      };
    },
  },
  {
    does: 'completes requests inside the call that posts them, when it can',
    fails: 'target-receive-in-turn',
    says: /calls of the host that a receive completion was made inside of/,
    taps: () => {
      let held: (() => void) | null = null;
      let completions = 0;
      return {
        tcpOffloadReceiveComplete: (next, list) => {
          const members = membersOf(list);
          const [first] = members;
          if (completions++ > 0 || members.length < 2 || first === undefined) {
            next(list);
            return;
          }
          const others = link(members.slice(1));
          held = () => {
            held = null;
            next(others);
          };
          first.next = null;
          next(first);
        },
        miniportTcpOffloadReceive: (next, ...args) => {
          const status = next(...args);
          held?.();
          return status;
        },
      };
    },
  },
  {
    does: 'puts the data of one request into another',
    fails: 'target-receive-per-connection',
    says: /data of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      const { mdl } = endOfData(nbl);
      mdl.buffer.fill(0);
    }),
  },
  {
    does: 'never completes a request of no bytes',
    fails: 'target-receive-zero-byte',
    says: /order in which receive requests were completed|was not completed/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        const members = membersOf(list).filter(({ tcpOffloadBytesTransferred }) => tcpOffloadBytesTransferred > 0);
        if (members.length > 0) next(link(members));
      },
    }),
  },
  {
    does: 'completes requests of no bytes before those in front of them',
    fails: 'target-receive-zero-byte-waits',
    says: /order in which receive requests were completed/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        const members = membersOf(list);
        next(link([...members.filter(({ firstNetBuffer }) => present(firstNetBuffer).dataOffset === 0), ...members.filter(({ firstNetBuffer }) => present(firstNetBuffer).dataOffset > 0)]));
      },
    }),
  },
  {
    does: 'reports in a query the RcvNxt of one byte less',
    fails: 'target-receive-counted-in-state',
    says: /RcvNxt of a query that was made inside the completion/,
    taps: () => ({
      queryOffloadStateComplete: (next, root) => {
        const state = root.state as { delegated?: { rcvNxt: number } | null } | null;
        if (state?.delegated != null) state.delegated.rcvNxt--;
        next(root);
      },
    }),
  },
  {
    does: 'completes requests behind a FIN with REQUEST_ABORTED',
    fails: 'target-receive-after-disconnect',
    says: /status of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      nbl.status = NDIS_STATUS_REQUEST_ABORTED;
    }),
  },
  {
    does: 'ends requests of an upload with SUCCESS',
    fails: 'target-receive-upload',
    says: /status of requests that an upload ended/,
    taps: onReceiveComplete((nbl) => {
      nbl.status = NDIS_STATUS_SUCCESS;
    }),
  },
  {
    does: 'ends requests of an upload without the bytes they have got',
    fails: 'target-receive-upload',
    says: /data in the requests and in BufferedData/,
    taps: onReceiveComplete((nbl) => {
      present(nbl.firstNetBuffer).retreatDataStart(nbl.tcpOffloadBytesTransferred);
      nbl.tcpOffloadBytesTransferred = 0;
    }),
  },
  {
    does: 'ends requests of a reset connection as if it were being uploaded',
    fails: 'target-receive-reset',
    says: /status of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
    }),
  },
  {
    does: 'loses what a request had got when an RST comes',
    fails: 'target-receive-reset',
    says: /TcpOffloadBytesTransferred of receive request 0/,
    taps: onReceiveComplete((nbl) => {
      nbl.tcpOffloadBytesTransferred = 0;
    }),
  },
  {
    does: 'tells of a FIN before the data in front of it',
    fails: 'target-receive-fin',
    says: /TcpIndicateDisconnect came before the data/,
    taps: () => {
      let held: (() => void) | null = null;
      return {
        tcpOffloadReceiveComplete: (next, list) => {
          held = () => {
            held = null;
            next(list);
          };
        },
        tcpOffloadEventHandler: (next, handle, type, information) => {
          next(handle, type, information);
          held?.();
        },
        miniportTerminateOffload: (next, ...args) => {
          held?.();
          next(...args);
        },
        terminateOffloadComplete: (next, root) => {
          held?.();
          next(root);
        },
      };
    },
  },
  {
    does: 'leaves a request with one byte to its push timer when a FIN comes',
    fails: 'target-receive-fin-push',
    says: /the request in front of the FIN was not completed/,
    taps: ({ clock }) => ({
      tcpOffloadReceiveComplete: (next, list) => {
        clock.createTimer({ timerExpired: () => { next(list); } }).start(400);
      },
    }),
  },
  {
    does: 'waits for more behind a FIN that came before the offload',
    fails: 'target-receive-fin-before-offload',
    says: /completion of a request that nothing more will come for did not come/,
    taps: () => ({
      miniportInitiateOffload: (next, adapter, root) => {
        const state = root.dependentBlockList?.dependentBlockList?.state as TcpOffloadState | null | undefined;
        if (state?.delegated != null) state.delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
        next(adapter, root);
      },
    }),
  },
  {
    does: 'refuses requests as soon as it has seen a FIN, before it tells the host',
    fails: 'target-receive-inside-last-completion',
    says: /a request was refused because of a FIN that the host had not been told of/,
    taps: (environment) =>
      withAdapter((adapter) => {
        let posts = 0;
        const soon = (ms: number, timerExpired: () => void): void => {
          environment.clock.createTimer({ timerExpired }).start(ms);
        };
        return {
          miniportTcpOffloadReceive: (next, context, connection, list) => {
            if (++posts === 1) return next(context, connection, list);
            list.status = NDIS_STATUS_INVALID_STATE;
            soon(1, () => {
              adapter().handlers.tcpOffloadReceiveComplete(list);
            });
            return NDIS_STATUS_PENDING;
          },
          tcpOffloadEventHandler: (next, ...args) => {
            soon(10, () => {
              next(...args);
            });
          },
        };
      })(environment),
  },
  {
    does: 'completes a push request with part of what comes before PSH',
    fails: 'target-receive-psh-behind-window',
    says: /the bytes in it, of those before PSH/,
    taps: onReceiveComplete((nbl) => {
      nbl.tcpOffloadBytesTransferred -= 4096;
    }),
  },
];
