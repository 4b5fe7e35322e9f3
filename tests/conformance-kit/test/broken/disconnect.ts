import { link } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_CONNECTION_STATE,
  netBufferListDataLength,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
} from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { eachDisconnectComplete, eachQueried, eachSendComplete, eachTerminated, sendsAfterDisconnect } from './send-taps.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

export const brokenDisconnect: readonly Broken[] = [
  {
    does: 'answers a disconnect with SUCCESS',
    fails: 'target-disconnect-pending',
    says: /CHIM-DSC-001/,
    taps: () => ({
      miniportTcpOffloadDisconnect: (next, ...args) => {
        next(...args);
        return NDIS_STATUS_SUCCESS;
      },
    }),
  },
  {
    does: 'completes the sends after the disconnect that follows them',
    fails: 'target-disconnect-after-sends',
    says: /a send was completed after a disconnect/,
    taps: sendsAfterDisconnect,
  },
  {
    does: 'does not count the data of a disconnect',
    fails: 'target-disconnect-after-sends',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.tcpOffloadBytesTransferred = 0;
      }),
  },
  {
    does: 'completes a disconnect as a send',
    fails: 'target-disconnect-after-sends',
    says: /completion of a graceful disconnect did not come/,
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
    does: 'counts the FIN as a byte',
    fails: 'target-disconnect-without-data',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.tcpOffloadBytesTransferred = 1;
      }),
  },
  {
    does: 'sends an RST when it is to send a FIN',
    fails: 'target-disconnect-order',
    says: /the far end was reset/,
    taps: () => ({ miniportTcpOffloadDisconnect: (next, context, connection, nbl, flags) => next(context, connection, nbl, otherKind(flags)) }),
  },
  {
    does: 'sends the data of a disconnect from the end of its memory',
    fails: 'target-disconnect-order',
    says: /what the far end got before the FIN: byte 6100 is/,
    taps: () => ({
      miniportTcpOffloadDisconnect: (next, context, connection, nbl, flags) => {
        nbl.firstNetBuffer?.mdlChain?.buffer.reverse();
        return next(context, connection, nbl, flags);
      },
    }),
  },
  {
    does: 'completes a disconnect with the sends before it',
    fails: 'target-disconnect-acknowledged-first',
    says: /completions of a disconnect whose data is not acknowledged: expected 0, found 1/,
    taps: () => {
      let handlers: NdisTcpOffloadEventHandlers | null = null;
      let pending: NetBufferList | null = null;
      return {
        getOffloadHandlers: (next, type) => {
          const result = next(type);
          handlers = result.offloadHandlers;
          return result;
        },
        miniportTcpOffloadDisconnect: (next, context, connection, nbl, flags) => {
          pending = nbl;
          return next(context, connection, nbl, flags);
        },
        tcpOffloadSendComplete: (next, list) => {
          next(list);
          if (pending === null) return;
          pending.status = NDIS_STATUS_SUCCESS;
          pending.tcpOffloadBytesTransferred = netBufferListDataLength(pending);
          handlers?.tcpOffloadDisconnectComplete(pending);
        },
      };
    },
  },
  {
    does: 'says FIN_WAIT_1 when its FIN is acknowledged',
    fails: 'target-disconnect-half-open',
    says: /State when the FIN is acknowledged/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.state = STATE.TcpConnectionFinWait1;
      }),
  },
  {
    does: 'takes its own FIN for the end of both halves',
    fails: 'target-disconnect-half-open',
    says: /data that comes after the FIN of the host did not come/,
    taps: () => {
      let isClosed = false;
      return {
        tcpOffloadDisconnectComplete: (next, nbl) => {
          isClosed = true;
          next(nbl);
        },
        tcpOffloadReceiveHandler: (next, handle, nbl, status, consumed) => {
          if (!isClosed) return next(handle, nbl, status, consumed);
          consumed.value = netBufferListDataLength(nbl);
          return NDIS_STATUS_SUCCESS;
        },
      };
    },
  },
  {
    does: 'gives a connection back in FIN_WAIT_2 when the FIN of the peer has come',
    fails: 'target-disconnect-half-open',
    says: /State, and numbers sent and received, when both FINs are acknowledged/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = STATE.TcpConnectionFinWait2;
      }),
  },
  {
    does: 'gives a connection back in LAST_ACK when its FIN is acknowledged',
    fails: 'target-disconnect-second',
    says: /State, and numbers sent and received, when both FINs are acknowledged/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = STATE.TcpConnectionLastAck;
      }),
  },
  {
    does: 'does not count the FIN of a peer that closes at the same time',
    fails: 'target-disconnect-simultaneous',
    says: /numbers sent and received when both FINs are acknowledged/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.rcvNxt = (delegated.rcvNxt - 1) | 0;
      }),
  },
  {
    does: 'waits for a FIN that has come',
    fails: 'target-disconnect-simultaneous',
    says: /the connection came back in state 6/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = STATE.TcpConnectionFinWait2;
      }),
  },
  {
    does: 'says of a disconnect that was reset that nothing of it was acknowledged',
    fails: 'target-disconnect-reset',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.tcpOffloadBytesTransferred = 0;
      }),
  },
  {
    does: 'completes sends that an RST ended after the disconnect that follows them',
    fails: 'target-disconnect-sends-reset',
    says: /a send was completed after a disconnect/,
    taps: sendsAfterDisconnect,
  },
  {
    does: 'says that a disconnect has succeeded when the peer has reset the connection',
    fails: 'target-disconnect-after-reset',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.status = NDIS_STATUS_SUCCESS;
      }),
  },
  {
    does: 'says of every abortive disconnect that it was aborted',
    fails: 'target-disconnect-abort-idle',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.status = NDIS_STATUS_REQUEST_ABORTED;
      }),
  },
  {
    does: 'gives a connection back as if it had not been reset',
    fails: 'target-disconnect-abort-idle',
    says: /State and bytes acknowledged after an abortive disconnect/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.state = STATE.TcpConnectionEstablished;
      }),
  },
  {
    does: 'completes an abortive disconnect before the sends that it ends',
    fails: 'target-disconnect-abort-pending',
    says: /a send was completed after a disconnect/,
    taps: () => {
      let held: (() => void)[] = [];
      let isAborting = false;
      return {
        miniportTcpOffloadDisconnect: (next, context, connection, nbl, flags) => {
          isAborting = (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) !== 0;
          return next(context, connection, nbl, flags);
        },
        tcpOffloadSendComplete: (next, list) => {
          if (!isAborting) next(list);
          else {
            held.push(() => {
              next(list);
            });
          }
        },
        tcpOffloadDisconnectComplete: (next, nbl) => {
          next(nbl);
          for (const complete of held) complete();
          held = [];
        },
      };
    },
  },
  {
    does: 'ends receive requests with UPLOAD_IN_PROGRESS in an abortive disconnect',
    fails: 'target-disconnect-abort-pending',
    says: /how receive requests that an abortive disconnect found pending ended/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        next(list);
      },
    }),
  },
  {
    does: 'ends sends after an abortive disconnect with UPLOAD_IN_PROGRESS',
    fails: 'target-disconnect-abort-then-send',
    says: /how sends after an abortive disconnect ended/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
      }),
  },
  {
    does: 'sends a FIN when it is to send an RST',
    fails: 'target-disconnect-abort-resets',
    says: /the far end got a FIN, not an RST/,
    taps: () => ({ miniportTcpOffloadDisconnect: (next, context, connection, nbl, flags) => next(context, connection, nbl, otherKind(flags)) }),
  },
  {
    does: 'does nothing about an abortive disconnect',
    fails: 'target-disconnect-abort-resets',
    says: /12000 bytes|the RST at the far end did not come/,
    taps: () => ({ miniportTcpOffloadDisconnect: () => NDIS_STATUS_PENDING }),
  },
  {
    does: 'lets an abortive disconnect wait for what the host keeps',
    fails: 'target-disconnect-abort-receive',
    says: /completion of an abortive disconnect while an indication is kept did not come/,
    taps: () => {
      let kept = 0;
      let held: (() => void)[] = [];
      return {
        tcpOffloadReceiveHandler: (next, ...args) => {
          const result = next(...args);
          if (result === NDIS_STATUS_SUCCESS) kept++;
          return result;
        },
        miniportTcpOffloadReceiveReturn: (next, context, list) => {
          kept--;
          for (const complete of held) complete();
          held = [];
          return next(context, list);
        },
        tcpOffloadDisconnectComplete: (next, nbl) => {
          if (kept === 0) next(nbl);
          else {
            held.push(() => {
              next(nbl);
            });
          }
        },
      };
    },
  },
  {
    does: 'fills receive requests after an abortive disconnect',
    fails: 'target-disconnect-abort-receive',
    says: /how a receive request after an abortive disconnect ended/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        list.status = NDIS_STATUS_SUCCESS;
        list.tcpOffloadBytesTransferred = 50;
        next(list);
      },
    }),
  },
  {
    does: 'says that an RST was sent, and goes on',
    fails: 'target-disconnect-abort-receive',
    says: /indications after an abortive disconnect|was acknowledged: expected false, found true/,
    taps: ({ clock }) => {
      let handlers: NdisTcpOffloadEventHandlers | null = null;
      return {
        getOffloadHandlers: (next, type) => {
          const result = next(type);
          handlers = result.offloadHandlers;
          return result;
        },
        miniportTcpOffloadDisconnect: (_next, _context, _connection, nbl) => {
          clock.createTimer({ timerExpired: () => handlers?.tcpOffloadDisconnectComplete(nbl) }).start(1);
          return NDIS_STATUS_PENDING;
        },
      };
    },
  },
  {
    does: 'loses an abortive disconnect that comes from inside an indication',
    fails: 'target-disconnect-abort-in-indication',
    says: /completion of an abortive disconnect did not come/,
    taps: () => {
      let depth = 0;
      return {
        tcpOffloadReceiveHandler: (next, ...args) => {
          depth++;
          const result = next(...args);
          depth--;
          return result;
        },
        miniportTcpOffloadDisconnect: (next, ...args) => (depth > 0 ? NDIS_STATUS_PENDING : next(...args)),
      };
    },
  },
  {
    does: 'completes disconnects that end together as a list',
    fails: 'target-disconnect-abort-several',
    says: /the completion of three abortive disconnects did not come|NBLs of each call that completes disconnects/,
    taps: () => {
      const held: NetBufferList[] = [];
      return {
        tcpOffloadDisconnectComplete: (next, nbl) => {
          held.push(nbl);
          if (held.length === 3) next(link(held));
        },
      };
    },
  },
  {
    does: 'says of an abortive disconnect that it was carried out, on hardware that is broken',
    fails: 'target-disconnect-abort-hardware-failure',
    says: /how a disconnect ended/,
    taps: () =>
      eachDisconnectComplete((nbl) => {
        nbl.status = NDIS_STATUS_SUCCESS;
      }),
    subject: sinkSubject,
  },
];

/** Graceful for abortive, and the other way round. */
function otherKind(flags: number): number {
  return flags === TCP_DISCONNECT_ABORTIVE_CLOSE ? TCP_DISCONNECT_GRACEFUL_CLOSE : TCP_DISCONNECT_ABORTIVE_CLOSE;
}
