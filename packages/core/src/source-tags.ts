import { isNetBufferList, type NetBufferList, type NetBufferListSource } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';

/**
 * The source tags: `sourceHandle` of every NET_BUFFER_LIST below an edge is the binding it came down on, and of every
 * indicated one above an edge the adapter that passed it up. One pass checks and changes; what a refused list had
 * before, it has again. That finds a list already below, a looping list, a double completion, a foreign NBL and a
 * forgotten restore, each by one comparison.
 *
 * The fast loops assume what is almost always so, that the whole list has one source; the slow ones are behind calls.
 */

/**
 * Tags a list that goes down on `binding`, and counts it as outstanding there. NBLs may be untagged, or tagged by a
 * binding above (the caller is an intermediate driver then, and has saved the tag).
 * @returns false, with nothing changed, unless every NBL has the tag that nearly all have: then {@link tagDownInFull}.
 */
export function tagDown(binding: Binding, list: NetBufferList): boolean {
  if (list.sourceHandle !== binding.usualSource) return false;
  if (list.next !== null) return tagDownAll(binding, list);
  list.sourceHandle = binding;
  binding.outstandingNbls++;
  return true;
}

function tagDownAll(binding: Binding, list: NetBufferList): boolean {
  const from = binding.usualSource;
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    // The test for undefined is for lists made by hand in JavaScript.
    if (nbl === undefined || nbl.sourceHandle !== from) {
      retag(list, count, from);
      return false;
    }
    nbl.sourceHandle = binding;
    count++;
    nbl = nbl.next;
  } while (nbl !== null);
  binding.outstandingNbls += count;
  return true;
}

/** As {@link tagDown}, for any list. @returns its length. @throws to the caller, with nothing changed. */
export function tagDownInFull(binding: Binding, list: NetBufferList, call: string): number {
  return tagDownLogged(binding, list, [], call);
}

/** True when an NBL with this source may go down on `binding`: it was handed to the caller from above. */
export function mayGoDown(binding: Binding, source: NetBufferListSource): boolean {
  const miniport = binding.upper.associated;
  return miniport !== null && source !== binding && isBinding(source) && source.lower.registration === miniport;
}

function isBinding(source: NetBufferListSource): source is Binding {
  return (source as Partial<Binding>).lower !== undefined;
}

/**
 * As {@link tagDownInFull}, with a log of what the tags were, in runs: with it {@link untagRuns} takes the whole list
 * back.
 */
export function tagDownLogged(binding: Binding, list: NetBufferList, log: SourceRun[], call: string): number {
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    if (!isNetBufferList(nbl)) {
      untagRuns(list, log);
      throw notAList(binding.upper.name, call, nbl, count);
    }
    const source: NetBufferListSource | null = nbl.sourceHandle;
    if (source !== null && !mayGoDown(binding, source)) throw refusedDown(binding, list, nbl, count, log, call);
    remember(log, source);
    nbl.sourceHandle = binding;
    count++;
    // A list made by hand in JavaScript may end with undefined; below this edge it ends as lists do.
    nbl.next ??= null;
    nbl = nbl.next;
  } while (nbl !== null);
  binding.outstandingNbls += count;
  // The next list will probably come from where this one came from.
  binding.usualSource = log[0]?.source ?? null;
  return count;
}

/** So many members of a list, one after the other, had this source. */
export interface SourceRun {
  readonly source: NetBufferListSource | null;
  count: number;
}

function remember(log: SourceRun[], source: NetBufferListSource | null): void {
  const last = log[log.length - 1];
  if (last?.source === source) last.count++;
  else log.push({ source, count: 1 });
}

/** Puts the tags of a list back to what its log says. */
export function untagRuns(list: NetBufferList, log: readonly SourceRun[]): void {
  let nbl: NetBufferList | null = list;
  for (const run of log) {
    for (let i = 0; i < run.count && nbl !== null; i++) {
      nbl.sourceHandle = run.source;
      nbl = nbl.next;
    }
  }
}

/** Takes the tags of the first `count` NBLs of a list back to what they were; all had the same. */
export function retag(list: NetBufferList, count: number, source: NetBufferListSource | null): void {
  let nbl: NetBufferList | null = list;
  for (let i = 0; i < count && nbl !== null; i++) {
    nbl.sourceHandle = source;
    nbl = nbl.next;
  }
}

