import {
  NDIS_DEVICE_POWER_STATE,
  NDIS_STATUS_INVALID_DATA,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  type NDIS_STATUS,
  type NdisOidRequest,
} from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';

/**
 * `OID_PNP_SET_POWER` at an adapter. The host takes its connections back before an adapter goes to sleep: the request
 * waits for the terminates that are under way, and is not accepted while something is offloaded that none of them takes.
 *
 * Source: `power-management-for-offload-targets.md`.
 */
export class PowerState {
  private readonly adapter: OffloadAdapter;
  private waiting: NdisOidRequest | null = null;

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  set(request: NdisOidRequest): NDIS_STATUS {
    const { NdisDeviceStateD0, NdisDeviceStateMaximum } = NDIS_DEVICE_POWER_STATE;
    const state = request.informationBuffer;
    if (typeof state !== 'number' || state < NdisDeviceStateD0 || state >= NdisDeviceStateMaximum) return NDIS_STATUS_INVALID_DATA;
    if (state === NdisDeviceStateD0) return NDIS_STATUS_SUCCESS;
    if (this.adapter.operations.isTerminating) {
      this.waiting = request;
      return NDIS_STATUS_PENDING;
    }
    return this.adapter.connections.count === 0 ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_ACCEPTED;
  }

  /** The last terminate is over: so is the request. */
  continue(): void {
    const { waiting, adapter } = this;
    if (waiting === null || adapter.operations.isTerminating) return;
    this.waiting = null;
    const status = adapter.connections.count === 0 ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_ACCEPTED;
    adapter.miniport.oidRequestComplete(waiting, status);
  }
}
