import {
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  NDIS_STATUS_UPLOAD_ALL,
  NdisStatusIndication,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NDIS_STATUS,
  type NdisTcpConnectionOffload,
} from '@ndis-chimney/types';

import type { MuxEntry } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import { OwnOperations } from './mux-own-operations.ts';
import { isSameOffload, type MuxPlacement } from './mux-placement.ts';
import type { MuxUpper } from './mux-upper.ts';

/**
 * Takes what lives below an adapter back before the adapter goes, and tells the drivers above what can be offloaded.
 *
 * An upper interface whose objects are all there is told NDIS_STATUS_OFFLOAD_PAUSE and UPLOAD_ALL, and, once all of them
 * are back, OFFLOAD_RESUME with the capabilities of what is left. One that has objects elsewhere goes on with those:
 * the connections that must come back are asked for one by one, with TcpIndicateRetrieve, and their neighbors and paths
 * the mux terminates below the adapter by itself.
 */
export class Departures {
  private readonly uppers: readonly MuxUpper[];
  private readonly lowers: readonly MuxLower[];
  private readonly placement: MuxPlacement;
  private readonly own: OwnOperations;
  private readonly onProgress: () => void;

  /** @param onProgress called when something that may be waited for has come about. */
  constructor(uppers: readonly MuxUpper[], lowers: readonly MuxLower[], placement: MuxPlacement, own: OwnOperations, onProgress: () => void) {
    this.uppers = uppers;
    this.lowers = lowers;
    this.placement = placement;
    this.own = own;
    this.onProgress = onProgress;
  }

  /** Asks everything below an adapter back. */
  begin(lower: MuxLower): void {
    if (lower.isLeaving || lower.isEmpty) return;
    lower.isLeaving = true;
    for (const upper of this.uppers) {
      if (!upper.isUp || !lower.hasObjectsOf(upper)) continue;
      if (this.lowers.some((other) => other !== lower && other.hasObjectsOf(upper))) {
        for (const entry of [...lower.connections]) if (entry.upperEdge === upper) this.retrieve(entry);
      } else {
        upper.uploading.add(lower);
        this.pause(upper);
        indicate(upper, NDIS_STATUS_UPLOAD_ALL);
      }
    }
    this.progress(lower);
  }

  /** Asks one connection back, unless that has happened. */
  retrieve({ lower, upperEdge, upperHandle }: MuxEntry): void {
    if (!lower.isLeaving || upperHandle.state !== 'offloaded') return;
    upperEdge.handlers.tcpOffloadEventHandler(upperHandle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
  }

  /** To be called whenever something below an adapter that is being left is over. */
  progress(lower: MuxLower): void {
    if (!lower.isLeaving) return;
    for (const upper of this.uppers) if (!lower.hasObjectsOf(upper)) upper.uploading.delete(lower);
    if (lower.connections.size === 0 && lower.operations === 0 && !lower.hasOwnOperation && this.terminateReplicas(lower)) return;
    if (!lower.isEmpty) return;
    lower.isLeaving = false;
    this.announce();
    this.onProgress();
  }

  /** @returns false when none is left that the mux has to terminate. */
  private terminateReplicas(lower: MuxLower): boolean {
    const going = OwnOperations.next(lower, ({ upperEdge }) => !upperEdge.uploading.has(lower));
    if (going.length === 0) return false;
    this.own.terminate(lower, going, () => {
      this.progress(lower);
    });
    return true;
  }

  /**
   * Tells every upper interface what has changed for it, if anything has: whether the medium is connected, as it is while
   * it is for one adapter that runs; whether it may offload, and what.
   */
  announce(): void {
    // While nothing runs below, nothing can be offloaded anyway.
    if (!this.lowers.some(({ isReady, isRunning, isUnbinding }) => isReady && isRunning && !isUnbinding)) return;
    for (const upper of this.uppers) {
      if (!upper.isUp) continue;
      this.announceMedium(upper);
      if (!this.placement.hasUsable) {
        this.pause(upper);
        continue;
      }
      if (upper.uploading.size > 0) continue;
      const capabilities = this.placement.capabilities();
      const isChanged = !isSameOffload(capabilities, upper.told);
      if (isChanged) this.pause(upper);
      if (upper.isOffloadPaused) this.resume(upper, capabilities, isChanged);
    }
  }

  private announceMedium(upper: MuxUpper): void {
    const isConnected = this.lowers.some(({ isUp }) => isUp);
    if (isConnected === upper.isConnected) return;
    upper.isConnected = isConnected;
    indicate(upper, isConnected ? NDIS_STATUS_MEDIA_CONNECT : NDIS_STATUS_MEDIA_DISCONNECT);
  }

  private pause(upper: MuxUpper): void {
    if (upper.isOffloadPaused) return;
    upper.isOffloadPaused = true;
    indicate(upper, NDIS_STATUS_OFFLOAD_PAUSE);
  }

  private resume(upper: MuxUpper, capabilities: NdisTcpConnectionOffload | null, isChanged: boolean): void {
    upper.isOffloadPaused = false;
    upper.told = capabilities;
    if (isChanged) indicate(upper, NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, capabilities);
    indicate(upper, NDIS_STATUS_OFFLOAD_RESUME, capabilities);
  }
}

function indicate(upper: MuxUpper, statusCode: NDIS_STATUS, capabilities: NdisTcpConnectionOffload | null = null): void {
  const indication = new NdisStatusIndication();
  indication.sourceHandle = upper.miniport;
  indication.statusCode = statusCode;
  indication.statusBuffer = capabilities;
  indication.statusBufferSize = capabilities?.header.size ?? 0;
  upper.miniport.indicateStatusEx(indication);
}
