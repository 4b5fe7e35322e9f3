import { membersOf } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { eachQueried, eachSendComplete } from './send-taps.ts';

/** Taps that do something else once an update has come. */
function onceUpdated(taps: (isUpdated: () => boolean) => MiniportTaps): Broken['taps'] {
  return () => {
    let isUpdated = false;
    return {
      miniportUpdateOffload: (next, ...args) => {
        isUpdated = true;
        next(...args);
      },
      ...taps(() => isUpdated),
    };
  };
}

/** Targets that are wrong about connections that stop and go on. */
export const brokenUpdateResume: readonly Broken[] = [
  {
    does: 'says of sends that it gives back that they were sent',
    fails: 'target-update-relink-sends-at-once',
    says: /4596 bytes were completed as sent, of which 0 were acknowledged|7596 bytes were completed as sent, of which \d+ were acknowledged/,
    taps: () =>
      eachSendComplete((nbl) => {
        if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.status = NDIS_STATUS_SUCCESS;
      }),
  },
  {
    does: 'sends other bytes once there is another neighbor',
    fails: 'target-update-relink-sends-on-their-way',
    says: /what the peer got of a connection that stopped in between: byte \d+/,
    taps: onceUpdated((isUpdated) => ({
      miniportTcpOffloadSend: (next, context, connection, list) => {
        if (isUpdated()) for (const nbl of membersOf(list)) nbl.firstNetBuffer?.mdlChain?.buffer.fill(0xEE);
        return next(context, connection, list);
      },
    })),
  },
  {
    does: 'counts as sent what it was not given',
    fails: 'target-update-relink-sends-waiting',
    says: /SndMax \d+ numbers after SndUna, when \d+ bytes and a FIN went back/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.sndMax = (delegated.sndMax + 10_000) | 0;
      }),
  },
  {
    does: 'loses what comes when there is another neighbor',
    fails: 'target-update-relink-receives',
    says: /everything that the peer has sent did not come|what was received of a connection that stopped in between/,
    taps: onceUpdated((isUpdated) => ({
      tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
        if (isUpdated()) nbl.firstNetBuffer?.mdlChain?.buffer.fill(0xEE);
        return next(handle, nbl, status, bytesConsumed);
      },
    })),
  },
  {
    does: 'says that the FIN which a connection came with was not acknowledged',
    fails: 'target-update-relink-inherited-fin',
    says: /SndUna of a connection in FIN_WAIT_1/,
    taps: () =>
      eachQueried((delegated) => {
        delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1;
      }),
  },
];
