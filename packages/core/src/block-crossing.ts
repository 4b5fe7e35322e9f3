import {
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_HANDLE_STATE,
  isOffloadHandle,
  offloadLayerOf,
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
import { describeValue, mayGoUp, retag, tagDownLogged, untagRuns, type SourceRun } from './source-tags.ts';

/**
 * What one block goes through when its tree crosses an edge: the mark, the handle's life, the tags of the NBLs it
 * carries. `takeBlock` and `leaveBlock` check and change; what they change they note in the undo log, from which
 * `untakeBlock` and `unleaveBlock` put a refused tree back, block by block in the same order.
 */

const STATE = OFFLOAD_HANDLE_STATE;

/** Takes a block down. @returns why not, with the block untouched, or null. */
export function takeBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList, call: string): Error | null {
  const { ndis, upper } = binding;
  if (block.ndisReserved0 !== record.outer) {
    return block.ndisReserved0 === record
      ? ndis.violation('CHIM-BLK-001', upper.name, `${call}: a block is reached twice, the tree has a cycle or a shared branch`, [block, record.root])
      : ndis.violation('CHIM-BLK-011', upper.name, `${call}: a block of the tree is still out in another operation`, [block, record.root]);
  }
  const handle = block.offloadHandle;
  if (handle !== null) {
    const error = checkHandle(binding, record, handle, call);
    if (error !== null) return error;
  }
  if (record.operation === OPERATION.initiate && block.netBufferListChain !== null) {
    const error = takeChain(binding, block.netBufferListChain, call);
    if (error !== null) return error;
  }
  if (handle !== null) takeHandle(binding, record, handle);
  block.ndisReserved0 = record;
  return null;
}

function checkHandle(binding: Binding, record: OperationRecord, handle: OffloadHandle, call: string): Error | null {
  const { ndis, upper } = binding;
  if (!isOffloadHandle(handle)) {
    return new TypeError(`${call} (called by ${upper.name}): a block's offloadHandle is ${describeValue(handle)}, not an OffloadHandle`);
  }
  if (handle.binding !== binding) {
    return ndis.violation('CHIM-ST-009', upper.name, `${call}: a handle in the tree was made for a binding to ${handle.binding.adapterName}, not for this one to ${binding.lower.name}`, [handle]);
  }
  const state = handle.ndisState;
  if (record.operation === OPERATION.initiate) return checkNewHandle(binding, handle, state, call);
  const isExpected = state === STATE.offloaded || (record.operation === OPERATION.terminate && state === STATE.lost);
  if (!isExpected) {
    const rule = state === STATE.terminating ? 'CHIM-ST-001' : ruleForState(state);
    return ndis.violation(rule, upper.name, `${call}: an object of the tree is ${handle.state}, not offloaded`, [handle]);
  }
  if (record.operation === OPERATION.terminate && handle.ndisCallDepth !== 0) {
    return ndis.violation('CHIM-TRM-001', upper.name, `${call}: a receive or disconnect call for the object has not returned yet`, [handle]);
  }
  if (record.operation === OPERATION.update && handle.ndisInvalid !== 0) {
    return ndis.violation('CHIM-UPD-001', upper.name, `${call}: the object is invalid`, [handle]);
  }
  return null;
}

/** An initiate names new objects, and offloaded ones to link new ones to. */
function checkNewHandle(binding: Binding, handle: OffloadHandle, state: number, call: string): Error | null {
  const { ndis, upper } = binding;
  if (state === STATE.offloaded) return null;
  if (state === STATE.dead) {
    return ndis.violation('CHIM-ST-003', upper.name, `${call}: the handle is dead; an object is offered again with a new one`, [handle]);
  }
  if (state !== STATE.new) {
    return ndis.violation('CHIM-INI-002', upper.name, `${call}: an object of the tree is ${handle.state} already`, [handle]);
  }
  if (handle.miniportOffloadContext !== null) {
    return ndis.violation('CHIM-INI-003', upper.name, `${call}: the cell of a new object holds a context`, [handle]);
  }
  return null;
}

function takeHandle(binding: Binding, record: OperationRecord, handle: OffloadHandle): void {
  const state = handle.ndisState;
  if (record.operation === OPERATION.initiate) {
    binding.ndis.undoLog.push(state);
    if (state === STATE.new) setHandleState(handle, STATE.offloading);
  } else if (record.operation === OPERATION.terminate) {
    binding.ndis.undoLog.push(state);
    handle.ndisState = state === STATE.lost ? STATE.terminatingLost : STATE.terminating;
  }
}

/** Send NBLs that go down inside a tree: the same rule as for those that go down in a call. */
function takeChain(binding: Binding, chain: NetBufferList, call: string): Error | null {
  const log: SourceRun[] = [];
  try {
    tagDownLogged(binding, chain, log, call);
  } catch (error) {
    return error as Error;
  }
  binding.ndis.undoLog.push(log);
  return null;
}

/** The opposite of {@link takeBlock}. */
export function untakeBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList): void {
  const { undoLog } = binding.ndis;
  block.ndisReserved0 = record.outer;
  const chain = block.netBufferListChain;
  if (record.operation === OPERATION.initiate && chain !== null) {
    const log = undoLog.shift() as SourceRun[];
    untagRuns(chain, log);
    for (const run of log) binding.outstandingNbls -= run.count;
  }
  const handle = block.offloadHandle;
  if (handle !== null && (record.operation === OPERATION.initiate || record.operation === OPERATION.terminate)) {
    setHandleState(handle, undoLog.shift() as number);
  }
}

