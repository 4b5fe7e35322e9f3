import {
  DDI_CROSSING,
  NDIS_STATUS_PENDING,
  OFFLOAD_HANDLE_STATE,
  formatNdisStatus,
  isNetBufferList,
  isOffloadHandle,
  type DdiCrossing,
  type NDIS_STATUS,
  type NetBufferList,
  type NetBufferListContextPool,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import { ruleForState } from './handle-rules.ts';
import { NOT_CROSSED, isThrown } from './outcome.ts';
import type { NdisContextPool } from './pools/context-pool.ts';
import type { CoreRule } from './rules.ts';
import { tagAndPush } from './relay-tags.ts';
import { describeValue, notAList, retag, tagDown, tagDownInFull, tagDownLogged, untagRuns, type SourceRun } from './source-tags.ts';
import { takeBackList } from './take-back.ts';

// Local names of what observed sends and receives use: the engine looks an import up on every use, and folds these.
const PENDING = NDIS_STATUS_PENDING;
const OBSERVED: number = GATE.observed;
const SEND: DdiCrossing = DDI_CROSSING.offloadTcpSend;
const RECEIVE: DdiCrossing = DDI_CROSSING.offloadTcpReceive;
const FORWARD: DdiCrossing = DDI_CROSSING.offloadTcpForward;
const DISCONNECT: DdiCrossing = DDI_CROSSING.offloadTcpDisconnect;

/**
 * A data downcall, checked in full: the way of the calls that are observed, of the kinds that are never many, and of
 * those that are about to be refused. The binding has a short form of it for the others.
 * @param outcome what the short form came to: `NOT_CROSSED`, a `Thrown`, or what the driver returned.
 */
export function passDownSlowly(
  binding: Binding,
  crossing: DdiCrossing,
  handle: OffloadHandle,
  list: NetBufferList,
  flags: number,
  outcome: unknown,
): NDIS_STATUS {
  if (outcome !== NOT_CROSSED) return dealWith(binding, crossing, handle, list, outcome);
  if (!isPlainlyPermitted(binding, handle)) requirePermission(binding, crossing, handle);
  if (crossing === DISCONNECT) requireDisconnectShape(binding, list, crossing);
  if (binding.observer === null) tagDownInFull(binding, list, crossing.call);
  else tagObserved(binding, crossing, list, flags, handle);
  return callDriver(binding, crossing, handle, list, flags);
}

/** A relayed data downcall the long way: contexts first, then the call. See {@link passDownSlowly}. */
export function relaySlowly(
  binding: Binding,
  crossing: DdiCrossing,
  handle: OffloadHandle,
  list: NetBufferList,
  contexts: NetBufferListContextPool,
  upperEdge: unknown,
  outcome: unknown,
): NDIS_STATUS {
  const pool = requirePool(binding, crossing, contexts);
  if (outcome !== NOT_CROSSED) return dealWith(binding, crossing, handle, list, outcome);
  if (!isPlainlyPermitted(binding, handle)) requirePermission(binding, crossing, handle);
  if (!isNetBufferList(list)) throw notAList(binding.upper.name, crossing.call, list);
  if (!pushObserved(binding, crossing, handle, list, pool, upperEdge) && !pushInFull(binding, crossing, handle, list, pool, upperEdge)) {
    return passToShortageHandler(binding, crossing, handle, list, contexts, upperEdge);
  }
  return callDriver(binding, crossing, handle, list, 0);
}

/** Contexts first, then tags. @returns false, with nothing changed, when there is not memory for all contexts. */
function pushInFull(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle, list: NetBufferList, pool: NdisContextPool, upperEdge: unknown): boolean {
  if (pool.pushAll(list, upperEdge) === 0) return false;
  try {
    if (binding.observer === null) tagDownInFull(binding, list, crossing.call);
    else tagObserved(binding, crossing, list, 0, handle);
  } catch (error) {
    // Refused: the list is the caller's as it was.
    pool.popAll(list);
    throw error;
  }
  return true;
}

/** Calls the driver below with a list that is tagged, and sees to it that its caller gets NDIS_STATUS_PENDING. */
function callDriver(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle, list: NetBufferList, flags: number): NDIS_STATUS {
  const { observer } = binding;
  // Receive and disconnect calls must have returned before a terminate is passed down.
  const isCounted = crossing === RECEIVE || crossing === DISCONNECT;
  if (isCounted) handle.ndisCallDepth++;
  let status: NDIS_STATUS = PENDING;
  try {
    // Nearly all are sends: without the table the engine inlines the call.
    if (crossing === SEND) status = binding.providerTcp.miniportTcpOffloadSend(binding.adapterContext, handle.miniportOffloadContext, list);
    else status = callOther(binding, crossing, handle, list, flags);
  } catch (error) {
    takeBackList(binding, list, crossing, error);
  }
  if (isCounted) handle.ndisCallDepth--;
  if (status !== PENDING) reportReturned(binding, crossing, list, status);
  if (observer !== null) observer.leave(crossing, binding, list, status, flags, handle);
  return PENDING;
}

/** Nothing goes down; the driver that has no memory answers for it. */
function passToShortageHandler(
  binding: Binding,
  crossing: DdiCrossing,
  handle: OffloadHandle,
  list: NetBufferList,
  contexts: NetBufferListContextPool,
  upperEdge: unknown,
): NDIS_STATUS {
  const { shortageHandler } = contexts;
  if (shortageHandler === null) throw new TypeError(`${crossing.call} (called by ${binding.upper.name}): its contexts ran out and it has no shortage handler`);
  shortageHandler.contextsExhausted(crossing === SEND ? 'send' : 'receive', handle, list, upperEdge);
  return NDIS_STATUS_PENDING;
}

/** The driver below was called, and threw or returned amiss; or an argument was so bad that it never came to that. */
function dealWith(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle, list: NetBufferList, outcome: unknown): NDIS_STATUS {
  if (!isThrown(outcome)) return reportReturned(binding, crossing, list, outcome as NDIS_STATUS);
  requireHandle(binding, crossing, handle);
  if (!isNetBufferList(list)) throw notAList(binding.upper.name, crossing.call, list);
  if (crossing === RECEIVE) handle.ndisCallDepth--;
  takeBackList(binding, list, crossing, outcome.error);
  return NDIS_STATUS_PENDING;
}

/** Calls an entry of the driver below other than that for sends. */
function callOther(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle, list: NetBufferList, flags: number): NDIS_STATUS {
  const { providerTcp, adapterContext } = binding;
  const offloadContext = handle.miniportOffloadContext;
  switch (crossing) {
    case RECEIVE:
      return providerTcp.miniportTcpOffloadReceive(adapterContext, offloadContext, list);
    case FORWARD:
      return providerTcp.miniportTcpOffloadForward(adapterContext, offloadContext, list);
    default:
      return providerTcp.miniportTcpOffloadDisconnect(adapterContext, offloadContext, list, flags);
  }
}

/** Tags a list and shows it to the observers: one that throws stops the call, and nothing has happened then. */
export function tagObserved(binding: Binding, crossing: DdiCrossing, list: NetBufferList, detail: number, handle: OffloadHandle | null = null): void {
  if (!isNetBufferList(list)) throw notAList(binding.upper.name, crossing.call, list);
  const { usualSource } = binding;
  const before = binding.outstandingNbls;
  const log: SourceRun[] | null = tagDown(binding, list) ? null : [];
  if (log !== null) tagDownLogged(binding, list, log, crossing.call);
  const count = binding.outstandingNbls - before;
  try {
    binding.observer?.enter(crossing, binding, list, count, detail, handle);
  } catch (error) {
    // The observer may have sent or completed others meanwhile.
    if (log === null) retag(list, count, usualSource);
    else untagRuns(list, log);
    binding.outstandingNbls -= count;
    throw error;
  }
}

/** As {@link tagObserved} for a relayed list. @returns false, with nothing changed, when it must go the long way. */
function pushObserved(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle, list: NetBufferList, contexts: NdisContextPool, upperEdge: unknown): boolean {
  const { observer } = binding;
  const before = binding.outstandingNbls;
  if (observer === null || observer.seesAllocations || !tagAndPush(binding, list, contexts, upperEdge)) return false;
  const count = binding.outstandingNbls - before;
  try {
    observer.enter(crossing, binding, list, count, 0, handle);
  } catch (error) {
    // With its tags off the list is the caller's, and its contexts can be popped.
    retag(list, count, null);
    binding.outstandingNbls -= count;
    contexts.popAll(list);
    throw error;
  }
  return true;
}

/** The rule that a data entry of the driver below breaks when it returns anything but NDIS_STATUS_PENDING. */
const PENDING_RULE: ReadonlyMap<DdiCrossing, CoreRule> = new Map<DdiCrossing, CoreRule>([
  [SEND, 'CHIM-SND-001'],
  [RECEIVE, 'CHIM-RCV-001'],
  [FORWARD, 'CHIM-FWD-001'],
  [DISCONNECT, 'CHIM-DSC-001'],
]);

/** Tells the driver below that it returned what it must not; to the caller the request is pending all the same. */
function reportReturned(binding: Binding, crossing: DdiCrossing, list: NetBufferList, status: NDIS_STATUS): NDIS_STATUS {
  const rule = PENDING_RULE.get(crossing) ?? 'CHIM-SND-001';
  const what = typeof status === 'number' ? formatNdisStatus(status) : describeValue(status);
  binding.ndis.accuse(rule, binding.lower.registration.name, `${crossing.entry} returned ${what}, not NDIS_STATUS_PENDING`, [list]);
  return NDIS_STATUS_PENDING;
}

/**
 * True when nothing but an observer keeps the call from the short way: a handle has its binding while its object is
 * offloaded there, so that {@link requirePermission} has nothing more to ask.
 */
function isPlainlyPermitted(binding: Binding, handle: OffloadHandle | null): boolean {
  return binding.gate === OBSERVED && handle?.ndisReserved0 === binding;
}

/** @throws what is wrong with the call, if anything is. */
function requirePermission(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle): void {
  const { ndis, upper, lower } = binding;
  const { call } = crossing;
  requireHandle(binding, crossing, handle);
  if (handle.binding !== binding) {
    throw ndis.violation('CHIM-ST-009', upper.name, `${call}: the handle was made for a binding to ${handle.binding.adapterName}, not for this one to ${lower.name}`, [handle]);
  }
  if (handle.ndisState !== OFFLOAD_HANDLE_STATE.offloaded) {
    throw ndis.violation(ruleForState(handle.ndisState), upper.name, `${call}: the connection is ${handle.state}, not offloaded`, [handle]);
  }
  if ((binding.gate & ~GATE.observed) !== 0) throw binding.refuseGate(call);
}

function requirePool(binding: Binding, crossing: DdiCrossing, contexts: NetBufferListContextPool): NdisContextPool {
  const { usualContexts } = binding;
  if (usualContexts !== null && contexts === usualContexts) return usualContexts;
  if (binding.ndis.hasContextPool(contexts)) return (binding.usualContexts = contexts as NdisContextPool);
  throw new TypeError(`${crossing.call} (called by ${binding.upper.name}): contexts is ${describeValue(contexts)}, not a pool of NET_BUFFER_LIST contexts of this NDIS`);
}

function requireHandle(binding: Binding, crossing: DdiCrossing, handle: OffloadHandle): void {
  if (isOffloadHandle(handle)) return;
  throw new TypeError(`${crossing.call} (called by ${binding.upper.name}): ndisOffloadHandle is ${describeValue(handle)}, not an OffloadHandle`);
}

function requireDisconnectShape(binding: Binding, list: NetBufferList, crossing: DdiCrossing): void {
  if (!isNetBufferList(list)) throw notAList(binding.upper.name, crossing.call, list);
  const first = list.firstNetBuffer;
  if (list.next != null || first === null || first.next != null) {
    throw binding.ndis.violation('CHIM-DSC-002', binding.upper.name, `${crossing.call}: a disconnect passes exactly one NET_BUFFER_LIST with exactly one NET_BUFFER`, [list]);
  }
}
