import { OFFLOAD_HANDLE_BRAND, brand, type Branded } from './brand.ts';
import type { NdisBinding } from './ndis-binding.ts';

/** Where an offload handle stands; NDIS moves it. `lost` is a terminate that failed: only another one is accepted. */
export type OffloadHandleState = 'new' | 'offloading' | 'offloaded' | 'terminating' | 'dead' | 'lost';

/** The life cycle as small integers, as `OffloadHandle.ndisState` holds them. */
export const OFFLOAD_HANDLE_STATE = {
  new: 0,
  offloading: 1,
  offloaded: 2,
  terminating: 3,
  dead: 4,
  lost: 5,
  /** A second terminate, of an object whose first one failed, is under way. */
  terminatingLost: 6,
} as const;

const STATE_NAMES: readonly OffloadHandleState[] = [
  'new',
  'offloading',
  'offloaded',
  'terminating',
  'dead',
  'lost',
  'terminating',
];

/**
 * The cell of an offload handle, as the driver below sees it through `MiniportOffloadContext` of a miniport block:
 * null in it says "new object"; the driver writes its context there on success.
 */
export interface OffloadContextCell<OffloadContext = unknown> {
  miniportOffloadContext: OffloadContext | null;
}

/**
 * NDIS_OFFLOAD_HANDLE: names one offloaded object on one edge. The driver above makes one per object and keeps it in
 * its own context for as long as the object is offloaded; the driver below sees it as an opaque key it replays in
 * indications, and writes its own context into the cell `miniportOffloadContext`.
 *
 * A handle is for one life: after a failed initiate or a successful terminate the same object is offered again with a
 * new handle. `ndis…` members belong to NDIS.
 *
 * Source: `ns-ndischimney-_ndis_offload_handle.md`, `storing-and-referencing-offloaded-state.md`.
 */
export class OffloadHandle<Owner = unknown, OffloadContext = unknown> implements OffloadContextCell<OffloadContext> {
  /** The binding the object is, or will be, offloaded through. */
  readonly binding: NdisBinding;
  /** The upper driver's own record for the object: what CONTAINING_RECORD gives in C. */
  readonly owner: Owner;
  /** The cell: the lower driver's context for the object, null before the offload and after the terminate. */
  miniportOffloadContext: OffloadContext | null = null;
  /** `NdisReserved[0]`: the binding while the object is offloaded, null otherwise; what a data call looks at. */
  ndisReserved0: NdisBinding | null = null;
  /** One of {@link OFFLOAD_HANDLE_STATE}. */
  ndisState: number = OFFLOAD_HANDLE_STATE.new;
  /** 1 after an invalidate of the object succeeded. */
  ndisInvalid = 0;
  /** Receive and disconnect calls for the object that have not returned. */
  ndisCallDepth = 0;
  /** Indications for the object that have not returned. */
  ndisIndicationDepth = 0;
  /** Queries of the object under way. */
  ndisQueries = 0;
  /** Updates and invalidates of the object under way. */
  ndisChanges = 0;

  constructor(binding: NdisBinding, owner: Owner) {
    this.binding = binding;
    this.owner = owner;
  }

  static {
    brand(this.prototype, OFFLOAD_HANDLE_BRAND);
  }

  /** Where the object stands in its life on this edge. */
  get state(): OffloadHandleState {
    return STATE_NAMES[this.ndisState] ?? 'dead';
  }

  /** True once an invalidate of the object has succeeded; only query and terminate are left for it. */
  get invalid(): boolean {
    return this.ndisInvalid !== 0;
  }
}

/** True when `value` is an offload handle, of whichever copy of this package. */
export function isOffloadHandle(value: unknown): value is OffloadHandle {
  return typeof value === 'object' && value !== null && (value as Branded)[OFFLOAD_HANDLE_BRAND] === true;
}
