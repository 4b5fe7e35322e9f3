import type { NdisMiniportAdapterAttributes } from './adapter-attributes.ts';
import type { NdisLibrary } from './ndis-library.ts';
import type { NdisTcpOffloadEventHandlers } from './ndis-tcp-offload-event-handlers.ts';
import type { NetBufferList } from './net-buffer-list.ts';
import type { NetBuffer } from './net-buffer.ts';
import type { MiniportOffloadBlockList } from './offload-block-list.ts';
import type { NdisOidRequest } from './oid-request.ts';
import type { ScatterGatherList } from './scatter-gather.ts';
import type { NdisStatusIndication } from './status-indication.ts';
import type { NDIS_STATUS } from './status.ts';

/** Answer of `getOffloadHandlers`: the table only when the status is NDIS_STATUS_SUCCESS. */
export interface GetOffloadHandlersResult {
  readonly status: NDIS_STATUS;
  readonly offloadHandlers: NdisTcpOffloadEventHandlers | null;
}

/**
 * NdisMiniportHandle: one adapter, and everything its driver may call on it. NDIS makes it and passes it to
 * `miniportInitializeEx`. The six entry points of the TCP chimney are not here: `getOffloadHandlers` gives them.
 *
 * Every call throws a `ChimneyViolation` to the driver when it breaks a rule NDIS always checks, and a `TypeError` when an
 * argument is not of the kind it should be; either way nothing has happened then.
 */
export interface NdisMiniport {
  readonly ndis: NdisLibrary;
  readonly name: string;
  /** NBLs that drivers above have passed down to the adapter and not got back. Not in NDIS, where every driver counts for itself. */
  readonly outstandingNetBufferLists: number;
  /** NBLs that the adapter indicated and drivers above have yet to return. Not in NDIS, likewise. */
  readonly indicatedNetBufferLists: number;

  /** `NdisMSetMiniportAttributes`, from `miniportInitializeEx` only: registration attributes first. */
  setMiniportAttributes(attributes: NdisMiniportAdapterAttributes): NDIS_STATUS;
  /**
   * `NdisMGetOffloadHandlers`, from `miniportInitializeEx`, once per chimney type. Check the table's header before use.
   * NDIS_STATUS_NOT_SUPPORTED for every type but NdisTcpChimneyOffload. Source: `nf-ndischimney-ndismgetoffloadhandlers.md`.
   */
  getOffloadHandlers(chimneyType: number): GetOffloadHandlersResult;

  /** `NdisMInitiateOffloadComplete`: the root that came down, `status` written in every block. */
  initiateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void;
  /** `NdisMTerminateOffloadComplete`: as above; every request and indication of the objects is over before. */
  terminateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void;
  /** `NdisMUpdateOffloadComplete`. */
  updateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void;
  /** `NdisMInvalidateOffloadComplete`. */
  invalidateOffloadComplete(offloadBlockList: MiniportOffloadBlockList): void;
  /** `NdisMQueryOffloadStateComplete`. */
  queryOffloadStateComplete(offloadBlockList: MiniportOffloadBlockList): void;
  /**
   * `NdisMOffloadEventIndicate`: ask the host, synchronously, about a neighbor. One block of type NeighborOffloadState.
   * Source: `nf-ndischimney-ndismoffloadeventindicate.md`.
   */
  offloadEventIndicate(offloadBlockList: MiniportOffloadBlockList, indicationCode: number): void;

  /** `NdisMIndicateStatusEx`, with pause, resume, upload-all among others. Goes to every binding of the adapter. */
  indicateStatusEx(statusIndication: NdisStatusIndication): void;
  /** `NdisMSendNetBufferListsComplete`: the ordinary send path. */
  sendNetBufferListsComplete(netBufferList: NetBufferList, sendCompleteFlags: number): void;
  /**
   * `NdisMIndicateReceiveNetBufferLists`: the ordinary receive path, for all traffic the driver does not process
   * itself. With NDIS_RECEIVE_FLAGS_RESOURCES the NBLs are back on return, else they come back through
   * `miniportReturnNetBufferLists`.
   */
  indicateReceiveNetBufferLists(
    netBufferList: NetBufferList,
    portNumber: number,
    numberOfNetBufferLists: number,
    receiveFlags: number,
  ): void;
  /** `NdisMOidRequestComplete`: ends a request that `miniportOidRequest` answered with NDIS_STATUS_PENDING. */
  oidRequestComplete(oidRequest: NdisOidRequest, status: NDIS_STATUS): void;
  /** `NdisMPauseComplete`: ends a pause that `miniportPause` answered with NDIS_STATUS_PENDING. */
  pauseComplete(): void;
  /** `NdisMRestartComplete`: ends a restart that `miniportRestart` answered with NDIS_STATUS_PENDING. */
  restartComplete(status: NDIS_STATUS): void;
  /**
   * `NdisMAllocateNetBufferSGList`: the runs of memory a NET_BUFFER's data lies in, as a device would be given them.
   * @returns null when the memory for the list is short (NDIS_STATUS_RESOURCES).
   */
  allocateNetBufferSGList(netBuffer: NetBuffer): ScatterGatherList | null;
  /** `NdisMFreeNetBufferSGList`. */
  freeNetBufferSGList(scatterGatherList: ScatterGatherList, netBuffer: NetBuffer): void;
}

