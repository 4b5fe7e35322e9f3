import { TCP_UPLOAD_REASON } from '@ndis-chimney/types';

const { HardwareFailure, InvalidState, ReceivedUrgentData, TimeoutExpiration, UploadRequested, MaxUploadReason } = TCP_UPLOAD_REASON;

/** True for a `TCP_UPLOAD_REASON` that an engine may give. */
export function isUploadReason(reason: number): boolean {
  return Number.isInteger(reason) && reason > 0 && reason < MaxUploadReason;
}

/**
 * True for a reason that the host must heed, and after which the target stops processing; after the others it goes on
 * until the host takes the connection back, if ever (`nc-ndischimney-ndis_tcp_offload_event_indicate.md`).
 */
export function isMandatoryReason(reason: number): boolean {
  return reason === HardwareFailure || reason === InvalidState || reason === ReceivedUrgentData || reason === TimeoutExpiration || reason === UploadRequested;
}

/** True for a reason that may be given while the connection is half closed: what could wait has to. */
export function isAllowedHalfClosed(reason: number): boolean {
  return isMandatoryReason(reason) && reason !== UploadRequested;
}
