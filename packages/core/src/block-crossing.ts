import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_HANDLE_STATE,
  isNetBufferList,
  isOffloadBlockList,
  isOffloadHandle,
  type NetBufferList,
  type NetBufferListSource,
  type OffloadBlockList,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { ruleForState, setHandleState } from './handle-rules.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { OPERATION, type OperationRecord } from './operation-record.ts';
import { stripContexts } from './pools/context-pool.ts';
import { describeValue, mayGoUp, notAList, retag, tagDownLogged, untagRuns, type SourceRun } from './source-tags.ts';
import type { UndoLog } from './undo-log.ts';

/**
 * What one block goes through when its tree crosses an edge: the mark, the handle's life, the tags of the NBLs it
 * carries. `takeBlock` and `leaveBlock` check and change; `untakeBlock` and `unleaveBlock` put a refused tree back, block
 * by block in the same order. What a block was before, its handle's state nearly always says; the undo log has the rest.
 */

const STATE = OFFLOAD_HANDLE_STATE;

/** Stands in the log before a second terminate of the object: what its handle's state does not say any more. */
const WAS_LOST: unique symbol = Symbol('was lost');

/** Takes a block down. @returns why not, with the block untouched, or null. */
export function takeBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList, call: string, log: UndoLog): Error | null {
  if (!isOffloadBlockList(block) || block.ndisReserved0 !== record.outer) return refusedBlock(binding, record, block, call);
  const handle = block.offloadHandle;
  if (handle !== null && (!isOffloadHandle(handle) || handle.binding !== binding)) return refusedHandle(binding, handle, call);
  let error: Error | null;
  switch (record.operation) {
    case OPERATION.initiate:
      error = takeInitiated(binding, block, handle, call, log);
      break;
    case OPERATION.terminate:
      error = takeTerminated(binding, block, handle, call);
      break;
    default:
      error = handle === null ? null : takeUsed(binding, record, block, handle, call);
  }
  if (error === null) block.ndisReserved0 = record;
  return error;
}

function refusedBlock({ ndis, upper }: Binding, record: OperationRecord, block: OffloadBlockList, call: string): Error {
  if (!isOffloadBlockList(block)) {
    return new TypeError(`${call} (called by ${upper.name}): a link of the tree leads to ${describeValue(block)}, not to an offload block list`);
  }
  return block.ndisReserved0 === record
    ? ndis.violation('CHIM-BLK-001', upper.name, `${call}: a block is reached twice, the tree has a cycle or a shared branch`, [block, record.root])
    : ndis.violation('CHIM-BLK-011', upper.name, `${call}: a block of the tree is still out in another operation`, [block, record.root]);
}

function refusedHandle({ ndis, upper, lower }: Binding, handle: OffloadHandle, call: string): Error {
  if (!isOffloadHandle(handle)) {
    return new TypeError(`${call} (called by ${upper.name}): a block's offloadHandle is ${describeValue(handle)}, not an OffloadHandle`);
  }
  return ndis.violation('CHIM-ST-009', upper.name, `${call}: a handle in the tree was made for a binding to ${handle.binding.adapterName}, not for this one to ${lower.name}`, [handle]);
}

/** An initiate names new objects, and offloaded ones to link new ones to. */
function takeInitiated(binding: Binding, block: OffloadBlockList, handle: OffloadHandle | null, call: string, log: UndoLog): Error | null {
  const isNew = handle !== null && handle.ndisState === STATE.new && handle.miniportOffloadContext === null;
  if (!isNew && handle !== null && handle.ndisState !== STATE.offloaded) return refusedOffer(binding, handle, call);
  const chain = block.netBufferListChain ?? null;
  if (chain !== null) {
    const error = takeChain(binding, block, chain, isNew, call, log);
    if (error !== null) return error;
  }
  if (isNew) handle.ndisState = STATE.offloading;
  return null;
}

