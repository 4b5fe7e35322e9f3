import { NDIS_STATUS_FAILURE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type NdisLibrary, type NdisMiniportDriverHandle } from '@ndis-chimney/types';

import type { VirtualMiniport } from './virtual-miniport.ts';

/** The driver that virtual miniports belong to. */
export interface VirtualMiniportOwner {
  readonly ndis: NdisLibrary;
  readonly ndisDriverHandle: NdisMiniportDriverHandle;
}

/**
 * The virtual miniports of a driver that come up, run, pause and go together. All calls at PASSIVE_LEVEL; asking again
 * for what is there, or on its way, is a no-op.
 */
export class VirtualMiniports<Upper extends VirtualMiniport> {
  private readonly owner: VirtualMiniportOwner;
  private readonly uppers: readonly Upper[];
  private readonly onChange: () => void;
  private isStarted = false;
  private shallRun = false;
  /** Pauses and halts under way. */
  private pausing = 0;
  private stopping = 0;

  /** @param onChange called when all are paused, or all are gone. */
  constructor(owner: VirtualMiniportOwner, uppers: readonly Upper[], onChange: () => void) {
    this.owner = owner;
    this.uppers = uppers;
    this.onChange = onChange;
  }

  /** True from {@link run} to {@link pause}. */
  get isRunning(): boolean {
    return this.shallRun;
  }

  /** True when none runs, or is about to stop running. */
  get isPaused(): boolean {
    return !this.shallRun && this.pausing === 0;
  }

  /** True when there is none, nor any that is about to go. */
  get isDown(): boolean {
    return !this.isStarted && this.stopping === 0;
  }

  /** Starts them all. @returns the status of one that could not be started; then there is none. */
  start(): NDIS_STATUS {
    if (this.isStarted || this.stopping > 0) return NDIS_STATUS_SUCCESS;
    this.isStarted = true;
    const { ndis, ndisDriverHandle } = this.owner;
    for (const upper of this.uppers) {
      const status = ndis.imInitializeDeviceInstanceEx(ndisDriverHandle, upper.name, upper);
      if (status === NDIS_STATUS_SUCCESS) continue;
      this.stop();
      return status;
    }
    return NDIS_STATUS_SUCCESS;
  }

  /** Takes them all down, what is bound above unbound first. */
  stop(): void {
    if (!this.isStarted) return;
    this.isStarted = false;
    this.shallRun = false;
    const { ndis, ndisDriverHandle } = this.owner;
    this.stopping++;
    for (const upper of this.uppers) {
      ndis.imCancelInitializeDeviceInstance(ndisDriverHandle, upper.name);
      if (!upper.isUp) continue;
      // It will never run: the adapter that it waits for goes.
      this.endRestart(upper, NDIS_STATUS_FAILURE);
      this.stopping++;
      ndis.imDeInitializeDeviceInstance(upper.miniport, () => {
        this.stopped();
      });
    }
    this.stopped();
  }

  private stopped(): void {
    if (--this.stopping === 0) this.onChange();
  }

  /** Lets them run: those that wait for it, and those that were paused. While one is being paused it must be asked again. */
  run(): void {
    if (this.shallRun || !this.isStarted || this.pausing > 0) return;
    this.shallRun = true;
    for (const upper of this.uppers) {
      if (upper.isUp && !this.endRestart(upper, NDIS_STATUS_SUCCESS)) this.owner.ndis.restartAdapter(upper.miniport);
    }
  }

  /** @returns false when the virtual miniport was not waiting to run. */
  private endRestart(upper: Upper, status: NDIS_STATUS): boolean {
    if (!upper.isRestartPending) return false;
    upper.isRestartPending = false;
    upper.miniport.restartComplete(status);
    return true;
  }

  /** Pauses them: what is above first, then nothing of it is below any more. */
  pause(): void {
    if (!this.shallRun) return;
    this.shallRun = false;
    this.pausing++;
    for (const upper of this.uppers) {
      if (!upper.isUp) continue;
      this.pausing++;
      this.owner.ndis.pauseAdapter(upper.miniport, () => {
        this.paused();
      });
    }
    this.paused();
  }

  private paused(): void {
    if (--this.pausing === 0) this.onChange();
  }

  /** `MiniportRestart` of one of them: it waits until they may run. */
  restarting(upper: Upper): NDIS_STATUS {
    if (this.shallRun) return NDIS_STATUS_SUCCESS;
    upper.isRestartPending = true;
    return NDIS_STATUS_PENDING;
  }
}
