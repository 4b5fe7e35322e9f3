import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBinding,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { IntermediateDriver } from './intermediate-driver.ts';
import type { OffloadEntry } from './offload-entry.ts';
import { relayedNeighborQuery } from './relay.ts';
import { completeRequest, type DataRequest } from './request-failures.ts';
import type { VirtualMiniport } from './virtual-miniport.ts';

/**
 * The data path of an intermediate driver: requests down by the handle of their entry, completions up to the interface
 * they came from, indications up by the entry. Nothing is allocated per NBL but its context, which is pooled.
 */
export abstract class IoRelay<Upper extends VirtualMiniport, Lower> extends IntermediateDriver<Upper> {
  /** The one upper interface that the NBLs of a completed list came from; null when they came from several. */
  protected abstract upperEdgeOf(lower: Lower, netBufferList: NetBufferList): Upper | null;

  /** The one binding that the NBLs of a returned list were indicated on; null when they were on several. */
  protected abstract bindingOf(edge: Upper, netBufferList: NetBufferList): NdisBinding | null;

  /** NBLs are with their owner again: what waits for them goes on. */
  protected abstract returned(edge: Upper, lower: Lower): void;

  // --- requests down ---

  miniportTcpOffloadSend(edge: Upper, entry: OffloadEntry<Upper>, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('send', edge, entry, netBufferList);
    const { handle } = entry;
    return handle.binding.relayTcpSend(handle, netBufferList, this.sendContexts, edge);
  }