function refusedOffer({ ndis, upper }: Binding, handle: OffloadHandle, call: string): Error {
  switch (handle.ndisState) {
    case STATE.new:
      return ndis.violation('CHIM-INI-003', upper.name, `${call}: the cell of a new object holds a context`, [handle]);
    case STATE.dead:
      return ndis.violation('CHIM-ST-003', upper.name, `${call}: the handle is dead; an object is offered again with a new one`, [handle]);
    default:
      return ndis.violation('CHIM-INI-002', upper.name, `${call}: an object of the tree is ${handle.state} already`, [handle]);
  }
}

function takeTerminated(binding: Binding, block: OffloadBlockList, handle: OffloadHandle | null, call: string): Error | null {
  const { ndis, upper } = binding;
  if (handle !== null) {
    const isIdle = (handle.ndisCallDepth | handle.ndisQueries | handle.ndisChanges) === 0;
    if (!isIdle || (handle.ndisState !== STATE.offloaded && handle.ndisState !== STATE.lost)) return refusedTerminate(binding, handle, call);
  }
  if ((block.netBufferListChain ?? null) !== null || bufferedDataOf(block) !== null) {
    return ndis.violation('CHIM-BLK-012', upper.name, `${call}: NetBufferListChain and BufferedData are empty when a terminate goes down`, [block]);
  }
  if (handle !== null) setHandleState(handle, handle.ndisState === STATE.lost ? STATE.terminatingLost : STATE.terminating);
  return null;
}

function refusedTerminate(binding: Binding, handle: OffloadHandle, call: string): Error {
  const { ndis, upper } = binding;
  if (handle.ndisState !== STATE.offloaded && handle.ndisState !== STATE.lost) return refusedState(binding, handle, call);
  const what = handle.ndisCallDepth !== 0 ? 'a receive or disconnect call for the object has not returned yet' : 'a query, update or invalidate of the object is still under way';
  return ndis.violation('CHIM-TRM-001', upper.name, `${call}: ${what}`, [handle]);
}

function refusedState({ ndis, upper }: Binding, handle: OffloadHandle, call: string): Error {
  const rule = handle.ndisState === STATE.terminating ? 'CHIM-ST-001' : ruleForState(handle.ndisState);
  return ndis.violation(rule, upper.name, `${call}: an object of the tree is ${handle.state}, not offloaded`, [handle]);
}

/** A query, update or invalidate leaves the object where it is in its life, and is counted. */
function takeUsed(binding: Binding, record: OperationRecord, block: OffloadBlockList, handle: OffloadHandle, call: string): Error | null {
  if (handle.ndisState !== STATE.offloaded) return refusedState(binding, handle, call);
  const error = record.operation === OPERATION.update ? checkUpdated(binding, block, handle, call) : null;
  if (error === null) countUse(record, block, handle, 1);
  return error;
}

function checkUpdated({ ndis, upper }: Binding, block: OffloadBlockList, handle: OffloadHandle, call: string): Error | null {
  if (handle.ndisInvalid !== 0) return ndis.violation('CHIM-UPD-001', upper.name, `${call}: the object is invalid`, [handle]);
  if (isLinker(block) || handle.ndisChanges === 0) return null;
  return ndis.violation('CHIM-UPD-001', upper.name, `${call}: the object is still being updated or invalidated`, [handle]);
}

/** True for a block of an update that carries no state: it names what others are linked to, and is not updated itself. */
function isLinker(block: OffloadBlockList): boolean {
  return block.state === null || block.state === undefined;
}

/** Counts a query, update or invalidate of the object: begun with 1, over with -1. */
function countUse(record: OperationRecord, block: OffloadBlockList, handle: OffloadHandle, by: number): void {
  if (record.operation === OPERATION.query) handle.ndisQueries += by;
  else if (record.operation === OPERATION.invalidate || !isLinker(block)) handle.ndisChanges += by;
}

