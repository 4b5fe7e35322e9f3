import type { NdisBindContext, NdisBinding, NdisBindParameters, NdisTcpConnectionOffload, NetPnPEventNotification } from '@ndis-chimney/types';

import type { MuxEntry } from './mux-entry.ts';
import type { MuxUpper } from './mux-upper.ts';

/** One lower adapter of a mux: a binding, what lives below it, and where it stands in its life. */
export class MuxLower {
  readonly adapterName: string;
  readonly bindContext: NdisBindContext;
  readonly mtuSize: number;
  readonly macAddress: Uint8Array<ArrayBufferLike>;
  /** What the adapter can offload now; null when nothing. */
  capabilities: NdisTcpConnectionOffload | null;
  /** The binding. Set while it is open. */
  binding!: NdisBinding;
  /** True once the binding is open and set up as the drivers above have asked for. */
  isReady = false;
  /** True between restart and pause of the binding. */
  isRunning = false;
  /** False while the adapter reports that its medium is disconnected. */
  isConnected = true;
  /** True between NDIS_STATUS_OFFLOAD_PAUSE or UPLOAD_ALL of the adapter and its NDIS_STATUS_OFFLOAD_RESUME. */
  isOffloadPaused = false;
  /** True while what lives below is being asked back. */
  isLeaving = false;
  /** True once the binding is to be closed. */
  isUnbinding = false;
  /** True when the unbind was answered with NDIS_STATUS_PENDING. */
  isUnbindPending = false;
  /** The pause of the binding that waits. */
  pendingPause: NetPnPEventNotification | null = null;
  /** Connections that live below. */
  readonly connections: Set<MuxEntry> = new Set<MuxEntry>();
  /** Connections that are on their way there. */
  arriving = 0;
  /** Neighbors and paths that are offloaded below, each perhaps below other adapters too. */
  readonly replicas: Set<MuxEntry> = new Set<MuxEntry>();
  /** Objects below, by upper interface. */
  private readonly counts = new Map<MuxUpper, number>();
  /** State operations of the drivers above that are below. */
  operations = 0;
  /** True while an operation of the mux's own is below; see `OwnOperations`. */
  hasOwnOperation = false;
  /** OID requests that are below. */
  oidRequests = 0;

  constructor(bindContext: NdisBindContext, parameters: NdisBindParameters) {
    this.adapterName = parameters.adapterName;
    this.bindContext = bindContext;
    this.mtuSize = parameters.mtuSize;
    this.macAddress = parameters.currentMacAddress;
    this.capabilities = parameters.tcpConnectionOffloadCapabilities;
  }

  /** Objects that are offloaded below. */
  get objects(): number {
    return this.connections.size + this.replicas.size;
  }

  /** True when the adapter can offload, and stays. */
  get isCapable(): boolean {
    return this.isReady && !this.isUnbinding && this.capabilities !== null;
  }

  /** True when data can go down: the binding runs and the medium is there. */
  get isUp(): boolean {
    return this.isReady && this.isRunning && this.isConnected && !this.isUnbinding;
  }

  /** True when new objects may be placed below. */
  get isUsable(): boolean {
    return this.isUp && this.capabilities !== null && !this.isOffloadPaused && !this.isLeaving;
  }

  /** True when an NBL of the mux is below. */
  get isOutstanding(): boolean {
    return this.binding.outstandingNetBufferLists > 0;
  }

  /** True when a pause or an unbind of the binding waits. */
  get isWaitedFor(): boolean {
    return this.isUnbinding || this.pendingPause !== null;
  }

  /** True when nothing is offloaded below, and nothing that changes that is under way. */
  get isEmpty(): boolean {
    return this.objects === 0 && this.operations === 0 && !this.hasOwnOperation;
  }

  /** True when an object of an upper interface is offloaded below. */
  hasObjectsOf(upper: MuxUpper): boolean {
    return this.counts.has(upper);
  }

  /** An object is offloaded below from now on. */
  add(entry: MuxEntry): void {
    (entry.shared === null ? this.connections : this.replicas).add(entry);
    this.counts.set(entry.upperEdge, (this.counts.get(entry.upperEdge) ?? 0) + 1);
  }

  /** It is not any more. */
  remove(entry: MuxEntry): void {
    (entry.shared === null ? this.connections : this.replicas).delete(entry);
    const left = (this.counts.get(entry.upperEdge) ?? 1) - 1;
    if (left > 0) this.counts.set(entry.upperEdge, left);
    else this.counts.delete(entry.upperEdge);
  }
}
