import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  offloadLayerOf,
  type NeighborOffloadState,
  type OFFLOAD_STATE_TYPE,
  type OffloadBlockList,
  type OffloadHandle,
  type PathOffloadState,
} from '@ndis-chimney/types';

import type { MuxLower } from './mux-lower.ts';
import type { MuxUpper } from './mux-upper.ts';
import { OffloadEntry } from './offload-entry.ts';

/**
 * One object below one lower adapter. A connection has one entry, for it lives below one adapter at a time; a neighbor
 * or path has one per adapter that needs it, its replicas, and the cell above names the {@link MuxShared} of them all.
 */
export class MuxEntry extends OffloadEntry<MuxUpper> {
  readonly lower: MuxLower;
  /** What it is a replica of; null for a connection. */
  readonly shared: MuxShared | null;
  /** Terminates of the mux's own that failed. */
  failures = 0;
  /** Priority of a connection as the driver above gave it. */
  userPriority = 0;

  constructor(lower: MuxLower, upperHandle: OffloadHandle, upper: MuxUpper, shared: MuxShared | null) {
    super(lower.binding, upperHandle, upper);
    this.lower = lower;
    this.shared = shared;
  }
}

/**
 * A neighbor or path as the driver above knows it. It keeps the state that it was offloaded with, so that it can be
 * offloaded below a further adapter when a connection there needs it.
 */
export class MuxShared {
  readonly type: OFFLOAD_STATE_TYPE;
  readonly upperHandle: OffloadHandle;
  readonly upper: MuxUpper;
  /** The neighbor of a path. */
  parent: MuxShared | null = null;
  /** One per lower adapter; none while no connection needs it anywhere. */
  readonly replicas: MuxEntry[] = [];
  /** The mux's own copy; null until the object is offloaded. */
  private state: OffloadBlockState | null = null;
  /** When the state was given, in milliseconds of the clock: reachability ages. */
  private givenMs = 0;

  constructor(block: OffloadBlockList, upper: MuxUpper) {
    this.type = block.header.type as OFFLOAD_STATE_TYPE;
    this.upperHandle = block.offloadHandle as OffloadHandle;
    this.upper = upper;
  }

  /** True once its state is known. */
  get isKnown(): boolean {
    return this.state !== null;
  }

  /** VLAN of a neighbor, as the driver above gave it. */
  get vlanId(): number {
    return (this.state?.const as NeighborOffloadStateConst | null | undefined)?.vlanId ?? 0;
  }

  /** The replica below an adapter, or null. */
  replicaOn(lower: MuxLower): MuxEntry | null {
    for (const entry of this.replicas) if (entry.lower === lower) return entry;
    return null;
  }

  /** Takes over state that the driver above gave: all at the initiate, what is there at an update. */
  learn(state: OffloadBlockState, nowMs: number): void {
    const own = copyOf(this.type, state);
    this.state = new OffloadBlockState(own.const ?? this.state?.const ?? null, own.cached ?? this.state?.cached ?? null, own.delegated ?? this.state?.delegated ?? null);
    this.givenMs = nowMs;
  }

  /** The state for one more replica: what was given, reachability as many ticks older as have passed. */
  stateAt(nowMs: number, ticksPerSecond: number): OffloadBlockState {
    const state = copyOf(this.type, this.state ?? new OffloadBlockState(null, null, null));
    if (offloadLayerOf(this.type) === 'neighbor') {
      const ticks = Math.floor(((nowMs - this.givenMs) * ticksPerSecond) / 1000);
      const { cached, delegated } = state as NeighborOffloadState;
      // 0 says that the host's entry is stale, and stays.
      if (cached !== null && cached.hostReachabilityDelta !== 0) cached.hostReachabilityDelta += ticks;
      if (delegated !== null) delegated.nicReachabilityDelta += ticks;
    }
    return state;
  }

  /** Writes the state into the structures of a block that asks for it. */
  tell(into: OffloadBlockState, nowMs: number, ticksPerSecond: number): void {
    const now = this.stateAt(nowMs, ticksPerSecond);
    for (const part of ['const', 'cached', 'delegated'] as const) {
      const target = into[part] as { copyFrom(from: unknown): void } | null;
      if (target !== null && now[part] !== null) target.copyFrom(now[part]);
    }
  }
}

/** A copy of the state of a neighbor or path block. */
export function copyOf(type: number, state: OffloadBlockState): OffloadBlockState {
  if (offloadLayerOf(type) === 'neighbor') {
    const { const: constant, cached, delegated } = state as NeighborOffloadState;
    return new OffloadBlockState(
      constant && new NeighborOffloadStateConst().copyFrom(constant),
      cached && new NeighborOffloadStateCached().copyFrom(cached),
      delegated && new NeighborOffloadStateDelegated().copyFrom(delegated),
    );
  }
  const { const: constant, cached, delegated } = state as PathOffloadState;
  return new OffloadBlockState(
    constant && new PathOffloadStateConst().copyFrom(constant),
    cached && new PathOffloadStateCached().copyFrom(cached),
    delegated && new PathOffloadStateDelegated().copyFrom(delegated),
  );
}
