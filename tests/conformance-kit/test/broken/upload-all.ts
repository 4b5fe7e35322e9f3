import { blocksOf } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NDIS_STATUS_OFFLOAD_PAUSE,
  type NDIS_STATUS,
  type NetBufferList,
} from '@ndis-chimney/types';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';

import type { Broken } from './broken-target.ts';

/** After a status indication completes sends with another status. */
function sendsAfter(statusCode: NDIS_STATUS, status: NDIS_STATUS): MiniportTaps {
  let hasIndicated = false;
  return {
    indicateStatusEx: (next, indication) => {
      hasIndicated ||= indication.statusCode === statusCode;
      next(indication);
    },
    tcpOffloadSendComplete: (next, list) => {
      for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) if (hasIndicated) nbl.status = status;
      next(list);
    },
  };
}

export const brokenUploadAll: readonly Broken[] = [
  {
    does: 'completes sends with PAUSED while it is paused',
    fails: 'target-pause-service',
    says: /how sends while offloading is paused ended/,
    taps: () => sendsAfter(NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_PAUSED),
  },
  {
    does: 'ends receive requests that come while it is paused',
    fails: 'target-pause-receive',
    says: /what the host got while offloading is paused|a receive request while offloading is paused/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        list.status = NDIS_STATUS_INVALID_STATE;
        next(list);
      },
    }),
  },
  {
    does: 'fails initiates for being paused',
    fails: 'target-pause-initiate',
    says: /the status of each block of an initiate that crossed OFFLOAD_PAUSE/,
    taps: () => {
      let isPaused = false;
      return {
        indicateStatusEx: (next, indication) => {
          isPaused ||= indication.statusCode === NDIS_STATUS_OFFLOAD_PAUSE;
          next(indication);
        },
        initiateOffloadComplete: (next, tree) => {
          for (const block of blocksOf(tree)) {
            if (!isPaused || block.miniportOffloadContext === null) continue;
            block.miniportOffloadContext.miniportOffloadContext = null;
            block.status = NDIS_STATUS_FAILURE;
          }
          next(tree);
        },
      };
    },
  },
  {
    does: 'forgets the first initiate that comes while it is paused',
    fails: 'target-pause-initiate',
    says: /the completion of initiate did not come/,
    taps: () => {
      let count = 0;
      return {
        miniportInitiateOffload: (next, context, tree) => {
          if (count++ > 0) next(context, tree);
        },
      };
    },
  },
  {
    does: 'completes sends with PAUSED after UPLOAD_ALL',
    fails: 'target-upload-all',
    says: /how the sends ended that were completed/,
    taps: () => sendsAfter(NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_PAUSED),
  },
  {
    does: 'does not say that offloading may go on',
    fails: 'target-upload-all',
    says: /the status indication NDIS_STATUS_OFFLOAD_RESUME.* did not come/,
    taps: () => {
      let count = 0;
      return {
        indicateStatusEx: (next, indication) => {
          // Pause, upload-all, and then no resume.
          if (count++ < 2) next(indication);
        },
      };
    },
  },
  {
    does: 'ends sends with REQUEST_ABORTED after UPLOAD_ALL',
    fails: 'target-upload-all',
    says: /how the sends ended that were completed/,
    taps: () => sendsAfter(NDIS_STATUS_UPLOAD_ALL, NDIS_STATUS_REQUEST_ABORTED),
  },
  {
    does: 'completes what comes after UPLOAD_ALL ahead of what is pending',
    fails: 'target-upload-all-pending',
    says: /sends that were completed, and then those in the chain of a terminate/,
    taps: () => {
      let isUploading = false;
      return {
        indicateStatusEx: (next, indication) => {
          isUploading ||= indication.statusCode === NDIS_STATUS_UPLOAD_ALL;
          next(indication);
        },
        ...lateSendsFirst(() => isUploading),
      };
    },
  },
  {
    does: 'completes receive requests that come after UPLOAD_ALL first',
    fails: 'target-upload-all-requests',
    says: /how receive requests ended/,
    taps: () => ({
      tcpOffloadReceiveComplete: (next, list) => {
        for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) if (nbl.status === NDIS_STATUS_UPLOAD_IN_PROGRESS) nbl.status = NDIS_STATUS_SUCCESS;
        next(list);
      },
    }),
  },
  {
    does: 'does not complete a disconnect that comes after UPLOAD_ALL',
    fails: 'target-upload-all-requests',
    says: /completions of a disconnect after UPLOAD_ALL: expected 1, found 0/,
    taps: () => ({ miniportTcpOffloadDisconnect: () => NDIS_STATUS_PENDING }),
  },
  {
    does: 'loses what the host refused before UPLOAD_ALL',
    fails: 'target-upload-all-stream',
    says: /what the host got in both lives of a connection did not come/,
    taps: () => ({
      miniportInitiateOffload: (next, context, tree) => {
        for (const block of blocksOf(tree)) {
          const delegated = (block.state as { delegated?: { bufferedData?: unknown } } | null)?.delegated;
          if (delegated?.bufferedData != null) delegated.bufferedData = null;
        }
        next(context, tree);
      },
    }),
  },
];

/** Gives sends back at once that come when this is so, though others are pending. */
function lateSendsFirst(isLate: () => boolean): MiniportTaps {
  let complete: ((list: NetBufferList) => void) | null = null;
  return {
    getOffloadHandlers: (next, type) => {
      const result = next(type);
      const { offloadHandlers } = result;
      complete = (list) => offloadHandlers?.tcpOffloadSendComplete(list);
      return result;
    },
    miniportTcpOffloadSend: (next, context, connection, list) => {
      if (!isLate()) return next(context, connection, list);
      for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
      complete?.(list);
      return NDIS_STATUS_PENDING;
    },
  };
}
