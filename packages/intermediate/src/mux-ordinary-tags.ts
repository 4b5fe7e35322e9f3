import { type NetBufferList, type NetBufferListContextPool } from '@ndis-chimney/types';

import { setTag, tagInfo, tagOf, vlanIdOf } from './mux-tags.ts';
import type { MuxUpper } from './mux-upper.ts';

/** Gives sends the tag of their upper interface where they have none. Contexts are on them. */
export function tagSends({ isTagging, vlanId, priority }: MuxUpper, contexts: NetBufferListContextPool, list: NetBufferList): void {
  if (isTagging) swapTags(contexts, list, (tag) => (tag === 0 ? tagInfo(vlanId, priority) : tag));
}

/** The opposite, of sends from any of the upper interfaces; to be called before the contexts come off. */
export function untagSends(uppers: readonly MuxUpper[], contexts: NetBufferListContextPool, list: NetBufferList): void {
  if (uppers.some(({ isTagging }) => isTagging)) restoreTags(contexts, list);
}

/** Takes the tags off received packets that go up to an interface with a VLAN. Contexts are on them. */
export function hideTags({ vlanId }: MuxUpper, contexts: NetBufferListContextPool, list: NetBufferList): void {
  if (vlanId !== 0) swapTags(contexts, list, () => 0);
}

/** The opposite; to be called before the contexts come off. */
export function showTags({ vlanId }: MuxUpper, contexts: NetBufferListContextPool, list: NetBufferList): void {
  if (vlanId !== 0) restoreTags(contexts, list);
}

/**
 * Delivers received packets to the upper interfaces of their VLAN: one list per VLAN, all together when no interface has
 * one. When `deliver` throws the other VLANs get theirs all the same, and the first error goes on to the caller.
 * @param uppers those that are up.
 * @param mustComeBack whether the list is to be as it was afterwards.
 */
export function eachVlan(
  uppers: readonly MuxUpper[],
  list: NetBufferList,
  mustComeBack: boolean,
  deliver: (receivers: readonly MuxUpper[], run: NetBufferList, count: number) => void,
): void {
  const members: NetBufferList[] = [];
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) members.push(nbl);
  const hasVlans = uppers.some(({ vlanId }) => vlanId !== 0);
  const runs = new Map<number, NetBufferList[]>();
  for (const nbl of members) {
    const vlanId = hasVlans ? vlanIdOf(nbl) : 0;
    const run = runs.get(vlanId);
    if (run === undefined) runs.set(vlanId, [nbl]);
    else run.push(nbl);
  }
  const errors: unknown[] = [];
  for (const [vlanId, run] of runs) {
    const ofVlan = uppers.filter((upper) => upper.vlanId === vlanId);
    relink(run);
    try {
      deliver(ofVlan.length > 0 ? ofVlan : uppers.filter((upper) => upper.vlanId === 0), run[0] as NetBufferList, run.length);
    } catch (error) {
      errors.push(error);
    }
  }
  if (mustComeBack) relink(members);
  if (errors.length > 0) throw errors[0];
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

function restoreTags(contexts: NetBufferListContextPool, list: NetBufferList): void {
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
    const before = contexts.topOf(nbl)?.contextData ?? null;
    if (before !== null) setTag(nbl, before as number);
  }
}
