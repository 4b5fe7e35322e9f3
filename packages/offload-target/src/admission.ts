import {
  NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_SUCCESS,
  type NDIS_STATUS,
  type NeighborOffloadStateConst,
  type NetBufferList,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { addressText } from './address-text.ts';
import { bytesOfList } from './mdl-cursor.ts';
import type { NeighborObject, PathObject } from './offload-objects.ts';
import type { ResolvedLimits } from './target-limits.ts';
import { vlanAdmission } from './vlan.ts';

/** How many objects use each of a few things of which a target has only so many. */
class Uses {
  private readonly counts = new Map<string, number>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  hasRoomFor(name: string): boolean {
    return this.counts.size < this.capacity || this.counts.has(name);
  }

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  remove(name: string): void {
    const left = (this.counts.get(name) ?? 1) - 1;
    if (left === 0) this.counts.delete(name);
    else this.counts.set(name, left);
  }
}

/**
 * Says which new objects an adapter has room for, and with what status it refuses the others.
 *
 * Source: `nf-ndischimney-ndisminitiateoffloadcomplete.md`.
 */
export class Admission {
  private readonly limits: ResolvedLimits;
  private neighbors = 0;
  private paths = 0;
  private readonly hardwareAddresses: Uses;
  private readonly ipAddresses: Uses;
  private readonly vlans: Uses;

  constructor(limits: ResolvedLimits) {
    this.limits = limits;
    this.hardwareAddresses = new Uses(limits.hardwareAddressCapacity);
    this.ipAddresses = new Uses(limits.ipAddressCapacity);
    this.vlans = new Uses(limits.vlanCapacity);
  }

  /** Neighbors and paths that are offloaded. */
  get isEmpty(): boolean {
    return this.neighbors === 0 && this.paths === 0;
  }

  statusOfNeighbor(state: NeighborOffloadStateConst): NDIS_STATUS {
    if (this.neighbors >= this.limits.neighborCapacity) return NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES;
    const hardwareAddress = hardwareAddressOf(state);
    if (hardwareAddress !== '' && !this.hardwareAddresses.hasRoomFor(hardwareAddress)) return NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES;
    return vlanAdmission(this.limits.interfaceVlanIds, state.vlanId, this.vlans.hasRoomFor(String(state.vlanId)));
  }

  addNeighbor({ constState }: NeighborObject): void {
    this.neighbors++;
    const hardwareAddress = hardwareAddressOf(constState);
    if (hardwareAddress !== '') this.hardwareAddresses.add(hardwareAddress);
    if (constState.vlanId !== 0) this.vlans.add(String(constState.vlanId));
  }

  removeNeighbor({ constState }: NeighborObject): void {
    this.neighbors--;
    const hardwareAddress = hardwareAddressOf(constState);
    if (hardwareAddress !== '') this.hardwareAddresses.remove(hardwareAddress);
    if (constState.vlanId !== 0) this.vlans.remove(String(constState.vlanId));
  }

  statusOfPath({ const: constState, cached }: PathOffloadState): NDIS_STATUS {
    if (this.paths >= this.limits.pathCapacity) return NDIS_STATUS_OFFLOAD_PATH_ENTRIES;
    if (constState !== null && !this.ipAddresses.hasRoomFor(addressText(constState.sourceAddress))) return NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES;
    return cached !== null && cached.pathMtu >>> 0 > this.limits.maxPathMtuBytes ? NDIS_STATUS_OFFLOAD_PATH_MTU : NDIS_STATUS_SUCCESS;
  }

  addPath({ addresses }: PathObject): void {
    this.paths++;
    this.ipAddresses.add(addressText(addresses.source));
  }

  removePath({ addresses }: PathObject): void {
    this.paths--;
    this.ipAddresses.remove(addressText(addresses.source));
  }

  /** @param connections how many there are. @param chain send data that comes along. */
  statusOfTcp({ cached, delegated }: TcpOffloadState, connections: number, chain: NetBufferList | null): NDIS_STATUS {
    const { connectionCapacity, maxReceiveWindowBytes, maxInheritedSendBytes, maxInheritedReceiveBytes } = this.limits;
    if (connections >= connectionCapacity) return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    if (cached !== null && cached.initialRcvWnd >>> 0 > maxReceiveWindowBytes) return NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW;
    if (chain !== null && bytesOfList(chain) > maxInheritedSendBytes) return NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER;
    const received = delegated?.bufferedData ?? null;
    return received !== null && bytesOfList(received) > maxInheritedReceiveBytes ? NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER : NDIS_STATUS_SUCCESS;
  }
}

/** The source MAC of a neighbor as text, or nothing when it is the interface's own. */
function hardwareAddressOf(state: NeighborOffloadStateConst): string {
  return state.dlSourceAddress.some((byte) => byte !== 0) ? state.dlSourceAddress.join('.') : '';
}