/** Send NBLs that go down inside a tree: the same rule as for those that go down in a call. */
function takeChain(binding: Binding, block: OffloadBlockList, chain: NetBufferList, isNew: boolean, call: string, log: UndoLog): Error | null {
  const { ndis, upper } = binding;
  if (!isNew) {
    return ndis.violation('CHIM-INI-003', upper.name, `${call}: a placeholder or linker carries a NetBufferListChain; only a new connection has sends to hand over`, [block, chain]);
  }
  const runs: SourceRun[] = [];
  try {
    tagDownLogged(binding, chain, runs, call);
  } catch (error) {
    return error as Error;
  }
  log.push(runs);
  return null;
}

/** The opposite of {@link takeBlock}. */
export function untakeBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList, log: UndoLog): void {
  block.ndisReserved0 = record.outer;
  const chain = block.netBufferListChain ?? null;
  if (record.operation === OPERATION.initiate && chain !== null) {
    const runs = log.shift() as SourceRun[];
    untagRuns(chain, runs);
    for (const run of runs) binding.outstandingNbls -= run.count;
  }
  const handle = block.offloadHandle;
  if (handle !== null) untakeHandle(record, block, handle);
}

function untakeHandle(record: OperationRecord, block: OffloadBlockList, handle: OffloadHandle): void {
  switch (record.operation) {
    case OPERATION.initiate:
      if (handle.ndisState === STATE.offloading) handle.ndisState = STATE.new;
      break;
    case OPERATION.terminate:
      setHandleState(handle, handle.ndisState === STATE.terminatingLost ? STATE.lost : STATE.offloaded);
      break;
    default:
      countUse(record, block, handle, -1);
  }
}

/** Lets a block go up again. @returns why not, with the block untouched, or null. */
export function leaveBlock(
  adapter: MiniportAdapter,
  binding: Binding,
  record: OperationRecord,
  block: OffloadBlockList,
  call: string,
  log: UndoLog,
): Error | null {
  if ((block as OffloadBlockList | null)?.ndisReserved0 !== record) {
    return adapter.ndis.violation('CHIM-BLK-003', adapter.registration.name, `${call}: a block of the tree did not go down with it, or is reached twice`, [block, record.root]);
  }
  const handle = block.offloadHandle;
  if (handle !== null) {
    if (!isOffloadHandle(handle) || handle.binding !== binding) {
      return adapter.ndis.violation('CHIM-BLK-003', adapter.registration.name, `${call}: a block of the tree does not name the object that it went down with`, [block, record.root]);
    }
    const error = leaveHandle(adapter, binding, record, handle, block, call, log);
    if (error !== null) return error;
  }
  block.ndisReserved0 = record.outer;
  return null;
}

function leaveHandle(
  adapter: MiniportAdapter,
  binding: Binding,
  record: OperationRecord,
  handle: OffloadHandle,
  block: OffloadBlockList,
  call: string,
  log: UndoLog,
): Error | null {
  switch (record.operation) {
    case OPERATION.initiate:
      return leaveInitiate(adapter, binding, handle, block, call, log);
    case OPERATION.terminate:
      return leaveTerminate(adapter, binding, handle, block, call, log);
    case OPERATION.invalidate:
      log.push(handle.ndisInvalid);
      if (block.status === NDIS_STATUS_SUCCESS) handle.ndisInvalid = 1;
      break;
    default:
  }
  countUse(record, block, handle, -1);
  return null;
}

