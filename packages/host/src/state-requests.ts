import { NDIS_STATUS_FAILURE, NDIS_STATUS_INVALID_STATE, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type OffloadBlockState, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { HostAdapter } from './host-adapter.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import type { HostPath } from './host-path.ts';
import { emptyState, type StateClass } from './layer-blocks.ts';
import { isWithTarget } from './offload-state.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import type { Readiness, StateOperation } from './state-operation.ts';
import { TreeBuilder } from './tree-builder.ts';

/** Told how a request ended for each of its objects, in order. */
export interface RequestOutcome {
  resolve(statuses: readonly NDIS_STATUS[], states: readonly (OffloadBlockState | null)[]): void;
  reject(error: unknown): void;
}

/** What queries, updates and invalidates have in common: objects that are with the target are named, the others are told. */
abstract class StateRequest implements StateOperation {
  readonly objects: readonly OffloadedObject[];
  protected readonly adapter: HostAdapter;
  private readonly outcome: RequestOutcome;
  private entries: ReadonlyMap<OffloadedObject, ProtocolOffloadBlockList> = new Map<OffloadedObject, ProtocolOffloadBlockList>();

  constructor(adapter: HostAdapter, objects: readonly OffloadedObject[], outcome: RequestOutcome) {
    this.adapter = adapter;
    this.objects = objects;
    this.outcome = outcome;
  }

  /** 1 for what an update must wait for. */
  protected abstract readonly changes: 0 | 1;
  protected abstract mustWait(object: OffloadedObject): boolean;
  protected abstract canTake(object: OffloadedObject): boolean;
  protected abstract addBlock(builder: TreeBuilder, object: OffloadedObject, at: number): void;
  protected abstract passDown(root: ProtocolOffloadBlockList): void;
  protected abstract took(object: OffloadedObject, status: NDIS_STATUS, block: ProtocolOffloadBlockList): void;

  readiness(): Readiness {
    for (const object of this.objects) {
      if (object.offloadState === 'Offloading' || (object.wanted === null && isWithTarget(object.offloadState) && this.mustWait(object))) return 'wait';
    }
    return 'go';
  }

  begin(): void {
    const builder = new TreeBuilder();
    this.objects.forEach((object, at) => {
      if (object.wanted === null && this.canTake(object) && !builder.entries.has(object)) this.addBlock(builder, object, at);
    });
    this.entries = builder.entries;
    if (builder.entries.size === 0) {
      this.settle();
      return;
    }
    const root = builder.build();
    root.protocolReserved0 = this;
    this.hold(1);
    try {
      this.passDown(root);
    } catch (error) {
      this.hold(-1);
      this.outcome.reject(error);
    }
  }

  private hold(by: number): void {
    for (const object of this.entries.keys()) {
      object.holds += by;
      object.changes += by * this.changes;
    }
  }

  completed(): void {
    this.hold(-1);
    for (const [object, block] of this.entries) this.took(object, block.status, block);
    this.settle();
    this.adapter.pump();
  }

  private settle(): void {
    const statuses = this.objects.map((object) => this.entries.get(object)?.status ?? NDIS_STATUS_INVALID_STATE);
    this.outcome.resolve(statuses, this.objects.map((object, at) => (statuses[at] === NDIS_STATUS_SUCCESS ? (this.entries.get(object)?.state ?? null) : null)));
  }

  refuse(status: NDIS_STATUS): void {
    this.outcome.resolve(this.objects.map(() => status), this.objects.map(() => null));
  }
}

/** `NdisQueryOffloadState`. Queries of an object may overlap each other and everything else (AMB-23). */
export class QueryRequest extends StateRequest {
  protected readonly changes = 0;
  private readonly kind: StateClass;

  constructor(adapter: HostAdapter, objects: readonly OffloadedObject[], kind: StateClass, outcome: RequestOutcome) {
    super(adapter, objects, outcome);
    this.kind = kind;
  }

  protected mustWait(): boolean {
    return false;
  }

  protected canTake({ offloadState }: OffloadedObject): boolean {
    return isWithTarget(offloadState);
  }

  protected addBlock(builder: TreeBuilder, object: OffloadedObject): void {
    builder.add(object, object.blocks.types[this.kind], object.handle, emptyState(object.blocks, this.kind));
  }

  protected passDown(root: ProtocolOffloadBlockList): void {
    this.adapter.binding.queryOffloadState(root);
  }

  protected took(object: OffloadedObject, status: NDIS_STATUS): void {
    // Its hardware state is corrupt: what cannot be read cannot stay (CHIM-QRY-005).
    if (status !== NDIS_STATUS_SUCCESS) this.adapter.want(object, 'queryFailed');
  }
}

/** New cached state of one object. */
export interface CachedUpdate {
  readonly object: OffloadedObject;
  /** A structure of the object's layer, complete, made from what is cached when the update goes down. */
  cachedThen(): object;
}

/** `NdisUpdateOffload` of cached state: one at a time per object (CHIM-UPD-001). */
export class UpdateRequest extends StateRequest {
  protected readonly changes = 1;
  private readonly updates: readonly CachedUpdate[];

  constructor(adapter: HostAdapter, updates: readonly CachedUpdate[], outcome: RequestOutcome) {
    super(adapter, updates.map(({ object }) => object), outcome);
    this.updates = updates;
  }

  protected mustWait(object: OffloadedObject): boolean {
    return object.changes > 0;
  }

  protected canTake({ offloadState }: OffloadedObject): boolean {
    return offloadState === 'Offloaded';
  }

  protected addBlock(builder: TreeBuilder, object: OffloadedObject, at: number): void {
    const state = emptyState(object.blocks, 'cached');
    state.cached = this.updates[at]!.cachedThen();
    builder.add(object, object.blocks.types.cached, object.handle, state);
  }

  protected passDown(root: ProtocolOffloadBlockList): void {
    this.adapter.binding.updateOffload(root);
  }

  protected took(object: OffloadedObject, status: NDIS_STATUS, block: ProtocolOffloadBlockList): void {
    if (status === NDIS_STATUS_SUCCESS) object.takeCached(block.state?.cached);
    else this.adapter.want(object, 'updateFailed');
  }
}

/** `NdisInvalidateOffload`: no state goes with it (CHIM-INV-001). It does not wait for updates: it is for stopping quickly. */
export class InvalidateRequest extends StateRequest {
  protected readonly changes = 1;

  protected mustWait(): boolean {
    return false;
  }

  protected canTake({ offloadState }: OffloadedObject): boolean {
    return isWithTarget(offloadState);
  }

  protected addBlock(builder: TreeBuilder, object: OffloadedObject): void {
    builder.add(object, object.blocks.types.all, object.handle, null);
  }

  protected passDown(root: ProtocolOffloadBlockList): void {
    this.adapter.binding.invalidateOffload(root);
  }

  protected took(object: OffloadedObject, status: NDIS_STATUS): void {
    if (status === NDIS_STATUS_SUCCESS) this.adapter.invalidated(object);
  }
}

/**
 * `NdisUpdateOffload` of links: paths get another neighbor, which is named above them.
 *
 * Source: `linking-path-state-objects-to-a-new-neighbor-state-object.md`.
 */
export class RelinkRequest extends StateRequest {
  protected readonly changes = 1;
  private readonly neighbor: HostNeighbor;

  constructor(adapter: HostAdapter, neighbor: HostNeighbor, paths: readonly HostPath[], outcome: RequestOutcome) {
    super(adapter, [neighbor, ...paths], outcome);
    this.neighbor = neighbor;
  }

  protected mustWait(object: OffloadedObject): boolean {
    return object.changes > 0;
  }

  protected canTake(object: OffloadedObject): boolean {
    // Without a path to be linked to it the neighbor is not named: that would be an update of nothing.
    return isStaying(this.neighbor) && (object === this.neighbor ? this.objects.some((path) => path !== object && isStaying(path)) : isStaying(object));
  }

  protected addBlock(builder: TreeBuilder, object: OffloadedObject): void {
    builder.add(object, object.blocks.types.all, object.handle, null, object === this.neighbor ? null : this.neighbor);
  }

  protected passDown(root: ProtocolOffloadBlockList): void {
    this.adapter.binding.updateOffload(root);
  }

  protected took(object: OffloadedObject, status: NDIS_STATUS): void {
    if (object === this.neighbor) {
      if (status === NDIS_STATUS_FAILURE) this.adapter.want(object, 'updateFailed');
    } else if (status === NDIS_STATUS_SUCCESS) {
      this.adapter.relinked(object as HostPath, this.neighbor);
    } else {
      this.adapter.want(object, 'updateFailed');
    }
  }
}

function isStaying({ offloadState, wanted }: OffloadedObject): boolean {
  return offloadState === 'Offloaded' && wanted === null;
}
