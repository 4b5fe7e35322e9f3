import { NDIS_OFFLOAD_SUPPORTED, NDIS_OFFLOAD_NOT_SUPPORTED, NdisTcpConnectionOffload, type MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { MuxLower } from './mux-lower.ts';
import type { MuxUpper } from './mux-upper.ts';

/**
 * Says where a new object goes.
 * @param lowers the lower adapters that take new objects now, in the order they were bound; at least one.
 * @param block the object's block, with the state that the driver above gave.
 * @returns one of `lowers`.
 */
export type MuxPlacementFunction = (lowers: readonly MuxLower[], block: MiniportOffloadBlockList, upper: MuxUpper) => MuxLower;

/**
 * How objects are placed on lower adapters: all on one, the others being in reserve; one after the other; where the
 * fewest connections are; or as a function says.
 */
export type MuxPlacementPolicy = 'active-backup' | 'round-robin' | 'least-objects' | MuxPlacementFunction;

/** Places objects on the lower adapters of a mux, and says what all of it amounts to in capabilities. */
export class MuxPlacement {
  private readonly policy: MuxPlacementPolicy;
  private readonly driverName: string;
  private readonly lowers: readonly MuxLower[];
  private activeLower: MuxLower | null = null;
  private turn = 0;

  /** @throws TypeError when the policy is none. */
  constructor(policy: MuxPlacementPolicy, driverName: string, lowers: readonly MuxLower[]) {
    const isPolicy = typeof policy === 'function' || policy === 'active-backup' || policy === 'round-robin' || policy === 'least-objects';
    if (!isPolicy) throw new TypeError(`MuxDriver ${driverName}: placement is ${String(policy)}, not active-backup, round-robin, least-objects or a function`);
    this.policy = policy;
    this.driverName = driverName;
    this.lowers = lowers;
  }

  /** True when all objects are on one lower adapter. */
  get isActiveBackup(): boolean {
    return this.policy === 'active-backup';
  }

  /** True when there is a lower adapter for new objects. */
  get hasUsable(): boolean {
    return this.lowers.some((lower) => lower.isUsable);
  }

  /**
   * The lower adapter in use: it stays the same until it is not usable any more, then it is the next in the order of
   * binding. An adapter that comes back waits in reserve.
   */
  get active(): MuxLower | null {
    if (this.activeLower?.isUsable !== true) this.activeLower = this.lowers.find((lower) => lower.isUsable) ?? null;
    return this.activeLower;
  }

  /** The lower adapter for what belongs to no object: ordinary sends, queries. */
  get primary(): MuxLower | null {
    return this.active ?? this.lowers.find((lower) => lower.isUp) ?? null;
  }

  /**
   * Where a new object goes; null when no lower adapter takes any.
   * @param planned how many objects of the same tree go where.
   * @throws TypeError when the function names another.
   */
  choose(block: MiniportOffloadBlockList, upper: MuxUpper, planned: ReadonlyMap<MuxLower, number>): MuxLower | null {
    if (this.policy === 'active-backup') return this.active;
    const usable = this.lowers.filter((lower) => lower.isUsable);
    const [first] = usable;
    if (first === undefined) return null;
    if (typeof this.policy === 'function') {
      const chosen = this.policy(usable, block, upper);
      if (usable.includes(chosen)) return chosen;
      throw new TypeError(`MuxDriver ${this.driverName}: placement returned none of the lower adapters it was given`);
    }
    const loadOf = (lower: MuxLower): number => lower.connections.size + lower.arriving + (planned.get(lower) ?? 0);
    const withRoom = usable.filter((lower) => hasRoom(lower, loadOf(lower)));
    const from = withRoom.length > 0 ? withRoom : usable;
    if (this.policy === 'round-robin') return from[this.turn++ % from.length] ?? first;
    return from.reduce((least, lower) => (loadOf(lower) < loadOf(least) ? lower : least));
  }

  /**
   * What the drivers above are told. In active-backup that is what the adapter in use can do. Otherwise it is what all
   * can do, the least capacity of all: so much fits wherever it is placed.
   */
  capabilities(): NdisTcpConnectionOffload | null {
    const capable = this.lowers.filter((lower) => lower.isCapable);
    const usable = capable.filter((lower) => lower.isUsable);
    if (this.isActiveBackup) return copyOfOffload((this.active ?? capable[0])?.capabilities ?? null);
    return combineCapabilities((usable.length > 0 ? usable : capable).map(({ capabilities }) => capabilities));
  }
}

/** A capacity of 0 says nothing. */
function hasRoom({ capabilities }: MuxLower, load: number): boolean {
  const capacity = capabilities?.tcpConnectionOffloadCapacity ?? 0;
  return capacity === 0 || load < capacity;
}

function copyOfOffload(from: NdisTcpConnectionOffload | null): NdisTcpConnectionOffload | null {
  return from === null ? null : new NdisTcpConnectionOffload().copyFrom(from);
}

/** What all of several adapters can offload: features that all have, encapsulations in common, the least capacity. */
export function combineCapabilities(all: readonly (NdisTcpConnectionOffload | null)[]): NdisTcpConnectionOffload | null {
  let result: NdisTcpConnectionOffload | null = null;
  for (const one of all) {
    if (one === null) continue;
    if (result === null) {
      result = copyOfOffload(one);
      continue;
    }
    result.encapsulation &= one.encapsulation;
    result.supportIPv4 = both(result.supportIPv4, one.supportIPv4);
    result.supportIPv6 = both(result.supportIPv6, one.supportIPv6);
    result.supportIPv6ExtensionHeaders = both(result.supportIPv6ExtensionHeaders, one.supportIPv6ExtensionHeaders);
    result.supportSack = both(result.supportSack, one.supportSack);
    result.tcpConnectionOffloadCapacity = Math.min(result.tcpConnectionOffloadCapacity, one.tcpConnectionOffloadCapacity);
  }
  return result;
}

function both(a: number, b: number): number {
  return a === NDIS_OFFLOAD_SUPPORTED && b === NDIS_OFFLOAD_SUPPORTED ? NDIS_OFFLOAD_SUPPORTED : NDIS_OFFLOAD_NOT_SUPPORTED;
}

/** True when two say the same. */
export function isSameOffload(a: NdisTcpConnectionOffload | null, b: NdisTcpConnectionOffload | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.encapsulation === b.encapsulation &&
    a.supportIPv4 === b.supportIPv4 &&
    a.supportIPv6 === b.supportIPv6 &&
    a.supportIPv6ExtensionHeaders === b.supportIPv6ExtensionHeaders &&
    a.supportSack === b.supportSack &&
    a.tcpConnectionOffloadCapacity === b.tcpConnectionOffloadCapacity
  );
}
