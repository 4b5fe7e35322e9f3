import {
  Dpc,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_UPLOAD_ALL,
  NdisStatusIndication,
  NdisTcpConnectionOffloadParameters,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisTcpConnectionOffload,
  type NdisTcpOffloadEventHandlers,
  type NetBufferListPool,
  type OffloadTargetEnvironment,
} from '@ndis-chimney/types';

import { isValid, type RawConnection } from './connection.ts';
import type { FarEnds } from './far-ends.ts';
import { enable, initiate } from './initiate.ts';
import { beginTerminate, invalidate, query, terminate, update } from './trees.ts';

/** What the raw target keeps per adapter. */
export class RawAdapter {
  readonly name: string;
  readonly environment: OffloadTargetEnvironment;
  readonly miniport: NdisMiniport;
  readonly handlers: NdisTcpOffloadEventHandlers;
  readonly farEnds: FarEnds;
  readonly bufferBytes: number;
  readonly connectionCapacity: number;
  readonly connections = new Set<RawConnection>();
  readonly indicated: NetBufferListPool;
  readonly parameters: NdisTcpConnectionOffloadParameters = new NdisTcpConnectionOffloadParameters();
  isRunning = false;
  isUploadingAll = false;
  /** Terminates that have not completed. */
  terminating = 0;
  private isPausing = false;
  private isOffloadPaused = false;
  private waiting: MiniportOffloadBlockList[] = [];

  constructor(name: string, miniport: NdisMiniport, handlers: NdisTcpOffloadEventHandlers, environment: OffloadTargetEnvironment, farEnds: FarEnds, bufferBytes: number, connectionCapacity: number) {
    this.name = name;
    this.miniport = miniport;
    this.handlers = handlers;
    this.environment = environment;
    this.farEnds = farEnds;
    this.bufferBytes = bufferBytes;
    this.connectionCapacity = connectionCapacity;
    this.indicated = environment.pools.allocateNetBufferListPool(`target-raw ${name}`);
  }

  /** The target's clock, 32 bits that wrap. */
  get ticks(): number {
    return Math.floor((this.environment.clock.now() * this.parameters.ticksPerSecond) / 1000) | 0;
  }

  get pushTimeoutMs(): number {
    const { tcpPushTicks, ticksPerSecond } = this.parameters;
    return (tcpPushTicks * 1000) / ticksPerSecond;
  }

  /** Every operation has a DPC of its own, so that operations complete in any order. */
  private later(operate: () => void): void {
    this.environment.dpcQueue.insert(new Dpc({ runDpc: operate }));
  }

  initiate(root: MiniportOffloadBlockList): void {
    if (this.isOffloadPaused) {
      this.waiting.push(root);
      return;
    }
    this.later(() => {
      if (this.isOffloadPaused) {
        this.waiting.push(root);
        return;
      }
      const taken = initiate(this, root);
      this.miniport.initiateOffloadComplete(root);
      for (const connection of taken) if (this.connections.has(connection)) enable(connection);
    });
  }

  terminate(root: MiniportOffloadBlockList): void {
    this.terminating++;
    beginTerminate(root);
    this.later(() => {
      terminate(this, root);
      this.terminating--;
      this.miniport.terminateOffloadComplete(root);
      this.continuePause();
    });
  }

  query(root: MiniportOffloadBlockList): void {
    this.later(() => {
      query(this, root);
      this.miniport.queryOffloadStateComplete(root);
    });
  }

  update(root: MiniportOffloadBlockList): void {
    this.later(() => {
      update(this, root);
      this.miniport.updateOffloadComplete(root);
    });
  }

  invalidate(root: MiniportOffloadBlockList): void {
    this.later(() => {
      invalidate(root);
      this.miniport.invalidateOffloadComplete(root);
      this.wakeAll();
    });
  }

  /** Every connection has a turn. Those whose neighbor is valid again go on, though their upload was asked for. */
  wakeAll(): void {
    for (const connection of this.connections) {
      if (connection.uploadReason === TCP_UPLOAD_REASON.InvalidState && isValid(connection)) connection.uploadReason = 0;
      this.environment.dpcQueue.insert(connection.dpc);
    }
  }

  restart(): void {
    this.isRunning = true;
    this.isPausing = false;
    this.wakeAll();
  }

  /** @returns true when nothing has to be waited for. */
  pause(): boolean {
    this.isRunning = false;
    this.isPausing = !this.isQuiet;
    return !this.isPausing;
  }

  continuePause(): void {
    if (!this.isPausing || !this.isQuiet) return;
    this.isPausing = false;
    this.miniport.pauseComplete();
  }

  private get isQuiet(): boolean {
    const isBusy = [...this.connections].some(({ outgoing, forwards, abortive }) => outgoing.some(({ nbl }) => nbl !== null) || forwards.length + abortive.length > 0);
    return !isBusy && this.indicated.outstanding === 0;
  }

  pauseOffload(): void {
    this.isOffloadPaused = true;
    this.indicate(NDIS_STATUS_OFFLOAD_PAUSE, null);
  }

  uploadAll(): void {
    this.isOffloadPaused = true;
    this.isUploadingAll = true;
    this.indicate(NDIS_STATUS_UPLOAD_ALL, null);
  }

  resumeOffload(capabilities: NdisTcpConnectionOffload): void {
    this.isOffloadPaused = false;
    this.isUploadingAll = false;
    this.indicate(NDIS_STATUS_OFFLOAD_RESUME, capabilities);
    for (const root of this.waiting.splice(0)) this.initiate(root);
    this.wakeAll();
  }

  private indicate(statusCode: NDIS_STATUS, capabilities: NdisTcpConnectionOffload | null): void {
    const indication = new NdisStatusIndication<NdisTcpConnectionOffload>();
    indication.sourceHandle = this.miniport;
    indication.statusCode = statusCode;
    indication.statusBuffer = capabilities;
    indication.statusBufferSize = capabilities?.header.size ?? 0;
    this.miniport.indicateStatusEx(indication);
  }
}
