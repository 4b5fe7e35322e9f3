import { NDIS_STATUS_INVALID_STATE, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { HostAdapter } from './host-adapter.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import type { Readiness, StateOperation } from './state-operation.ts';
import { TreeBuilder } from './tree-builder.ts';

/**
 * Offers objects, and whatever they depend on that is not offloaded yet, as one tree: new objects with their state,
 * offloaded ones as linkers where something new hangs under them and as placeholders where nothing does.
 *
 * Source: `placeholders--linkers--and-new-offloads.md`.
 */
export class InitiateOperation implements StateOperation {
  readonly objects: readonly OffloadedObject[];
  private readonly adapter: HostAdapter;
  /** What was asked for: each has an offering to be settled. */
  private readonly leaves: readonly OffloadedObject[];
  /** New objects of the tree and their blocks, parents first. */
  private readonly offered = new Map<OffloadedObject, ProtocolOffloadBlockList>();

  constructor(adapter: HostAdapter, leaves: readonly OffloadedObject[]) {
    this.adapter = adapter;
    this.leaves = leaves;
    const objects = new Set<OffloadedObject>();
    for (const leaf of leaves) {
      for (let object: OffloadedObject | null = leaf; object !== null && !objects.has(object); object = object.parent) objects.add(object);
    }
    this.objects = [...objects];
  }

  readiness(): Readiness {
    const { adapter } = this;
    const status = adapter.offloadStatus;
    if (status !== NDIS_STATUS_SUCCESS) return status;
    for (const object of this.objects) {
      if (object.wanted === 'lastDependentGone' && object.offloadState === 'Offloaded') adapter.unwant(object);
      if (object.wanted !== null) return 'wait';
      switch (object.offloadState) {
        case 'Offloading':
        case 'Uploading':
        case 'Lost':
          return 'wait';
        case 'Invalid':
          // It stopped while the offload waited; nothing can be sent on what hangs under it.
          return NDIS_STATUS_INVALID_STATE;
        default:
      }
    }
    return 'go';
  }

  begin(): void {
    const { adapter, offered } = this;
    const builder = new TreeBuilder();
    for (const leaf of this.leaves) {
      // It may have been offloaded with something else while it waited.
      if (leaf.offloadState === 'InHost') this.addWithParents(builder, leaf);
      else leaf.settle(NDIS_STATUS_SUCCESS);
    }
    if (offered.size === 0) return;
    const root = builder.build();
    root.protocolReserved0 = this;
    for (const object of offered.keys()) object.moveTo('Offloading', 'offered');
    try {
      adapter.binding.initiateOffload(root);
    } catch (error) {
      for (const [object] of [...offered].reverse()) {
        object.offered?.(false);
        object.moveTo('InHost', 'refused', NDIS_STATUS_INVALID_STATE);
        this.end(object);
      }
      for (const leaf of this.leaves) this.reject(leaf, error);
      this.dropFailed();
    }
  }

  private addWithParents(builder: TreeBuilder, object: OffloadedObject): void {
    const { entries } = builder;
    if (entries.has(object)) return;
    const { parent, blocks } = object;
    if (parent !== null) this.addWithParents(builder, parent);
    if (object.offloadState !== 'InHost') {
      builder.add(object, blocks.types.all, null, null);
      return;
    }
    const above = parent === null ? undefined : entries.get(parent);
    // A placeholder under which something new hangs is a linker.
    if (above !== undefined && parent !== null) above.offloadHandle = parent.handle;
    const block = builder.add(object, blocks.types.all, object.renewHandle(), null);
    block.state = object.offeredState(block);
    this.offered.set(object, block);
  }

  completed(): void {
    const { adapter, offered } = this;
    for (const [object, block] of offered) {
      const isAccepted = block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      object.moveTo(isAccepted ? 'Offloaded' : 'InHost', isAccepted ? 'accepted' : 'refused', block.status);
      object.offered?.(isAccepted);
      if (!isAccepted) this.end(object);
    }
    const failed: { readonly leaf: OffloadedObject; readonly status: NDIS_STATUS }[] = [];
    for (const leaf of this.leaves) {
      if (offered.get(leaf) !== undefined && leaf.offloadState === 'InHost') failed.push({ leaf, status: this.statusOf(leaf) });
      else leaf.settle(NDIS_STATUS_SUCCESS);
    }
    const parents = failed.map(({ leaf }) => leaf.parent);
    this.dropFailed();
    adapter.pump();
    failed.forEach(({ leaf, status }, at) => {
      // What was offloaded below a layer that failed goes back before the caller is told.
      afterOrphans(parents[at] ?? null, () => {
        leaf.settle(status);
      });
    });
  }

  /** An object was not offloaded: whoever wants it back has it. */
  private end(object: OffloadedObject): void {
    object.wanted = null;
    this.adapter.wanted.delete(object);
    object.ended?.(NDIS_STATUS_SUCCESS);
  }

  /** The status of the lowest layer that failed. */
  private statusOf(leaf: OffloadedObject): NDIS_STATUS {
    let status: NDIS_STATUS = NDIS_STATUS_SUCCESS;
    for (let object: OffloadedObject | null = leaf; object !== null; object = object.parent) {
      if (object.offloadState === 'InHost') status = this.offered.get(object)?.status ?? status;
    }
    return status;
  }

  /** What was not offloaded depends on nothing any more. */
  private dropFailed(): void {
    for (const [object] of [...this.offered].reverse()) {
      if (object.offloadState === 'InHost') this.adapter.drop(object);
    }
  }

  private reject(leaf: OffloadedObject, error: unknown): void {
    const { offering } = leaf;
    leaf.offering = null;
    offering?.reject(error);
  }

  refuse(status: NDIS_STATUS): void {
    for (const leaf of this.leaves) {
      this.adapter.drop(leaf);
      leaf.settle(status);
    }
  }
}

/** Calls back when no object from this one down is on its way back for want of dependents. */
function afterOrphans(from: OffloadedObject | null, then: () => void): void {
  let lowest: OffloadedObject | null = null;
  for (let object = from; object !== null; object = object.parent) {
    if (object.wanted === 'lastDependentGone') lowest = object;
  }
  if (lowest === null) then();
  else lowest.whenGone(then);
}
