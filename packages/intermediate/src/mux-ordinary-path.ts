import { NDIS_RECEIVE_FLAGS_RESOURCES, NDIS_STATUS_PAUSED, NDIS_STATUS_RESOURCES, type NetBufferList } from '@ndis-chimney/types';

import type { MuxLower } from './mux-lower.ts';
import { eachVlan, hideTags, showTags, tagSends, untagSends } from './mux-ordinary-tags.ts';
import type { MuxPlacement } from './mux-placement.ts';
import type { MuxUpper } from './mux-upper.ts';
import { StateRelay } from './state-relay.ts';

/**
 * The ordinary data path of a mux. Sends go down on the adapter in use, with the tag of the interface where they have
 * none; received packets go up to the interfaces of their VLAN, without the tag.
 */
export abstract class MuxOrdinaryPath extends StateRelay<MuxUpper, MuxLower> {
  protected abstract readonly uppers: readonly MuxUpper[];
  /** @internal */
  protected abstract readonly placement: MuxPlacement;

  miniportSendNetBufferLists(upper: MuxUpper, netBufferList: NetBufferList, portNumber: number, sendFlags: number): void {
    const lower = this.placement.primary;
    if (lower === null || !this.sends.push(netBufferList, upper)) {
      this.failures.failOrdinary(netBufferList, upper, lower === null ? NDIS_STATUS_PAUSED : NDIS_STATUS_RESOURCES);
      return;
    }
    tagSends(upper, this.sendContexts, netBufferList);
    lower.binding.sendNetBufferLists(netBufferList, portNumber, sendFlags);
  }

  protocolSendNetBufferListsComplete(lower: MuxLower, netBufferList: NetBufferList, sendCompleteFlags: number): void {
    untagSends(this.uppers, this.sendContexts, netBufferList);
    this.sends.popByUpperEdge(netBufferList, (upper, run) => {
      this.completeOrRetry(upper, () => {
        upper.miniport.sendNetBufferListsComplete(run, sendCompleteFlags);
      });
      this.returned(upper, lower);
    });
  }

  protocolReceiveNetBufferLists(lower: MuxLower, netBufferList: NetBufferList, portNumber: number, _count: number, receiveFlags: number): void {
    const mustComeBack = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
    eachVlan(this.uppers.filter(({ isUp }) => isUp), netBufferList, mustComeBack, (receivers, run, count) => {
      let isKept = false;
      try {
        isKept = this.indicateRun(lower, receivers, run, portNumber, count, receiveFlags);
      } finally {
        if (!isKept && !mustComeBack) lower.binding.returnNetBufferLists(run, 0);
      }
    });
  }

  /** Shows NBLs to several interfaces; the last may keep them. @returns false when nobody has kept them. */
  private indicateRun(lower: MuxLower, receivers: readonly MuxUpper[], run: NetBufferList, portNumber: number, count: number, receiveFlags: number): boolean {
    const mayKeep = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) === 0;
    let isKept = false;
    receivers.forEach((upper, at) => {
      const keeps = mayKeep && at === receivers.length - 1;
      isKept = this.indicateTo(upper, lower, run, portNumber, count, keeps ? receiveFlags : receiveFlags | NDIS_RECEIVE_FLAGS_RESOURCES) && keeps;
    });
    return isKept;
  }

  /** @returns false when there was no memory to do it. */
  private indicateTo(upper: MuxUpper, lower: MuxLower, list: NetBufferList, portNumber: number, count: number, receiveFlags: number): boolean {
    if (!this.receives.push(list, lower.binding)) return false;
    const { contexts } = this.receives;
    hideTags(upper, contexts, list);
    let isStopped = true;
    try {
      upper.miniport.indicateReceiveNetBufferLists(list, portNumber, count, receiveFlags);
      isStopped = false;
    } finally {
      if (isStopped || (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0) {
        showTags(upper, contexts, list);
        this.receives.pop(list);
      }
    }
    // One that was not accepted came back inside the call.
    this.returned(upper, lower);
    return true;
  }

  override miniportReturnNetBufferLists(upper: MuxUpper, netBufferList: NetBufferList, returnFlags: number): void {
    showTags(upper, this.receives.contexts, netBufferList);
    super.miniportReturnNetBufferLists(upper, netBufferList, returnFlags);
  }
}