function leaveInitiate(adapter: MiniportAdapter, binding: Binding, handle: OffloadHandle, block: OffloadBlockList, call: string, log: UndoLog): Error | null {
  const { ndis, registration } = adapter;
  if (handle.ndisState !== STATE.offloading) {
    // A linker's status says how its dependents fared; its own object stays what it was.
    log.push(block);
    return null;
  }
  const context = handle.miniportOffloadContext;
  if (block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) {
    if (context === null || context === undefined) {
      return ndis.violation('CHIM-INI-013', registration.name, `${call}: an object was offloaded without a context in its cell`, [block, handle]);
    }
    handle.ndisState = STATE.offloaded;
    handle.ndisReserved0 = binding;
    binding.offloadedObjects++;
    return null;
  }
  if (context !== null && context !== undefined) {
    return ndis.violation('CHIM-INI-013', registration.name, `${call}: an object failed but its cell holds a context`, [block, handle]);
  }
  const chain = block.netBufferListChain ?? null;
  const error = chain === null ? null : leaveChain(adapter, binding, chain, call);
  if (error === null) handle.ndisState = STATE.dead;
  return error;
}

function leaveTerminate(adapter: MiniportAdapter, binding: Binding, handle: OffloadHandle, block: OffloadBlockList, call: string, log: UndoLog): Error | null {
  const { ndis, registration } = adapter;
  if (handle.ndisIndicationDepth !== 0) {
    return ndis.violation('CHIM-TRM-006', registration.name, `${call}: an indication for the object has not returned yet`, [block, handle]);
  }
  const buffered = bufferedDataOf(block);
  const bufferedFrom = buffered?.sourceHandle ?? null;
  if (buffered !== null) {
    const error = leaveBuffered(adapter, binding, buffered, call);
    if (error !== null) return error;
  }
  const chain = block.netBufferListChain ?? null;
  if (chain !== null) {
    const error = leaveChain(adapter, binding, chain, call);
    if (error !== null) {
      if (buffered !== null) unleaveBuffered(binding, buffered, bufferedFrom);
      return error;
    }
  }
  if (buffered !== null) log.push(bufferedFrom);
  if (handle.ndisState === STATE.terminatingLost) log.push(WAS_LOST);
  log.push(handle.miniportOffloadContext);
  if (block.status === NDIS_STATUS_SUCCESS) {
    handle.ndisState = STATE.dead;
    handle.miniportOffloadContext = null;
    binding.offloadedObjects--;
  } else {
    handle.ndisState = STATE.lost;
  }
  return null;
}

function bufferedDataOf(block: OffloadBlockList): NetBufferList | null {
  // Only TCP state has the member; to ask for the block's type would take longer.
  return (block.state as TcpOffloadState | null | undefined)?.delegated?.bufferedData ?? null;
}

/** Send NBLs that come back inside a tree: the same rule as for those that come back in a completion. */
function leaveChain(adapter: MiniportAdapter, binding: Binding, chain: NetBufferList, call: string): Error | null {
  if (!isNetBufferList(chain)) return notAList(adapter.registration.name, call, chain);
  let count = 0;
  for (let nbl: NetBufferList | null = chain; nbl != null; nbl = nbl.next) {
    const isForeign = nbl.sourceHandle !== binding;
    if (isForeign || nbl.context?.owner === adapter.driver) {
      retag(chain, count, binding);
      return isForeign
        ? adapter.ndis.violation('CHIM-NBL-001', adapter.registration.name, `${call}: member ${count} of a NetBufferListChain was not passed down on this binding, or was completed already`, [nbl, chain])
        : adapter.ndis.violation('CHIM-NBL-009', adapter.registration.name, `${call}: member ${count} of a NetBufferListChain still carries a context of the driver that completes it`, [nbl, chain]);
    }
    nbl.sourceHandle = null;
    count++;
  }
  binding.outstandingNbls -= count;
  return null;
}

function unleaveChain(binding: Binding, chain: NetBufferList): void {
  let count = 0;
  for (let nbl: NetBufferList | null = chain; nbl != null; nbl = nbl.next) {
    nbl.sourceHandle = binding;
    count++;
  }
  binding.outstandingNbls += count;
}

