import { NDIS_STATUS_SUCCESS, OffloadHandle, type NDIS_STATUS, type OffloadBlockState, type OffloadLayer, type ProtocolOffloadBlockList } from '@ndis-chimney/types';
import { Subject, type Observable } from 'rxjs';

import type { HostAdapter } from './host-adapter.ts';
import type { LayerBlocks } from './layer-blocks.ts';
import { isAway, type OffloadState, type OffloadStateChange, type OffloadStateReason, type UploadReason } from './offload-state.ts';
import type { StateResult } from './results.ts';

/** Tells whoever offered an object how that ended. */
export interface Offering {
  resolve(status: NDIS_STATUS): void;
  reject(error: unknown): void;
}

/** Of a connection, on which nothing depends; nobody adds to it. */
const NO_DEPENDENTS = new Set<OffloadedObject>();

/**
 * What neighbors, paths and connections have in common: a life on one binding, and what depends on them.
 *
 * A handle is for one life: an object that is offered again, after a refusal or a terminate, gets a new one.
 */
export abstract class OffloadedObject {
  abstract readonly layer: OffloadLayer;
  /** @internal */
  abstract readonly blocks: LayerBlocks;
  /** @internal */
  readonly adapter: HostAdapter;
  /** @internal The object one layer below that this one depends on, once it is attached. */
  parent: OffloadedObject | null = null;
  /** @internal What depends on this object, or waits to be offloaded on it. */
  readonly dependents: Set<OffloadedObject>;
  /** @internal How many of those are not the host's. */
  awayDependents = 0;
  /** @internal Users that keep it offloaded although nothing depends on it. */
  pins = 0;
  /** @internal The name it has on the binding in this life. */
  handle: OffloadHandle<OffloadedObject> | null = null;
  /** @internal Why it is to be taken back; null when it is not. */
  wanted: UploadReason | null = null;
  /** @internal Queries, updates and invalidates under way: none of them when a terminate goes down (CHIM-TRM-001). */
  holds = 0;
  /** @internal Updates and invalidates of them: an update waits for all (CHIM-UPD-001). */
  changes = 0;
  /** @internal True when a lost object is to be terminated once more. */
  isRecoveryDue = false;
  /** @internal Terminates that failed. */
  failedTerminates = 0;
  /** @internal */
  offering: Offering | null = null;
  private stateNow: OffloadState = 'InHost';
  private states: Subject<OffloadStateChange> | null = null;
  private gone: ((error: Error | null) => void)[] | null = null;

  /** @internal */
  constructor(adapter: HostAdapter, hasDependents: boolean) {
    this.adapter = adapter;
    this.dependents = hasDependents ? new Set<OffloadedObject>() : NO_DEPENDENTS;
  }

  /** Whose the object is now. */
  get offloadState(): OffloadState {
    return this.stateNow;
  }

  /** Every change of {@link offloadState} from now on, with its reason. Never ends: an object may be offered again. */
  get stateChanges$(): Observable<OffloadStateChange> {
    this.states ??= new Subject<OffloadStateChange>();
    return this.states.asObservable();
  }

  /**
   * Stops transmission on everything that depends on the object (`NdisInvalidateOffload`). It stays with the target until
   * it is terminated. Waits until an offload under way has ended.
   */
  invalidate(): Promise<StateResult> {
    return this.adapter.invalidate([this]).then(([result]) => result!);
  }

  /** @internal State structures to offer the object with; made anew for each offer. */
  abstract offeredState(block: ProtocolOffloadBlockList): OffloadBlockState;
  /** @internal An update of the object succeeded. */
  abstract takeCached(cached: unknown): void;

  // What some layers do and others need not.

  /** @internal The initiate has ended, either way: what only it needed is free. */
  offered?(isAccepted: boolean): void;
  /** @internal A terminate goes down, for this reason. */
  terminateBegun?(reason: UploadReason): void;
  /** @internal NDIS refused a terminate. */
  terminateRefused?(error: unknown): void;
  /** @internal A terminate of the object has completed; `isOver` false: the target lost it. */
  terminated?(block: ProtocolOffloadBlockList, isOver: boolean): void;
  /** @internal The object is the host's again. */
  ended?(status: NDIS_STATUS): void;

  /** @internal True when nothing stands against a terminate going down. */
  get isIdle(): boolean {
    return this.holds === 0;
  }

  /** @internal Tells whoever offered the object how that ended. */
  settle(status: NDIS_STATUS): void {
    const { offering } = this;
    this.offering = null;
    offering?.resolve(status);
  }

  /** @internal A new handle for the next life. */
  renewHandle(): OffloadHandle<OffloadedObject> {
    const handle = new OffloadHandle<OffloadedObject>(this.adapter.binding, this);
    this.handle = handle;
    return handle;
  }

  /** @internal Moves the object on in its life, and says so. */
  moveTo(to: OffloadState, reason: OffloadStateReason, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): void {
    const from = this.stateNow;
    if (from === to) return;
    this.stateNow = to;
    const { adapter, parent } = this;
    if (isAway(from) !== isAway(to)) {
      const by = isAway(to) ? 1 : -1;
      if (parent !== null) parent.awayDependents += by;
      adapter.countAway(this, by);
    }
    const { changes } = adapter.driver;
    if (this.states !== null || changes.observed) {
      const change: OffloadStateChange = { object: this, from, to, reason, status };
      this.states?.next(change);
      changes.next(change);
    }
    if (to === 'InHost') this.sayGone();
  }

  /** @internal Makes the object depend on another. */
  attach(parent: OffloadedObject): void {
    this.parent = parent;
    parent.dependents.add(this);
    if (isAway(this.stateNow)) parent.awayDependents++;
  }

  /** @internal The opposite. @returns what it depended on. */
  detach(): OffloadedObject | null {
    const { parent } = this;
    if (parent === null) return null;
    this.parent = null;
    parent.dependents.delete(this);
    if (isAway(this.stateNow)) parent.awayDependents--;
    return parent;
  }

  /** @internal Calls back when the object is the host's, is not to be taken back after all, or cannot be: with the error. */
  whenGone(then: (error: Error | null) => void): void {
    (this.gone ??= []).push(then);
  }

  /** @internal */
  sayGone(error: Error | null = null): void {
    const { gone } = this;
    this.gone = null;
    if (gone !== null) for (const then of gone) then(error);
  }
}
