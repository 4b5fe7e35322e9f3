import {
  NDIS_STATUS_SUCCESS,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

/**
 * Counts the calls of one adapter that are up there. What an engine raises meanwhile has to wait: calls for a
 * connection neither nest nor overlap (`CHIM-RCV-004`).
 */
export class Upcalls {
  depth = 0;

  /** `NdisTcpOffloadReceiveHandler`. */
  indicateReceive(handlers: NdisTcpOffloadEventHandlers, handle: OffloadHandle, nbl: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    this.depth++;
    try {
      return handlers.tcpOffloadReceiveHandler(handle, nbl, NDIS_STATUS_SUCCESS, bytesConsumed);
    } finally {
      this.depth--;
    }
  }

  /** `NdisTcpOffloadEventHandler`. */
  indicateEvent(handlers: NdisTcpOffloadEventHandlers, handle: OffloadHandle, eventType: number, information: number): void {
    this.depth++;
    try {
      handlers.tcpOffloadEventHandler(handle, eventType, information);
    } finally {
      this.depth--;
    }
  }

  /** `NdisMOffloadEventIndicate`. */
  indicateOffloadEvent(miniport: NdisMiniport, block: MiniportOffloadBlockList, indicationCode: number): void {
    this.depth++;
    try {
      miniport.offloadEventIndicate(block, indicationCode);
    } finally {
      this.depth--;
    }
  }

  /** The completion of a state operation. */
  complete(miniport: NdisMiniport, kind: 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query', tree: MiniportOffloadBlockList): void {
    this.depth++;
    try {
      if (kind === 'initiate') miniport.initiateOffloadComplete(tree);
      else if (kind === 'terminate') miniport.terminateOffloadComplete(tree);
      else if (kind === 'update') miniport.updateOffloadComplete(tree);
      else if (kind === 'invalidate') miniport.invalidateOffloadComplete(tree);
      else miniport.queryOffloadStateComplete(tree);
    } finally {
      this.depth--;
    }
  }
}
