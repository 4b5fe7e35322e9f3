import {
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_UPLOAD_REQUESTED,
  type ContextShortageHandler,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { DeferredCompletions } from './deferred-completions.ts';
import type { OffloadEntry } from './offload-entry.ts';

/** The data requests of the chimney that end in a completion. */
export type DataRequest = 'send' | 'receive' | 'disconnect' | 'forward';

/** An upper interface, as far as completions need to know it. */
export interface HandlersOfEdge {
  readonly miniport: NdisMiniport;
  readonly handlers: NdisTcpOffloadEventHandlers;
}

/**
 * Completes requests that an intermediate driver has no memory to pass on, the documented way: nothing goes down, the
 * first NBL asks for the upload, the others say that it was asked for, and so does everything that comes later on the
 * connection. Completions come from a DPC, in the order of the requests.
 *
 * Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export class RequestFailures<UpperEdge extends HandlersOfEdge> implements ContextShortageHandler {
  private readonly completions: DeferredCompletions<UpperEdge>;

  /** @param completions where the completions are made. */
  constructor(completions: DeferredCompletions<UpperEdge>) {
    this.completions = completions;
  }

  contextsExhausted(request: DataRequest, ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, upperEdge: unknown): void {
    this.fail(request, ndisOffloadHandle.owner as OffloadEntry, netBufferList, upperEdge as UpperEdge);
  }

  /** Takes a list of a chimney request that goes no further. */
  fail(request: DataRequest, entry: OffloadEntry, list: NetBufferList, upperEdge: UpperEdge): void {
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      nbl.status = entry.isUploadRequested ? NDIS_STATUS_UPLOAD_REQUESTED : NDIS_STATUS_REQUEST_UPLOAD;
      nbl.tcpOffloadBytesTransferred = 0;
      entry.isUploadRequested = true;
    }
    this.completions.addFirstTry(upperEdge, () => {
      completeRequest(upperEdge.handlers, request, list);
    });
  }

  /** Takes a list of an ordinary send that goes no further: for want of memory, unless `status` says why. */
  failOrdinary(list: NetBufferList, upperEdge: UpperEdge, status: NDIS_STATUS = NDIS_STATUS_RESOURCES): void {
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) nbl.status = status;
    this.completions.addFirstTry(upperEdge, () => {
      upperEdge.miniport.sendNetBufferListsComplete(list, 0);
    });
  }
}

/** Calls the completion function that goes with a request. */
export function completeRequest(handlers: NdisTcpOffloadEventHandlers, request: DataRequest, list: NetBufferList): void {
  switch (request) {
    case 'send':
      handlers.tcpOffloadSendComplete(list);
      break;
    case 'receive':
      handlers.tcpOffloadReceiveComplete(list);
      break;
    case 'disconnect':
      handlers.tcpOffloadDisconnectComplete(list);
      break;
    case 'forward':
      handlers.tcpOffloadForwardComplete(list);
  }
}
