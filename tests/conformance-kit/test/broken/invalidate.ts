import { blocksOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, type MiniportOffloadBlockList, type OffloadHandle, type TcpOffloadState } from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { eachSendComplete, eachTerminated } from './send-taps.ts';
import { changingBlocks, layerOf, withAdapter } from './tree-taps.ts';

/** Answers invalidates with SUCCESS and does nothing, for trees that this is true of. */
function ignoring(which: (tree: MiniportOffloadBlockList) => boolean = () => true): Broken['taps'] {
  return (environment) =>
    withAdapter((adapter) => ({
      miniportInvalidateOffload: (next, context, tree) => {
        if (!which(tree)) {
          next(context, tree);
          return;
        }
        for (const block of blocksOf(tree)) block.status = NDIS_STATUS_SUCCESS;
        environment.clock.createTimer({
          timerExpired: () => {
            adapter().miniport.invalidateOffloadComplete(tree);
          },
        }).start(1);
      },
    }))(environment);
}

export const brokenInvalidate: readonly Broken[] = [
  {
    does: 'goes on below an invalid path',
    fails: 'target-invalidate-stops-sends',
    says: /depends on an invalid path ended with NDIS_STATUS_SUCCESS/,
    taps: ignoring((tree) => layerOf(tree) === 'path'),
  },
  {
    does: 'goes on below an invalid neighbor',
    fails: 'target-invalidate-stops-sends',
    says: /depends on an invalid neighbor ended with NDIS_STATUS_SUCCESS/,
    taps: ignoring((tree) => layerOf(tree) === 'neighbor'),
  },
  {
    does: 'says of sends that it gives back that they were sent',
    fails: 'target-invalidate-stops-sends',
    says: /depends on an invalid connection ended with NDIS_STATUS_SUCCESS/,
    taps: () =>
      eachSendComplete((nbl) => {
        nbl.status = NDIS_STATUS_SUCCESS;
      }),
  },
  { does: 'goes on whatever is invalidated', fails: 'target-invalidate-silence', says: /what reached the peer of a connection whose path is invalid/, taps: ignoring() },
  {
    does: 'asks for no upload',
    fails: 'target-invalidate-event',
    says: /request for the upload of connection 0, which depends on an invalid connection, did not come/,
    taps: () => ({
      tcpOffloadEventHandler: () => undefined,
    }),
  },
  {
    does: 'asks for an upload for another reason',
    fails: 'target-invalidate-event',
    says: /first event of connection 0/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType) => {
        next(handle, eventType, TCP_UPLOAD_REASON.UploadRequested);
      },
    }),
  },
  {
    does: 'asks for the upload of connections that depend on nothing invalid',
    fails: 'target-invalidate-event',
    says: /first event of connection \d/,
    taps: withAdapter((adapter) => {
      let last: OffloadHandle | null = null;
      return {
        tcpOffloadSendComplete: (next, list) => {
          if (list.status === NDIS_STATUS_SUCCESS && last?.state === 'offloaded') adapter().handlers.tcpOffloadEventHandler(last, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.InvalidState);
          next(list);
        },
        ...changingBlocks('initiate', (block) => {
          if (layerOf(block) === 'tcp') last = block.ndisOffloadHandle;
        }),
      };
    }),
  },
  {
    does: 'forgets what a connection received when it becomes invalid',
    fails: 'target-invalidate-keeps',
    says: /received data of a connection that depended on something invalid/,
    taps: () =>
      eachTerminated((delegated) => {
        delegated.bufferedData = null;
      }),
  },
  {
    does: 'takes the context of a connection back when it becomes invalid',
    fails: 'target-invalidate-keeps',
    says: /query of an offloaded connection failed|lost its context/,
    taps: () =>
      changingBlocks('query', (block) => {
        if ((block.state as TcpOffloadState | null)?.delegated != null) block.status = NDIS_STATUS_FAILURE;
      }),
  },
  {
    does: 'does not invalidate what is below a placeholder',
    fails: 'target-invalidate-tree',
    says: /of an invalidate ended with NDIS_STATUS_FAILURE/,
    taps: () =>
      changingBlocks('invalidate', (block) => {
        if (block.miniportOffloadContext === null) block.status = NDIS_STATUS_FAILURE;
      }),
  },
  {
    does: 'says SUCCESS of an invalidate that found its hardware broken',
    fails: 'target-invalidate-hardware-failure',
    says: /status of an invalidate of a connection whose hardware is broken/,
    taps: () =>
      changingBlocks('invalidate', (block) => {
        block.status = NDIS_STATUS_SUCCESS;
      }),
    subject: sinkSubject,
  },
  {
    does: 'tells of broken hardware and not of the abort',
    fails: 'target-invalidate-hardware-failure',
    says: /events of a hardware failure did not come/,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        if (eventType !== TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort) next(handle, eventType, information);
      },
    }),
    subject: sinkSubject,
  },
];
