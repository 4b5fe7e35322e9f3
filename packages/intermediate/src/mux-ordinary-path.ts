import { NDIS_RECEIVE_FLAGS_RESOURCES, NDIS_STATUS_PAUSED, NDIS_STATUS_RESOURCES, type NetBufferList, type NetBufferListContextPool } from '@ndis-chimney/types';

import type { MuxLower } from './mux-lower.ts';
import type { MuxPlacement } from './mux-placement.ts';
import { setTag, tagInfo, tagOf, vlanIdOf } from './mux-tags.ts';
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
    if (upper.isTagging) swapTags(this.sendContexts, netBufferList, (tag) => (tag === 0 ? tagInfo(upper.vlanId, upper.priority) : tag));
    lower.binding.sendNetBufferLists(netBufferList, portNumber, sendFlags);
  }

  protocolSendNetBufferListsComplete(lower: MuxLower, netBufferList: NetBufferList, sendCompleteFlags: number): void {
    if (this.uppers.some(({ isTagging }) => isTagging)) restoreTags(this.sendContexts, netBufferList);
    this.sends.popByUpperEdge(netBufferList, (upper, run) => {
      this.completeOrRetry(upper, () => {
        upper.miniport.sendNetBufferListsComplete(run, sendCompleteFlags);
      });
      this.returned(upper, lower);
    });
  }

  protocolReceiveNetBufferLists(lower: MuxLower, netBufferList: NetBufferList, portNumber: number, _count: number, receiveFlags: number): void {
    const mustComeBack = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
    const members: NetBufferList[] = [];
    for (let nbl: NetBufferList | null = netBufferList; nbl !== null; nbl = nbl.next) members.push(nbl);
    const errors: unknown[] = [];
    for (const [vlanId, run] of this.byVlan(members)) {
      relink(run);
      let isKept = false;
      try {
        isKept = this.indicateRun(lower, vlanId, run, portNumber, receiveFlags);
      } catch (error) {
        // It was stopped; the other VLANs get theirs all the same.
        errors.push(error);
      }
      if (!isKept && !mustComeBack) lower.binding.returnNetBufferLists(run[0] as NetBufferList, 0);
    }
    // Whoever indicated the list has it back on return, as it was.
    if (mustComeBack) relink(members);
    if (errors.length > 0) throw errors[0];
  }

  /** What was received, by VLAN; all together when no interface has one. */
  private byVlan(members: readonly NetBufferList[]): ReadonlyMap<number, NetBufferList[]> {
    const runs = new Map<number, NetBufferList[]>();
    const hasVlans = this.uppers.some(({ vlanId }) => vlanId !== 0);
    for (const nbl of members) {
      const vlanId = hasVlans ? vlanIdOf(nbl) : 0;
      const run = runs.get(vlanId);
      if (run === undefined) runs.set(vlanId, [nbl]);
      else run.push(nbl);
    }
    return runs;
  }

  /** Shows NBLs to all interfaces of a VLAN; the last may keep them. @returns false when nobody has kept them. */
  private indicateRun(lower: MuxLower, vlanId: number, run: readonly NetBufferList[], portNumber: number, receiveFlags: number): boolean {
    const up = this.uppers.filter(({ isUp }) => isUp);
    const ofVlan = up.filter((upper) => upper.vlanId === vlanId);
    const receivers = ofVlan.length > 0 ? ofVlan : up.filter((upper) => upper.vlanId === 0);
    const mayKeep = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) === 0;
    let isKept = false;
    receivers.forEach((upper, at) => {
      const keeps = mayKeep && at === receivers.length - 1;
      isKept = this.indicateTo(upper, lower, run, portNumber, keeps ? receiveFlags : receiveFlags | NDIS_RECEIVE_FLAGS_RESOURCES) && keeps;
    });
    return isKept;
  }

  /** @returns false when there was no memory to do it. */
  private indicateTo(upper: MuxUpper, lower: MuxLower, run: readonly NetBufferList[], portNumber: number, receiveFlags: number): boolean {
    const list = run[0] as NetBufferList;
    if (!this.receives.push(list, lower.binding)) return false;
    const { contexts } = this.receives;
    if (upper.vlanId !== 0) swapTags(contexts, list, () => 0);
    let isStopped = true;
    try {
      upper.miniport.indicateReceiveNetBufferLists(list, portNumber, run.length, receiveFlags);
      isStopped = false;
    } finally {
      if (isStopped || (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0) {
        relink(run);
        restoreTags(contexts, list);
        this.receives.pop(list);
      }
    }
    // One that was not accepted came back inside the call.
    this.returned(upper, lower);
    return true;
  }

  override miniportReturnNetBufferLists(upper: MuxUpper, netBufferList: NetBufferList, returnFlags: number): void {
    if (upper.vlanId !== 0) restoreTags(this.receives.contexts, netBufferList);
    super.miniportReturnNetBufferLists(upper, netBufferList, returnFlags);
  }
}

function relink(members: readonly NetBufferList[]): void {
  members.forEach((nbl, at) => {
    nbl.next = members[at + 1] ?? null;
  });
}

/** Gives the NBLs of a list other tags; the context of each remembers the one it had. */
function swapTags(contexts: NetBufferListContextPool, list: NetBufferList, tagFor: (tag: number) => number): void {
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
    const context = contexts.topOf(nbl);
    const before = tagOf(nbl);
    const after = tagFor(before);
    if (context === null || before === after) continue;
    context.contextData = before;
    setTag(nbl, after);
  }
}

/** The opposite; to be called before the contexts come off. */
function restoreTags(contexts: NetBufferListContextPool, list: NetBufferList): void {
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
    const before = contexts.topOf(nbl)?.contextData ?? null;
    if (before !== null) setTag(nbl, before as number);
  }
}