function refusedDown(
  binding: Binding,
  list: NetBufferList,
  nbl: NetBufferList,
  at: number,
  log: readonly SourceRun[],
  call: string,
): Error {
  // An NBL met for the second time carries the tag it was given the first time.
  const isLoop = nbl.sourceHandle === binding && isAmongFirst(list, nbl, at);
  untagRuns(list, log);
  const { ndis, upper } = binding;
  if (isLoop) {
    return ndis.violation('CHIM-NBL-008', upper.name, `${call}: the list loops back from member ${at} to an earlier one`, [nbl, list]);
  }
  if (isFreed(nbl)) return ndis.violation('CHIM-NBL-010', upper.name, `${call}: member ${at} of the list was freed`, [nbl, list]);
  const holder = nbl.sourceHandle === null ? 'nobody' : describeSource(nbl.sourceHandle);
  return ndis.violation('CHIM-NBL-004', upper.name, `${call}: member ${at} of the list is still out, ${holder}`, [nbl, list]);
}

function isAmongFirst(list: NetBufferList, wanted: NetBufferList, count: number): boolean {
  let nbl: NetBufferList | null = list;
  for (let i = 0; i < count && nbl !== null; i++) {
    if (nbl === wanted) return true;
    nbl = nbl.next;
  }
  return false;
}

/** What may be in the place of a source to say that no driver has the NBL. */
export interface SpecialTag {
  readonly tagText: string;
}

/** A freed NBL carries its pool as its tag, so that no edge takes it. */
function isFreed(nbl: NetBufferList): boolean {
  const source: object | null = nbl.sourceHandle;
  return source !== null && source === nbl.ndisPoolHandle;
}

/** Where an NBL with this tag is. */
export function describeSource(source: NetBufferListSource): string {
  if (isBinding(source)) return `passed down by ${source.upper.name} to ${source.lower.name}`;
  const { tagText } = source as Partial<SpecialTag>;
  return tagText ?? `indicated by adapter ${(source as MiniportAdapter).name}`;
}

/**
 * Clears the tags of a list that `adapter` completes, and counts it off its binding.
 * @returns the binding, with `crossed` set to the number of NBLs, or null when the list mixes bindings (nothing has
 * changed then; see `completeMixed`).
 */
export function untagUp(adapter: MiniportAdapter, list: NetBufferList, call: string): Binding | null {
  if (!isNetBufferList(list)) throw notAList(adapter.registration.name, call, list);
  const binding = list.sourceHandle as Binding | null;
  if (binding?.lower !== adapter) throw refusedUp(adapter, list, 0, call);
  // A driver without contexts cannot leave one behind.
  const owner = adapter.contextUsage.pools === 0 ? null : adapter.driver;
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    // The test for undefined is for lists made by hand in JavaScript.
    if (nbl === undefined || nbl.sourceHandle !== binding) return whyNotUp(adapter, binding, list, count, call);
    if (owner !== null && nbl.context !== null && nbl.context.owner === owner) return whyNotUp(adapter, binding, list, count, call);
    nbl.sourceHandle = null;
    count++;
    nbl = nbl.next;
  } while (nbl !== null);
  binding.outstandingNbls -= count;
  binding.crossed = count;
  return binding;
}

/** Decides between a list of several bindings, which is in order, and a bad one; the tags are as they were. */
function whyNotUp(adapter: MiniportAdapter, binding: Binding, list: NetBufferList, cleared: number, call: string): null {
  retag(list, cleared, binding);
  // Tags are cleared on the way to notice a loop, and put back before returning.
  const log: SourceRun[] = [];
  let at = 0;
  let nbl: NetBufferList | null = list;
  try {
    while (nbl != null) {
      const source: NetBufferListSource | null = nbl.sourceHandle;
      if ((source as Binding | null)?.lower !== adapter) throw refusedUp(adapter, nbl, at, call);
      if (nbl.context?.owner === adapter.driver) {
        throw adapter.ndis.violation(
          'CHIM-NBL-009',
          adapter.registration.name,
          `${call}: member ${at} of the list still carries a context of the driver that completes it`,
          [nbl, nbl.context],
        );
      }
      remember(log, source);
      nbl.sourceHandle = null;
      at++;
      nbl = nbl.next;
    }
  } finally {
    untagRuns(list, log);
  }
  return null;
}

function refusedUp(adapter: MiniportAdapter, nbl: NetBufferList, at: number, call: string): Error {
  const { ndis, registration } = adapter;
  const where = at === 0 ? 'the NET_BUFFER_LIST' : `member ${at} of the list`;
  if (!isNetBufferList(nbl)) return notAList(registration.name, call, nbl, at);
  const source = nbl.sourceHandle;
  if (source === null || isFreed(nbl)) {
    return ndis.violation('CHIM-NBL-001', registration.name, `${call}: ${where} is not outstanding below any binding: completed twice, met twice in the list, or never passed down`, [nbl]);
  }
  return ndis.violation('CHIM-NBL-001', registration.name, `${call}: ${where} is not adapter ${adapter.name}'s to complete; it was ${describeSource(source)}`, [nbl, source]);
}

