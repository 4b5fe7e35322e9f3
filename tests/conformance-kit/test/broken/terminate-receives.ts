import type { ConformancePeer } from '@ndis-chimney/conformance';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { memorySubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { completedAfterTerminate, eachTerminated } from './send-taps.ts';

const BYTES = /what the host got, and then BufferedData/;
const RCV_NXT = /bytes received, as the RcvNxt of a terminate says/;

export const brokenTerminateReceives: readonly Broken[] = [
  {
    does: 'ends receive requests with REQUEST_ABORTED when the connection is taken back',
    fails: 'target-terminate-requests',
    says: /what receive requests were completed with/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.status = NDIS_STATUS_REQUEST_ABORTED;
        next(list);
      },
    }),
  },
  {
    does: 'does not count what is in a request that was not filled',
    fails: 'target-terminate-requests',
    says: BYTES,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.tcpOffloadBytesTransferred = 0;
        next(list);
      },
    }),
  },
  {
    does: 'completes receive requests when the terminate has completed',
    fails: 'target-terminate-requests',
    says: /the order of completion of receive requests|a receive was completed after a terminate/,
    taps: () => completedAfterTerminate('tcpOffloadReceiveComplete'),
  },
  {
    does: 'does not hand over what the host refused',
    fails: 'target-terminate-buffered',
    says: BYTES,
    taps: droppedBufferedData,
  },
  {
    does: 'counts one byte more than it hands over',
    fails: 'target-terminate-buffered',
    says: RCV_NXT,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.rcvNxt = (delegated.rcvNxt + 1) | 0;
      }),
  },
  {
    does: 'hands bytes over that the host has taken',
    fails: 'target-terminate-buffered-partly',
    says: BYTES,
    taps: () =>
      eachTerminated(({ bufferedData }) => {
        bufferedData?.firstNetBuffer?.retreatDataStart(10);
      }),
  },
  {
    does: 'forgets the BufferedData of an initiate',
    fails: 'target-terminate-buffered-inherited',
    says: BYTES,
    taps: droppedBufferedData,
  },
  {
    does: 'completes forwarded segments when the terminate has completed',
    fails: 'target-terminate-forwards',
    says: /a forward was completed after a terminate/,
    taps: () => completedAfterTerminate('tcpOffloadForwardComplete'),
  },
  {
    does: 'ends forwarded segments with FAILURE when the connection is taken back',
    fails: 'target-terminate-forwards',
    says: /forwarded segments ended with/,
    taps: () => ({
      tcpOffloadForwardComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) nbl.status = NDIS_STATUS_FAILURE;
        next(list);
      },
    }),
  },
  {
    does: 'says that it has taken segments which it gave up',
    fails: 'target-terminate-forwards',
    says: BYTES,
    taps: () => ({
      tcpOffloadForwardComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) nbl.status = nbl.status === NDIS_STATUS_SUCCESS ? NDIS_STATUS_UPLOAD_IN_PROGRESS : NDIS_STATUS_SUCCESS;
        next(list);
      },
    }),
  },
  {
    does: 'counts what it holds beyond a gap',
    fails: 'target-terminate-out-of-order',
    says: RCV_NXT,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.rcvNxt = (delegated.rcvNxt + 200) | 0;
      }),
  },
  {
    does: 'never acknowledges',
    fails: 'target-terminate-acknowledges',
    says: /acknowledgment of what a connection had received when it was taken back did not come/,
    taps: () => ({}),
    subject: {
      create: async (environment, wishes) => {
        const made = await memorySubject.create(environment, wishes);
        return {
          ...made,
          peer: async (hostPort: number, peerPort: number): Promise<ConformancePeer> => {
            const peer = await made.peer?.(hostPort, peerPort);
            if (peer === undefined) throw new Error('the memory target has peers');
            const write = (bytes: Uint8Array<ArrayBuffer>): Promise<unknown> => {
              peer.write(bytes).catch(() => undefined);
              return new Promise(() => undefined);
            };
            return { write, read: () => peer.read(), end: () => peer.end(), reset: () => { peer.reset(); } };
          },
        };
      },
    },
  },
  {
    does: 'takes the memory of indications back with the connection',
    fails: 'target-terminate-kept',
    says: /what the host keeps of a connection that was taken back: byte 0 is/,
    taps: () => {
      const accepted: NetBufferList[] = [];
      return {
        tcpOffloadReceiveHandler: (next, handle, nbl, status, consumed) => {
          const result = next(handle, nbl, status, consumed);
          if (result === NDIS_STATUS_SUCCESS) accepted.push(nbl);
          return result;
        },
        ...eachTerminated(() => {
          for (const { firstNetBuffer } of accepted) firstNetBuffer?.currentMdl?.buffer.fill(0xFF);
        }),
      };
    },
  },
  {
    does: 'completes what is forwarded after the terminate, when everything is pending',
    fails: 'target-terminate-everything',
    says: /a forward was completed after a terminate|forwarded segments that were completed/,
    taps: () => completedAfterTerminate('tcpOffloadForwardComplete'),
  },
  {
    does: 'completes receive requests after the terminate, when everything is pending',
    fails: 'target-terminate-everything',
    says: /a receive was completed after a terminate|the order of completion of receive requests/,
    taps: () => completedAfterTerminate('tcpOffloadReceiveComplete'),
  },
];

function droppedBufferedData(): ReturnType<typeof eachTerminated> {
  return eachTerminated((delegated) => {
    delegated.bufferedData = null;
  });
}
