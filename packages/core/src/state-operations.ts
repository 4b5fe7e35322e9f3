import {
  DDI_CROSSING,
  isOffloadBlockList,
  type DdiCrossing,
  type MiniportOffloadBlockList,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import { abandonBlock, failBlock, leaveBlock, takeBlock, untakeBlock, unleaveBlock } from './block-crossing.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { OPERATION, type Operation, type OperationRecord } from './operation-record.ts';
import { describeValue } from './source-tags.ts';
import { UndoLog } from './undo-log.ts';

const DOWN: readonly DdiCrossing[] = [
  DDI_CROSSING.initiateOffload,
  DDI_CROSSING.terminateOffload,
  DDI_CROSSING.updateOffload,
  DDI_CROSSING.invalidateOffload,
  DDI_CROSSING.queryOffloadState,
];

const UP: readonly DdiCrossing[] = [
  DDI_CROSSING.initiateOffloadComplete,
  DDI_CROSSING.terminateOffloadComplete,
  DDI_CROSSING.updateOffloadComplete,
  DDI_CROSSING.invalidateOffloadComplete,
  DDI_CROSSING.queryOffloadStateComplete,
];

/** The way down of a state-manipulation call. */
export function startOperation(binding: Binding, operation: Operation, tree: ProtocolOffloadBlockList): void {
  const crossing = DOWN[operation] as DdiCrossing;
  const { ndis, upper } = binding;
  const root = tree as unknown as OffloadBlockList;
  if (!isOffloadBlockList(root)) {
    throw new TypeError(`${crossing.call} (called by ${upper.name}): offloadBlockList is ${describeValue(tree)}, not an offload block list`);
  }
  requireGate(binding, operation, crossing);
  const outer = outerOf(binding, root, crossing);
  const record = ndis.operations.take(binding, operation, root, outer);
  const log = undoLogFor(binding);
  takeTree(binding, record, root, crossing, log);
  const above = root.sourceHandle;
  root.sourceHandle = binding;
  binding.outstandingOperations++;
  if (binding.observer !== null) {
    try {
      binding.observer.enter(crossing, binding, root, record.blockCount, 0);
    } catch (error) {
      binding.outstandingOperations--;
      root.sourceHandle = above;
      untakeTree(binding, record, root, record.blockCount, log);
      ndis.operations.give(record);
      throw error;
    }
  }
  log.clear();
  // Where NDIS blocks the chimney nothing crosses: every block fails.
  if ((binding.gate & GATE.blocked) !== 0) ndis.failLater(record);
  else callDownGuarded(binding, record, operation, crossing, root);
  if (binding.observer !== null) binding.observer.leave(crossing, binding, root, 0, 0);
}

/** Observers are called while a log is in use, and may call NDIS: then the log is not the one that all others share. */
function undoLogFor(binding: Binding): UndoLog {
  return binding.observer === null ? binding.ndis.undoLog : new UndoLog();
}

function callDownGuarded(binding: Binding, record: OperationRecord, operation: Operation, crossing: DdiCrossing, root: OffloadBlockList): void {
  const { ndis, lower } = binding;
  const { use } = record;
  try {
    callDown(binding, operation, root as unknown as MiniportOffloadBlockList);
  } catch (error) {
    ndis.reportEscaped(lower.registration.name, crossing.entry, error, [root]);
    // A driver that handed the tree on before it failed will see it completed from below; otherwise nobody will.
    if (record.use === use && root.ndisReserved0 === record) ndis.failLater(record);
  }
}

function requireGate(binding: Binding, operation: Operation, crossing: DdiCrossing): void {
  // A paused binding still lets state be read and taken back, a blocked one is answered by NDIS.
  const shut = operation === OPERATION.initiate ? GATE.opening | GATE.paused | GATE.closed : GATE.opening | GATE.closed;
  if ((binding.gate & shut) !== 0) throw binding.refuseGate(crossing.call);
  if (!binding.upper.hasChimney) throw binding.refuseChimney(crossing.call);
}

function callDown(binding: Binding, operation: Operation, root: MiniportOffloadBlockList): void {
  const { providerGeneric, adapterContext } = binding;
  switch (operation) {
    case OPERATION.initiate:
      providerGeneric.miniportInitiateOffload(adapterContext, root);
      break;
    case OPERATION.terminate:
      providerGeneric.miniportTerminateOffload(adapterContext, root);
      break;
    case OPERATION.update:
      providerGeneric.miniportUpdateOffload(adapterContext, root);
      break;
    case OPERATION.invalidate:
      providerGeneric.miniportInvalidateOffload(adapterContext, root);
      break;
    case OPERATION.query:
      providerGeneric.miniportQueryOffload(adapterContext, root);
      break;
  }
}

/** The operation above this edge that holds the tree already: one its caller received and has not completed. */
function outerOf(binding: Binding, root: OffloadBlockList, crossing: DdiCrossing): OperationRecord | null {
  const mark = root.ndisReserved0;
  if (mark === null) return null;
  const outer = mark as OperationRecord;
  const holder = outer.binding;
  const { associated, name } = binding.upper;
  if (associated !== null && holder !== binding && holder?.lower.registration === associated) return outer;
  throw binding.ndis.violation('CHIM-BLK-011', name, `${crossing.call}: the block list is still out, passed down by ${holder?.upper.name ?? 'somebody'}`, [root]);
}

/** Marks every block, moves its handle, tags its NBLs; on a bad block everything is put back and the caller is told. */
function takeTree(binding: Binding, record: OperationRecord, root: OffloadBlockList, crossing: DdiCrossing, log: UndoLog): void {
  const { ndis } = binding;
  const { walk, operations } = ndis;
  let block: OffloadBlockList | null = walk.start(root);
  let count = 0;
  let objects = 0;
  let error: Error | null = null;
  ndis.holdReports();
  while (block !== null) {
    error = takeBlock(binding, record, block, crossing.call, log);
    if (error !== null) break;
    count++;
    if (block.offloadHandle !== null) objects++;
    block = walk.next(block);
  }
  record.blockCount = count;
  record.objectCount = objects;
  if (error !== null) {
    untakeTree(binding, record, root, count, log);
    operations.give(record);
  }
  ndis.releaseReports();
  if (error !== null) throw error;
}

function untakeTree(binding: Binding, record: OperationRecord, root: OffloadBlockList, count: number, log: UndoLog): void {
  const { walk } = binding.ndis;
  let block: OffloadBlockList | null = walk.start(root);
  for (let i = 0; i < count && block !== null; i++) {
    untakeBlock(binding, record, block, log);
    block = walk.next(block);
  }
  log.clear();
}

/** The way up: `adapter` completes the operation whose tree has this root. */
export function completeOperation(adapter: MiniportAdapter, operation: Operation, tree: MiniportOffloadBlockList): void {
  const crossing = UP[operation] as DdiCrossing;
  const root = tree as unknown as OffloadBlockList;
  const record = recordOf(adapter, operation, root, crossing);
  const binding = record.binding as Binding;
  const log = undoLogFor(binding);
  leaveTree(adapter, binding, record, root, crossing, log);
  root.sourceHandle = null;
  if (binding.observer !== null) {
    try {
      binding.observer.enter(crossing, binding, root, record.blockCount, 0);
    } catch (error) {
      root.sourceHandle = binding;
      unleaveTree(binding, record, root, record.blockCount, log);
      throw error;
    }
  }
  log.clear();
  endOperation(binding, record, root, crossing);
}

/** The tree is whole and the driver above may have it. */
function endOperation(binding: Binding, record: OperationRecord, root: OffloadBlockList, crossing: DdiCrossing): void {
  const { ndis } = binding;
  const { operation } = record;
  binding.outstandingOperations--;
  ndis.operations.give(record);
  try {
    callUp(binding, operation, root as unknown as ProtocolOffloadBlockList);
  } catch (error) {
    ndis.reportEscaped(binding.upper.name, crossing.entry, error, [root]);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, root, 0, 0);
}

function callUp(binding: Binding, operation: Operation, root: ProtocolOffloadBlockList): void {
  const { clientGeneric, protocolBindingContext } = binding;
  switch (operation) {
    case OPERATION.initiate:
      clientGeneric.protocolInitiateOffloadComplete(protocolBindingContext, root);
      break;
    case OPERATION.terminate:
      clientGeneric.protocolTerminateOffloadComplete(protocolBindingContext, root);
      break;
    case OPERATION.update:
      clientGeneric.protocolUpdateOffloadComplete(protocolBindingContext, root);
      break;
    case OPERATION.invalidate:
      clientGeneric.protocolInvalidateOffloadComplete(protocolBindingContext, root);
      break;
    case OPERATION.query:
      clientGeneric.protocolQueryOffloadComplete(protocolBindingContext, root);
      break;
  }
}

/** Finds the operation a completion is for: by the tag and the mark of its root. */
function recordOf(adapter: MiniportAdapter, operation: Operation, root: OffloadBlockList, crossing: DdiCrossing): OperationRecord {
  const { ndis, registration } = adapter;
  if (!isOffloadBlockList(root)) {
    throw new TypeError(`${crossing.call} (called by ${registration.name}): offloadBlockList is ${describeValue(root)}, not an offload block list`);
  }
  const record = root.ndisReserved0 as OperationRecord | null;
  const binding = record?.binding ?? null;
  if (record === null || binding === null) {
    throw ndis.violation('CHIM-BLK-008', registration.name, `${crossing.call}: no operation is outstanding on this block list: completed twice, or never passed down`, [root]);
  }
  if (binding.lower !== adapter) {
    throw ndis.violation('CHIM-BLK-008', registration.name, `${crossing.call}: the block list is not adapter ${adapter.name}'s to complete, it was passed down to ${binding.lower.name}`, [root]);
  }
  if (record.root !== root) {
    throw ndis.violation('CHIM-BLK-003', registration.name, `${crossing.call}: this is not the root that was passed down`, [root, record.root]);
  }
  if (record.operation !== operation) {
    throw ndis.violation('CHIM-BLK-008', registration.name, `${crossing.call}: the operation outstanding on this block list is ${(DOWN[record.operation] as DdiCrossing).operation}`, [root]);
  }
  if (root.sourceHandle !== binding) {
    throw ndis.violation('CHIM-IM-004', registration.name, `${crossing.call}: the root's SourceHandle is not what it was on entry`, [root]);
  }
  return record;
}

function leaveTree(adapter: MiniportAdapter, binding: Binding, record: OperationRecord, root: OffloadBlockList, crossing: DdiCrossing, log: UndoLog): void {
  const { ndis } = adapter;
  const { walk } = ndis;
  let block: OffloadBlockList | null = walk.start(root);
  let count = 0;
  let objects = 0;
  let error: Error | null = null;
  ndis.holdReports();
  while (block !== null) {
    error = leaveBlock(adapter, binding, record, block, crossing.call, log);
    if (error !== null) break;
    count++;
    if (block.offloadHandle !== null) objects++;
    block = walk.next(block);
  }
  if (error === null && (count !== record.blockCount || objects !== record.objectCount)) {
    const { blockCount, objectCount } = record;
    const what = `${blockCount} blocks with ${objectCount} objects went down, ${count} with ${objects} came back`;
    error = ndis.violation('CHIM-BLK-003', adapter.registration.name, `${crossing.call}: ${what}`, [root]);
  }
  if (error !== null) unleaveTree(binding, record, root, count, log);
  ndis.releaseReports();
  if (error !== null) throw error;
}

function unleaveTree(binding: Binding, record: OperationRecord, root: OffloadBlockList, count: number, log: UndoLog): void {
  const { walk } = binding.ndis;
  let block: OffloadBlockList | null = walk.start(root);
  for (let i = 0; i < count && block !== null; i++) {
    unleaveBlock(binding, record, block, log);
    block = walk.next(block);
  }
  log.clear();
}

/**
 * Completes an operation with failure in every block, as NDIS itself does when no driver will: the chimney is blocked
 * on the edge, or the driver's handler threw. Nobody can stop it; of a tree that the driver spoilt every block that can
 * still be reached comes back.
 */
export function failOperation(record: OperationRecord): void {
  const { binding, root } = record;
  if (binding === null || root === null) return;
  const crossing = UP[record.operation] as DdiCrossing;
  const { ndis, lower } = binding;
  const { walk } = ndis;
  const log = new UndoLog();
  let block: OffloadBlockList | null = walk.start(root);
  ndis.holdReports();
  // Blocks that went down bound the walk: the driver may have bent the tree into a loop.
  for (let count = 0; count < record.blockCount && isOffloadBlockList(block); count++) {
    if (block.ndisReserved0 === record) {
      failBlock(binding, record, block);
      if (leaveBlock(lower, binding, record, block, crossing.call, log) !== null) abandonBlock(record, block);
    }
    block = walk.next(block);
  }
  ndis.releaseReports();
  root.sourceHandle = null;
  if (binding.observer !== null) binding.observer.enterAnyway(crossing, binding, root, record.blockCount, 1);
  endOperation(binding, record, root, crossing);
}
