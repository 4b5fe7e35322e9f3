import {
  Dpc,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_UPLOAD_REQUESTED,
  type ContextShortageHandler,
  type DeferredRoutine,
  type DpcQueue,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { OffloadEntry } from './offload-entry.ts';

/** The data requests that end in a completion. */
export type DataRequest = 'send' | 'receive' | 'disconnect' | 'forward';

/** An upper interface, as far as completions need to know it. */
export interface HandlersOfEdge {
  readonly handlers: NdisTcpOffloadEventHandlers;
}

interface FailedRequest<UpperEdge> {
  readonly upperEdge: UpperEdge;
  readonly request: DataRequest;
  readonly list: NetBufferList;
}

/**
 * Completes requests that an intermediate driver has no memory to pass on, the documented way: nothing goes down, the
 * first NBL asks for the upload, the others say that it was asked for, and so does everything that comes later on the
 * connection. Completions come from a DPC, in the order of the requests.
 *
 * Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export class RequestFailures<UpperEdge extends HandlersOfEdge> implements DeferredRoutine, ContextShortageHandler {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private readonly onCompleted: (upperEdge: UpperEdge) => void;
  private failed: FailedRequest<UpperEdge>[] = [];

  /** @param onCompleted called after each completion, with the upper interface it went to. */
  constructor(dpcQueue: DpcQueue, onCompleted: (upperEdge: UpperEdge) => void) {
    this.dpcQueue = dpcQueue;
    this.onCompleted = onCompleted;
  }

  /** True while requests of an upper interface wait for their completion. */
  isPending(upperEdge: UpperEdge): boolean {
    return this.failed.some((failed) => failed.upperEdge === upperEdge);
  }

  contextsExhausted(request: DataRequest, ndisOffloadHandle: OffloadHandle, netBufferList: NetBufferList, upperEdge: unknown): void {
    this.fail(request, ndisOffloadHandle.owner as OffloadEntry, netBufferList, upperEdge as UpperEdge);
  }

  /** Takes a list that goes no further. */
  fail(request: DataRequest, entry: OffloadEntry, list: NetBufferList, upperEdge: UpperEdge): void {
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      nbl.status = entry.isUploadRequested ? NDIS_STATUS_UPLOAD_REQUESTED : NDIS_STATUS_REQUEST_UPLOAD;
      nbl.tcpOffloadBytesTransferred = 0;
      entry.isUploadRequested = true;
    }
    this.failed.push({ upperEdge, request, list });
    this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    for (let count = this.failed.length; count > 0; count--) {
      const first = this.failed.shift();
      if (first === undefined) return;
      const { upperEdge, request, list } = first;
      complete(upperEdge.handlers, request, list);
      this.onCompleted(upperEdge);
    }
  }
}

/** Calls the completion function that goes with a request. */
function complete(handlers: NdisTcpOffloadEventHandlers, request: DataRequest, list: NetBufferList): void {
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
      break;
  }
}
