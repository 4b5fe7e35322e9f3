import type { NetBufferList } from '@ndis-chimney/types';

import type { Strike } from './fault-scope.ts';

/** The members of a list, in order. A list that loops, which faults can bring about, ends where the loop closes. */
export function membersOf(list: NetBufferList | null): NetBufferList[] {
  const members = new Set<NetBufferList>();
  for (let nbl = list; nbl !== null && !members.has(nbl); nbl = nbl.next) members.add(nbl);
  return [...members];
}

/** Links members into a list. @returns its head, or null when there are none. */
export function linkList(members: readonly NetBufferList[]): NetBufferList | null {
  members.forEach((nbl, at) => {
    nbl.next = members[at + 1] ?? null;
  });
  return members[0] ?? null;
}

/** An NBL that was struck. */
export interface StruckNbl {
  readonly nbl: NetBufferList;
  readonly strike: Strike;
}

/** Takes out of a list what a fault strikes, NBL by NBL. Each of those stands alone then. @returns them and the rest. */
export function takeStruck(list: NetBufferList, decide: (nbl: NetBufferList) => Strike | null): { readonly rest: NetBufferList | null; readonly struck: readonly StruckNbl[] } {
  const members = membersOf(list);
  const rest: NetBufferList[] = [];
  const struck: StruckNbl[] = [];
  for (const nbl of members) {
    const strike = decide(nbl);
    if (strike === null) rest.push(nbl);
    else struck.push({ nbl, strike });
  }
  if (struck.length === 0) return { rest: list, struck };
  for (const { nbl } of struck) nbl.next = null;
  return { rest: linkList(rest), struck };
}
