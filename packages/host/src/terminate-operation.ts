import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { HostAdapter } from './host-adapter.ts';
import { emptyState } from './layer-blocks.ts';
import type { OffloadState } from './offload-state.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import type { StateOperation } from './state-operation.ts';
import { TreeBuilder } from './tree-builder.ts';

/** A target that fails this many terminates of an object will not give it back. */
const MOST_FAILED_TERMINATES = 3;

/**
 * What can be taken back at once, out of what is to be: connections that nothing is under way on, and the paths and
 * neighbors that nothing else depends on. They make one tree (`terminate-offload-initiated-by-the-host-stack.md`).
 */
export function takeReady(adapter: HostAdapter): OffloadedObject[] {
  const ready: OffloadedObject[] = [];
  const leaving = new Map<OffloadedObject, number>();
  const add = (object: OffloadedObject): void => {
    ready.push(object);
    const { parent } = object;
    if (parent !== null) leaving.set(parent, (leaving.get(parent) ?? 0) + 1);
  };
  for (const object of adapter.wanted) if (object.layer === 'tcp' && canLeave(object)) add(object);
  for (const layer of ['path', 'neighbor'] as const) {
    const candidates = new Set<OffloadedObject>();
    for (const object of leaving.keys()) if (object.layer === layer) candidates.add(object);
    for (const object of adapter.wanted) if (object.layer === layer) candidates.add(object);
    for (const object of candidates) {
      const isBare = object.awayDependents === (leaving.get(object) ?? 0);
      // What waits to be offloaded on it keeps it, unless it was asked for by name.
      const isFree = object.wanted !== null || (object.pins === 0 && object.dependents.size === object.awayDependents);
      if (isBare && isFree && canLeave(object)) add(object);
    }
  }
  return ready;
}

function canLeave(object: OffloadedObject): boolean {
  switch (object.offloadState) {
    case 'Offloaded':
    case 'Invalid':
      return object.isIdle;
    case 'Lost':
      return object.isRecoveryDue && object.isIdle;
    default:
      return false;
  }
}

/** Takes objects back, in one tree. */
export class TerminateOperation implements StateOperation {
  readonly objects: readonly OffloadedObject[];
  private readonly adapter: HostAdapter;
  private entries: ReadonlyMap<OffloadedObject, ProtocolOffloadBlockList> = new Map<OffloadedObject, ProtocolOffloadBlockList>();

  /** @param objects as {@link takeReady} found them: connections, paths, neighbors. */
  constructor(adapter: HostAdapter, objects: readonly OffloadedObject[]) {
    this.adapter = adapter;
    this.objects = objects;
  }

  readiness(): 'go' {
    return 'go';
  }

  begin(): void {
    const { adapter, objects } = this;
    const builder = new TreeBuilder();
    // Neighbors first: a block is added when what it hangs under is there.
    for (let at = objects.length - 1; at >= 0; at--) {
      const object = objects[at]!;
      builder.add(object, object.blocks.types.delegated, object.handle, emptyState(object.blocks, 'delegated'));
    }
    const root = builder.build();
    root.protocolReserved0 = this;
    this.entries = builder.entries;
    const before = new Map<OffloadedObject, OffloadState>();
    for (const object of objects) {
      const reason = object.wanted ?? 'lastDependentGone';
      before.set(object, object.offloadState);
      object.wanted = reason;
      object.isRecoveryDue = false;
      adapter.wanted.delete(object);
      object.terminateBegun?.(reason);
      object.moveTo('Uploading', reason);
    }
    try {
      adapter.binding.terminateOffload(root);
    } catch (error) {
      for (const [object, state] of before) {
        object.moveTo(state, 'refused', NDIS_STATUS_FAILURE);
        object.terminateRefused?.(error);
        object.sayGone(error as Error);
      }
    }
  }

  completed(): void {
    const { adapter, entries, objects } = this;
    for (const object of objects) {
      const block = entries.get(object)!;
      object.terminated?.(block, block.status === NDIS_STATUS_SUCCESS);
      if (block.status === NDIS_STATUS_SUCCESS) this.end(object, 'uploaded', NDIS_STATUS_SUCCESS);
      else this.lose(object, block.status);
    }
    adapter.pump();
  }

  private end(object: OffloadedObject, reason: 'uploaded' | 'givenUp', status: NDIS_STATUS): void {
    object.wanted = null;
    object.pins = 0;
    object.moveTo('InHost', reason, status);
    this.adapter.drop(object);
    object.ended?.(status);
  }

  /** The target lost the object. A connection's events say when it can be terminated again; other layers have none. */
  private lose(object: OffloadedObject, status: NDIS_STATUS): void {
    const { adapter } = this;
    object.failedTerminates++;
    if (object.failedTerminates >= MOST_FAILED_TERMINATES) {
      adapter.report('CHIM-TRM-015', `${object.failedTerminates} terminates of a ${object.layer} object failed; the host gives it up`, [object.handle], 'returning-the-completion-status-of-a-terminate-offload-operation.md');
      adapter.givenUp++;
      this.end(object, 'givenUp', status);
      return;
    }
    object.moveTo('Lost', 'lost', status);
    if (object.layer !== 'tcp' || adapter.isEmptying) adapter.recoverLater(object);
  }

  refuse(): void {
    // It never waits.
  }
}