/** Receive NBLs handed up with the state: from here on they are the upper driver's to return. */
function leaveBuffered(adapter: MiniportAdapter, binding: Binding, list: NetBufferList, call: string): Error | null {
  if (!isNetBufferList(list)) return notAList(adapter.registration.name, call, list);
  const from = list.sourceHandle;
  if (!mayGoUp(adapter, from)) {
    return adapter.ndis.violation('CHIM-NBL-004', adapter.registration.name, `${call}: BufferedData is not the driver's to hand up`, [list]);
  }
  let count = 0;
  for (let nbl: NetBufferList | null = list; nbl != null; nbl = nbl.next) {
    if (nbl.sourceHandle !== from) {
      retag(list, count, from);
      return adapter.ndis.violation('CHIM-NBL-008', adapter.registration.name, `${call}: member ${count} of BufferedData is out already, or the list loops`, [nbl, list]);
    }
    nbl.sourceHandle = adapter;
    count++;
  }
  binding.indicatedNbls += count;
  return null;
}

function unleaveBuffered(binding: Binding, list: NetBufferList, source: NetBufferListSource | null): void {
  for (let nbl: NetBufferList | null = list; nbl != null; nbl = nbl.next) {
    nbl.sourceHandle = source;
    binding.indicatedNbls--;
  }
}

/** The opposite of {@link leaveBlock}. */
export function unleaveBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList, log: UndoLog): void {
  block.ndisReserved0 = record;
  const handle = block.offloadHandle;
  if (handle === null) return;
  const chain = block.netBufferListChain ?? null;
  if (record.operation === OPERATION.initiate) {
    if (log.shiftIf(block)) return;
    if (handle.ndisState === STATE.offloaded) binding.offloadedObjects--;
    else if (chain !== null) unleaveChain(binding, chain);
    setHandleState(handle, STATE.offloading);
  } else if (record.operation === OPERATION.terminate) {
    const buffered = bufferedDataOf(block);
    if (buffered !== null) unleaveBuffered(binding, buffered, log.shift() as NetBufferListSource | null);
    if (handle.ndisState === STATE.dead) binding.offloadedObjects++;
    setHandleState(handle, log.shiftIf(WAS_LOST) ? STATE.terminatingLost : STATE.terminating);
    handle.miniportOffloadContext = log.shift();
    if (chain !== null) unleaveChain(binding, chain);
  } else {
    if (record.operation === OPERATION.invalidate) handle.ndisInvalid = log.shift() as number;
    countUse(record, block, handle, 1);
  }
}

/**
 * Prepares a block for the completion that NDIS makes in place of the driver below: it fails, and what that driver left
 * on the NBLs of its chain or in its cell comes off.
 */
export function failBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList): void {
  const { driver } = binding.lower;
  block.status = NDIS_STATUS_FAILURE;
  const handle = block.offloadHandle;
  if (record.operation === OPERATION.initiate && handle?.binding === binding && handle.ndisState === STATE.offloading) handle.miniportOffloadContext = null;
  const seen = new Set<NetBufferList>();
  for (let nbl = block.netBufferListChain ?? null; nbl != null; nbl = nbl.next) {
    if (nbl.sourceHandle === binding || nbl.sourceHandle === null) stripContexts(nbl, driver);
    seen.add(nbl);
    // A chain that the driver bent into a loop ends where the loop closes.
    if (nbl.next != null && seen.has(nbl.next)) nbl.next = null;
  }
}

/** Gives up a block that cannot be completed in order: its object is dead, or lost to the driver below. */
export function abandonBlock(record: OperationRecord, block: OffloadBlockList): void {
  block.ndisReserved0 = record.outer;
  const handle = block.offloadHandle;
  if (handle === null || handle.binding !== record.binding) return;
  if (record.operation === OPERATION.initiate) {
    if (handle.ndisState === STATE.offloading) setHandleState(handle, STATE.dead);
  } else if (record.operation === OPERATION.terminate) {
    setHandleState(handle, STATE.lost);
  } else {
    countUse(record, block, handle, -1);
  }
}
