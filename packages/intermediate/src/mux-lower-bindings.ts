import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  isChimneyViolation,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';

import { MuxLower } from './mux-lower.ts';
import type { OidFanOut } from './mux-oids.ts';
import { MuxTrees } from './mux-trees.ts';
import type { MuxUpper } from './mux-upper.ts';
import type { VirtualMiniports } from './virtual-miniports.ts';
import type { WorkItem } from './work-item.ts';

/**
 * The lower bindings of a mux: they open, run, pause and close one by one, and the virtual miniports with them. What has
 * to wait is looked at again from a work item, so that it goes on at PASSIVE_LEVEL whatever it waited for.
 */
export abstract class MuxLowerBindings extends MuxTrees {
  /** @internal */
  protected abstract readonly oids: OidFanOut;
  /** @internal */
  protected abstract readonly virtualMiniports: VirtualMiniports<MuxUpper>;
  /** @internal */
  protected abstract readonly work: WorkItem;
  protected readonly boundLowers: MuxLower[] = [];

  /** The lower adapters, in the order they were bound. */
  get lowers(): readonly MuxLower[] {
    return this.boundLowers;
  }

  protected returned(upper: MuxUpper, lower: MuxLower): void {
    if (upper.isPausePending) this.continuePause(upper);
    if (lower.isWaitedFor) this.work.queue();
  }

  protected override progressed(lower: MuxLower): void {
    super.progressed(lower);
    this.oids.review();
    if (lower.isWaitedFor || !this.virtualMiniports.isRunning) this.work.queue();
  }

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const lower = new MuxLower(bindContext, bindParameters);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, lower, bindContext);
    if (ndisBindingHandle === null) return status;
    lower.binding = ndisBindingHandle;
    return status === NDIS_STATUS_SUCCESS ? this.opened(lower) : status;
  }

  protocolOpenAdapterCompleteEx(lower: MuxLower, status: NDIS_STATUS): void {
    lower.bindContext.completeBindAdapterEx(status === NDIS_STATUS_SUCCESS ? this.opened(lower) : status);
  }

  private opened(lower: MuxLower): NDIS_STATUS {
    this.boundLowers.push(lower);
    this.oids.repeat(lower, () => {
      lower.isReady = true;
      this.departures.announce();
      this.work.queue();
    });
    const status = this.virtualMiniports.start();
    if (status !== NDIS_STATUS_SUCCESS) this.close(lower);
    return status;
  }

  /** The virtual miniports stay up while there is another adapter; what lives below this one is asked back. */
  protocolUnbindAdapterEx(lower: MuxLower): NDIS_STATUS {
    lower.isUnbinding = true;
    if (this.hasOther(lower, ({ isUnbinding }) => !isUnbinding)) this.leave(lower);
    else this.virtualMiniports.stop();
    this.steer();
    if (this.mayClose(lower) && this.close(lower)) return NDIS_STATUS_SUCCESS;
    lower.isUnbindPending = true;
    return NDIS_STATUS_PENDING;
  }

  /** True when there is another lower adapter like this. */
  protected hasOther(lower: MuxLower, condition: (other: MuxLower) => boolean): boolean {
    return this.boundLowers.some((other) => other !== lower && condition(other));
  }

  /** What lives below an adapter is asked back, and everybody told what is left. */
  protected leave(lower: MuxLower): void {
    this.departures.begin(lower);
    this.departures.announce();
  }

  private mayClose(lower: MuxLower): boolean {
    const { isEmpty, isOutstanding, oidRequests } = lower;
    return (isEmpty && !isOutstanding && oidRequests === 0) || (this.virtualMiniports.isDown && !this.hasOther(lower, ({ isUnbinding }) => !isUnbinding));
  }

  /** @returns false when NDIS will say later that the binding is closed. */
  private close(lower: MuxLower): boolean {
    lower.isUnbinding = true;
    endPause(lower);
    this.boundLowers.splice(this.boundLowers.indexOf(lower), 1);
    return lower.binding.closeAdapterEx() === NDIS_STATUS_SUCCESS;
  }

  protocolCloseAdapterCompleteEx(lower: MuxLower): void {
    if (lower.isUnbindPending) lower.binding.completeUnbindAdapterEx();
  }

  protocolNetPnPEvent(lower: MuxLower, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    switch (netPnPEvent.netEvent) {
      case NET_PNP_EVENT_CODE.NetEventPause:
        lower.isRunning = false;
        if (this.hasOther(lower, ({ isUp }) => isUp)) this.leave(lower);
        this.steer();
        if (this.isPauseOver(lower)) return NDIS_STATUS_SUCCESS;
        lower.pendingPause = netPnPEvent;
        return NDIS_STATUS_PENDING;
      case NET_PNP_EVENT_CODE.NetEventRestart:
        lower.isRunning = true;
        this.departures.announce();
        this.steer();
        return NDIS_STATUS_SUCCESS;
      default:
        return NDIS_STATUS_SUCCESS;
    }
  }

  /** What is below stays there when everything above is paused; otherwise it is back. */
  private isPauseOver(lower: MuxLower): boolean {
    if (lower.isOutstanding) return false;
    return lower.isEmpty || this.virtualMiniports.isPaused;
  }

  /** What waits and need not wait any more goes on. Runs at PASSIVE_LEVEL. */
  protected review(): void {
    for (const lower of [...this.boundLowers]) {
      if (this.isPauseOver(lower)) endPause(lower);
      if (lower.isUnbindPending && this.mayClose(lower)) this.closeLater(lower);
    }
    if (this.boundLowers.some(({ isUnbinding }) => !isUnbinding)) this.virtualMiniports.start();
    this.steer();
  }

  /** Ends an unbind that had to wait. */
  private closeLater(lower: MuxLower): void {
    let isClosed = true;
    try {
      isClosed = this.close(lower);
    } catch (error) {
      // Refused, and reported: something was lost below. NDIS closes the binding itself then.
      if (!isChimneyViolation(error)) throw error;
    }
    if (isClosed) lower.binding.completeUnbindAdapterEx();
  }

  /** Runs the virtual miniports while an adapter runs, and pauses them while none does. */
  private steer(): void {
    const shallRun = this.boundLowers.some(({ isReady, isRunning, isUnbinding }) => isReady && isRunning && !isUnbinding);
    if (!shallRun) {
      this.virtualMiniports.pause();
      return;
    }
    if (this.virtualMiniports.isRunning) return;
    // Nobody may use what is below an adapter that is paused: it comes back before there is traffic.
    const paused = this.boundLowers.filter((lower) => !lower.isRunning && !lower.isEmpty);
    for (const lower of paused) this.departures.begin(lower);
    if (paused.every(({ isEmpty }) => isEmpty)) this.virtualMiniports.run();
  }
}

/** Ends a pause of a lower binding that had to wait, if there is one. */
function endPause(lower: MuxLower): void {
  const { pendingPause } = lower;
  if (pendingPause === null) return;
  lower.pendingPause = null;
  lower.binding.completeNetPnPEvent(pendingPause, NDIS_STATUS_SUCCESS);
}