/** Lets a block go up again. @returns why not, with the block untouched, or null. */
export function leaveBlock(
  adapter: MiniportAdapter,
  binding: Binding,
  record: OperationRecord,
  block: OffloadBlockList,
  call: string,
): Error | null {
  if (block.ndisReserved0 !== record) {
    return adapter.ndis.violation('CHIM-BLK-003', adapter.registration.name, `${call}: a block of the tree did not go down with it, or is reached twice`, [block, record.root]);
  }
  const handle = block.offloadHandle;
  if (handle !== null) {
    const error = leaveHandle(adapter, binding, record, handle, block, call);
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
): Error | null {
  const { undoLog } = adapter.ndis;
  switch (record.operation) {
    case OPERATION.initiate:
      return leaveInitiate(adapter, binding, handle, block, call);
    case OPERATION.terminate:
      return leaveTerminate(adapter, binding, handle, block, call);
    case OPERATION.invalidate:
      undoLog.push(handle.ndisInvalid);
      if (block.status === NDIS_STATUS_SUCCESS) handle.ndisInvalid = 1;
      return null;
    default:
      return null;
  }
}

function leaveInitiate(adapter: MiniportAdapter, binding: Binding, handle: OffloadHandle, block: OffloadBlockList, call: string): Error | null {
  const { ndis, registration } = adapter;
  const state = handle.ndisState;
  // A linker's status says how its dependents fared; its own object stays what it was.
  if (state === STATE.offloading) {
    const context = handle.miniportOffloadContext;
    const isSuccess = block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    if (isSuccess) {
      if (context === null || context === undefined) {
        return ndis.violation('CHIM-INI-013', registration.name, `${call}: an object was offloaded without a context in its cell`, [block, handle]);
      }
      setHandleState(handle, STATE.offloaded);
      binding.offloadedObjects++;
    } else {
      if (context !== null) {
        return ndis.violation('CHIM-INI-013', registration.name, `${call}: an object failed but its cell holds a context`, [block, handle]);
      }
      const chain = block.netBufferListChain;
      const error = chain === null ? null : leaveChain(adapter, binding, chain, call);
      if (error !== null) return error;
      setHandleState(handle, STATE.dead);
    }
  }
  ndis.undoLog.push(state);
  return null;
}

function leaveTerminate(adapter: MiniportAdapter, binding: Binding, handle: OffloadHandle, block: OffloadBlockList, call: string): Error | null {
  const { ndis, registration } = adapter;
  if (handle.ndisIndicationDepth !== 0) {
    return ndis.violation('CHIM-TRM-006', registration.name, `${call}: an indication for the object has not returned yet`, [block, handle]);
  }
  const chain = block.netBufferListChain;
  if (chain !== null) {
    const error = leaveChain(adapter, binding, chain, call);
    if (error !== null) return error;
  }
  const buffered = bufferedDataOf(block);
  if (buffered !== null) {
    const error = leaveBuffered(adapter, binding, buffered, call);
    if (error !== null) {
      if (chain !== null) unleaveChain(binding, chain);
      return error;
    }
  }
  ndis.undoLog.push(handle.ndisState);
  ndis.undoLog.push(handle.miniportOffloadContext);
  if (block.status === NDIS_STATUS_SUCCESS) {
    setHandleState(handle, STATE.dead);
    handle.miniportOffloadContext = null;
    binding.offloadedObjects--;
  } else {
    setHandleState(handle, STATE.lost);
  }
  return null;
}

function bufferedDataOf(block: OffloadBlockList): NetBufferList | null {
  if (offloadLayerOf(block.header.type) !== 'tcp') return null;
  return (block.state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
}

/** Send NBLs that come back inside a tree: the same rule as for those that come back in a completion. */
function leaveChain(adapter: MiniportAdapter, binding: Binding, chain: NetBufferList, call: string): Error | null {
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
  adapter.ndis.undoLog.push(from);
  return null;
}

function unleaveBuffered(binding: Binding, list: NetBufferList, source: NetBufferListSource | null): void {
  for (let nbl: NetBufferList | null = list; nbl != null; nbl = nbl.next) {
    nbl.sourceHandle = source;
    binding.indicatedNbls--;
  }
}

/** The opposite of {@link leaveBlock}. */
export function unleaveBlock(binding: Binding, record: OperationRecord, block: OffloadBlockList): void {
  block.ndisReserved0 = record;
  const handle = block.offloadHandle;
  if (handle === null) return;
  const { undoLog } = binding.ndis;
  const chain = block.netBufferListChain;
  if (record.operation === OPERATION.initiate) {
    const before = undoLog.shift() as number;
    if (before === STATE.offloading && handle.ndisState === STATE.offloaded) binding.offloadedObjects--;
    if (before === STATE.offloading && handle.ndisState === STATE.dead && chain !== null) unleaveChain(binding, chain);
    setHandleState(handle, before);
  } else if (record.operation === OPERATION.terminate) {
    const buffered = bufferedDataOf(block);
    if (buffered !== null) unleaveBuffered(binding, buffered, undoLog.shift() as NetBufferListSource | null);
    if (handle.ndisState === STATE.dead) binding.offloadedObjects++;
    setHandleState(handle, undoLog.shift() as number);
    handle.miniportOffloadContext = undoLog.shift();
    if (chain !== null) unleaveChain(binding, chain);
  } else if (record.operation === OPERATION.invalidate) {
    handle.ndisInvalid = undoLog.shift() as number;
  }
}
