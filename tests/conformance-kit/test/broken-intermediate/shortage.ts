import { blocksOf, membersOf } from '@ndis-chimney/conformance/probes';
import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter, type StateOperation } from '@ndis-chimney/intermediate';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_REQUESTED,
  netBufferListDataLength,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import { tapped, type BrokenIntermediate } from './broken-intermediate.ts';

type Entry = OffloadEntry<PassThroughAdapter>;

export const brokenShortage: readonly BrokenIntermediate[] = [
  {
    does: 'says RESOURCES of a send that it has no memory for',
    fails: 'send-without-memory',
    says: /their statuses/u,
    subject: tapped({
      upper: {
        tcpOffloadSendComplete: (next, list) => {
          for (const nbl of membersOf(list)) if (nbl.status === NDIS_STATUS_REQUEST_UPLOAD) nbl.status = NDIS_STATUS_RESOURCES;
          next(list);
        },
      },
    }),
  },
  {
    does: 'sends what comes behind a send that it had no memory for',
    fails: 'no-overtaking',
    says: /sends and disconnects that went down behind one that did not/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          entry.isUploadRequested = false;
          return super.miniportTcpOffloadSend(adapter, entry, list);
        }
      },
    ),
  },
  {
    does: 'says RESOURCES of a send behind one that it had no memory for',
    fails: 'no-overtaking',
    says: /what was behind a send that did not go down came back with .*RESOURCES/u,
    subject: tapped({
      upper: {
        tcpOffloadSendComplete: (next, list) => {
          if (list.status === NDIS_STATUS_UPLOAD_REQUESTED) list.status = NDIS_STATUS_RESOURCES;
          next(list);
        },
      },
    }),
  },
  {
    does: 'does not ask for an upload when it has no memory for a receive request',
    fails: 'requests-without-memory',
    says: /the status of the first of a receive without memory/u,
    subject: tapped({
      upper: {
        tcpOffloadReceiveComplete: (next, list) => {
          for (const nbl of membersOf(list)) if (nbl.status === NDIS_STATUS_REQUEST_UPLOAD) nbl.status = NDIS_STATUS_UPLOAD_REQUESTED;
          next(list);
        },
      },
    }),
  },
  {
    does: 'says RESOURCES of all but the first of the forwarded segments that it has no memory for',
    fails: 'requests-without-memory',
    says: /one of a forward without memory came back with .*RESOURCES/u,
    subject: tapped({
      upper: {
        tcpOffloadForwardComplete: (next, list) => {
          for (const nbl of membersOf(list)) if (nbl.status === NDIS_STATUS_UPLOAD_REQUESTED) nbl.status = NDIS_STATUS_RESOURCES;
          next(list);
        },
      },
    }),
  },
  {
    does: 'loses forwarded segments that it has no memory for',
    fails: 'requests-without-memory',
    says: /requests that came back, in order/u,
    subject: tapped({
      upper: {
        tcpOffloadForwardComplete: (next, list) => {
          if (list.status !== NDIS_STATUS_REQUEST_UPLOAD) next(list);
        },
      },
    }),
  },
  {
    does: 'completes what it owes after the terminate of its connection',
    fails: 'owed-before-a-terminate',
    says: /what came back, in order: expected \["dataComplete","stateComplete"\]/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, list: ProtocolOffloadBlockList): void {
          this.relayUp('terminate', adapter, list);
        }
      },
    ),
  },
  {
    does: 'drops data that it has no memory to show',
    fails: 'indications-without-memory',
    says: /answers to two indications with memory for one/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadReceiveIndicate(handle: OffloadHandle<Entry>, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
          const result = super.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
          if (result !== NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED || bytesConsumed.value !== 0) return result;
          bytesConsumed.value = netBufferListDataLength(nbl);
          handle.binding.offloadTcpReceiveReturn(nbl);
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'offers a connection without the send data that it has no memory for',
    fails: 'chain-without-memory',
    says: /initiates that came back: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        protected override relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
          if (super.relayTree(operation, adapter, tree)) return true;
          for (const block of blocksOf(tree)) block.netBufferListChain = null;
          return super.relayTree(operation, adapter, tree);
        }
      },
    ),
  },
  {
    does: 'says of ordinary sends that it has no memory for that they were sent',
    fails: 'ordinary-send-without-memory',
    says: /an ordinary send that did not go down came back with success/u,
    subject: tapped({
      upper: {
        sendNetBufferListsComplete: (next, list, flags) => {
          for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_SUCCESS;
          next(list, flags);
        },
      },
    }),
  },
];