/** Tells a caller that it passed something else than a list. */
export function notAList(actor: string, call: string, value: unknown, at = 0): TypeError {
  const where = at === 0 ? 'netBufferList' : `member ${at} of netBufferList`;
  return new TypeError(`${call} (called by ${actor}): ${where} is ${describeValue(value)}, not a NET_BUFFER_LIST`);
}

/** A short name for a value that should have been something else. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return `an object of class ${(value.constructor as { readonly name: string } | undefined)?.name ?? 'none'}`;
  return `a ${typeof value}`;
}

/** One binding's share of a completion list that mixes bindings. */
export interface CompletionGroup {
  readonly binding: Binding;
  readonly head: NetBufferList;
  tail: NetBufferList;
  count: number;
}

/**
 * Splits a completion list that mixes bindings (checked by {@link untagUp}) into one list per binding, in order of first
 * appearance and relative order kept, and clears the tags. The groups are the caller's own: a callback may complete
 * more meanwhile.
 */
export function splitByBinding(list: NetBufferList): CompletionGroup[] {
  const groups: CompletionGroup[] = [];
  const byBinding = new Map<Binding, CompletionGroup>();
  let nbl: NetBufferList | null = list;
  while (nbl != null) {
    const next: NetBufferList | null = nbl.next;
    const binding = nbl.sourceHandle as Binding;
    nbl.sourceHandle = null;
    nbl.next = null;
    const group = byBinding.get(binding);
    if (group === undefined) {
      const first: CompletionGroup = { binding, head: nbl, tail: nbl, count: 1 };
      byBinding.set(binding, first);
      groups.push(first);
    } else {
      group.tail.next = nbl;
      group.tail = nbl;
      group.count++;
    }
    nbl = next;
  }
  for (const group of groups) {
    group.binding.outstandingNbls -= group.count;
  }
  return groups;
}

/** Requires `source` = `adapter` of every NBL that is returned, and clears it. @returns how many there are. */
export function untagReturn(binding: Binding, list: NetBufferList, call: string): number {
  if (!isNetBufferList(list)) throw notAList(binding.upper.name, call, list);
  const adapter = binding.lower;
  let count = 0;
  let nbl: NetBufferList | null = list;
  do {
    if (nbl.sourceHandle !== adapter) {
      const wrong = nbl;
      retag(list, count, adapter);
      throw refusedReturn(binding, wrong, count, call);
    }
    nbl.sourceHandle = null;
    count++;
    nbl = nbl.next;
  } while (nbl != null);
  if (count > binding.indicatedNbls) {
    retag(list, count, adapter);
    throw refusedCount(binding, list, count, call);
  }
  return count;
}

/** The adapter indicated them, but the binding has not kept so many: shown for the time of a call, or to somebody else. */
function refusedCount(binding: Binding, list: NetBufferList, count: number, call: string): Error {
  const { ndis, upper, lower, indicatedNbls } = binding;
  const other = lower.bindings.find((one) => one !== binding && one.indicatedNbls > 0);
  if (other !== undefined) {
    return ndis.violation('CHIM-RET-003', upper.name, `${call}: ${count} NET_BUFFER_LISTs go back over the binding of ${upper.name}, which has kept ${indicatedNbls}; ${other.upper.name} has kept ${other.indicatedNbls}`, [list]);
  }
  return ndis.violation('CHIM-RET-002', upper.name, `${call}: ${count} NET_BUFFER_LISTs are returned, the driver has kept ${indicatedNbls}`, [list]);
}

function refusedReturn(binding: Binding, nbl: NetBufferList, at: number, call: string): Error {
  const { ndis, upper } = binding;
  if (!isNetBufferList(nbl)) return notAList(upper.name, call, nbl, at);
  const source = nbl.sourceHandle;
  if (source === null || source === (binding.lower as NetBufferListSource)) {
    return ndis.violation('CHIM-RET-002', upper.name, `${call}: member ${at} of the list is not the driver's to return: returned before, met twice in the list, or never indicated`, [nbl]);
  }
  return ndis.violation('CHIM-RET-003', upper.name, `${call}: member ${at} of the list goes back over adapter ${binding.lower.name}, but was ${describeSource(source)}`, [nbl, source]);
}

/**
 * The tag of an NBL that `adapter` passes up: null before, or an adapter below the caller (an intermediate driver, which
 * has saved it).
 */
export function mayGoUp(adapter: MiniportAdapter, source: NetBufferListSource | null): boolean {
  if (source === null) return true;
  const protocol = adapter.registration.associated;
  if (protocol === null || isBinding(source)) return false;
  return (source as MiniportAdapter).hasBindingOf(protocol);
}