  miniportTcpOffloadReceive(edge: Upper, entry: OffloadEntry<Upper>, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested) return this.failRequest('receive', edge, entry, netBufferList);
    const { handle } = entry;
    return handle.binding.relayTcpReceive(handle, netBufferList, this.sendContexts, edge);
  }

  miniportTcpOffloadDisconnect(edge: Upper, entry: OffloadEntry<Upper>, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    if (entry.isUploadRequested || !this.sends.push(netBufferList, edge)) return this.failRequest('disconnect', edge, entry, netBufferList);
    return entry.handle.binding.offloadTcpDisconnect(entry.handle, netBufferList, flags);
  }

  miniportTcpOffloadForward(edge: Upper, entry: OffloadEntry<Upper>, netBufferList: NetBufferList): NDIS_STATUS {
    if (entry.isUploadRequested || !this.sends.push(netBufferList, edge)) return this.failRequest('forward', edge, entry, netBufferList);
    return entry.handle.binding.offloadTcpForward(entry.handle, netBufferList);
  }

  /** Takes a request that goes no further: for lack of memory, or because the upload was asked for already. */
  protected failRequest(request: DataRequest, edge: Upper, entry: OffloadEntry, list: NetBufferList): NDIS_STATUS {
    this.failures.fail(request, entry, list, edge);
    return NDIS_STATUS_PENDING;
  }

  miniportTcpOffloadReceiveReturn(edge: Upper, netBufferList: NetBufferList): NDIS_STATUS {
    const binding = this.bindingOf(edge, netBufferList);
    if (binding === null) {
      this.receives.popByUpperEdge(netBufferList, (owner, run) => {
        this.returnReceived(edge, owner, run);
      });
    } else {
      this.receives.pop(netBufferList);
      this.returnReceived(edge, binding, netBufferList);
    }
    return NDIS_STATUS_SUCCESS;
  }

  private returnReceived(edge: Upper, binding: NdisBinding, list: NetBufferList): void {
    try {
      binding.offloadTcpReceiveReturn(list);
    } catch (error) {
      // It was stopped, and is tried once more.
      this.completions.add(edge, () => {
        binding.offloadTcpReceiveReturn(list);
      });
      throw error;
    }
    this.returned(edge, binding.protocolBindingContext as Lower);
  }

  /** `MiniportReturnNetBufferLists`: gives NBLs of the ordinary path back on the bindings they came from. */
  miniportReturnNetBufferLists(edge: Upper, netBufferList: NetBufferList, returnFlags: number): void {
    this.receives.popByUpperEdge(netBufferList, (binding, run) => {
      this.completeOrRetry(edge, () => {
        binding.returnNetBufferLists(run, returnFlags);
      });
      this.returned(edge, binding.protocolBindingContext as Lower);
    });
  }

  // --- completions up ---

  protocolTcpOffloadSendComplete(lower: Lower, netBufferList: NetBufferList): void {
    const edge = this.upperEdgeOf(lower, netBufferList);
    if (edge === null) {
      this.completeMixed('send', lower, netBufferList);
      return;
    }
    try {
      edge.handlers.relayTcpSendComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(edge, 'send', netBufferList);
      throw error;
    }
    this.returned(edge, lower);
  }

  protocolTcpOffloadReceiveComplete(lower: Lower, netBufferList: NetBufferList): void {
    const edge = this.upperEdgeOf(lower, netBufferList);
    if (edge === null) {
      this.completeMixed('receive', lower, netBufferList);
      return;
    }
    try {
      edge.handlers.relayTcpReceiveComplete(netBufferList, this.sendContexts);
    } catch (error) {
      this.completeAgain(edge, 'receive', netBufferList);
      throw error;
    }
    this.returned(edge, lower);
  }

  /** With NULL the disconnect was one that the target completed for itself; there is nothing to pass on. */
  protocolTcpOffloadDisconnectComplete(lower: Lower, netBufferList: NetBufferList | null): void {
    if (netBufferList !== null) this.completeSplit('disconnect', lower, netBufferList);
  }

  protocolTcpOffloadForwardComplete(lower: Lower, netBufferList: NetBufferList): void {
    this.completeSplit('forward', lower, netBufferList);
  }

  private completeSplit(request: DataRequest, lower: Lower, list: NetBufferList): void {
    const edge = this.upperEdgeOf(lower, list);
    if (edge === null) {
      this.completeMixed(request, lower, list);
      return;
    }
    this.sends.pop(list);
    this.completeOne(request, lower, edge, list);
  }

  /** One call per upper interface, the NBLs of each in their order. */
  private completeMixed(request: DataRequest, lower: Lower, list: NetBufferList): void {
    this.sends.popByUpperEdge(list, (edge, run) => {
      this.completeOne(request, lower, edge, run);
    });
  }

  private completeOne(request: DataRequest, lower: Lower, edge: Upper, list: NetBufferList): void {
    this.completeOrRetry(edge, () => {
      completeRequest(edge.handlers, request, list);
    });
    this.returned(edge, lower);
  }

  /** A completion that was stopped is tried once more, from a DPC. The contexts are off already. */
  protected completeAgain(edge: Upper, request: DataRequest, list: NetBufferList): void {
    this.completions.add(edge, () => {
      completeRequest(edge.handlers, request, list);
    });
  }

  /** Completes something to an upper interface; when that is stopped it is tried once more, from a DPC. */
  protected completeOrRetry(edge: Upper, complete: () => void): void {
    this.completions.completeOrRetry(edge, complete);
  }

  // --- indications up ---

  protocolTcpOffloadEvent({ owner }: OffloadHandle<OffloadEntry<Upper>>, eventType: number, eventSpecificInformation: number): void {
    owner.upperEdge.handlers.tcpOffloadEventHandler(owner.upperHandle, eventType, eventSpecificInformation);
  }

  protocolTcpOffloadReceiveIndicate(
    { owner, binding }: OffloadHandle<OffloadEntry<Upper>>,
    netBufferList: NetBufferList,
    status: NDIS_STATUS,
    bytesConsumed: BytesConsumed,
  ): NDIS_STATUS {
    const { upperHandle, upperEdge } = owner;
    // Without memory the data stays below, and is offered again when the host posts a receive.
    if (!this.receives.push(netBufferList, binding)) return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    let isKept = false;
    try {
      const result = upperEdge.handlers.tcpOffloadReceiveHandler(upperHandle, netBufferList, status, bytesConsumed);
      isKept = result === NDIS_STATUS_SUCCESS;
      return result;
    } finally {
      if (!isKept) {
        this.receives.pop(netBufferList);
        if (upperEdge.isPausePending) this.continuePause(upperEdge);
      }
    }
  }

  protocolIndicateOffloadEvent(_lower: Lower, offloadBlockList: ProtocolOffloadBlockList, indicationCode: number): void {
    relayedNeighborQuery<Upper>(offloadBlockList, (block: MiniportOffloadBlockList, upperEdge) => {
      upperEdge.miniport.offloadEventIndicate(block, indicationCode);
    });
  }
}
