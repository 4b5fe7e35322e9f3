import { NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_REQUESTED, TCP_UPLOAD_REASON, type NDIS_STATUS } from '@ndis-chimney/types';

const MANDATORY: ReadonlySet<number> = new Set<number>([
  TCP_UPLOAD_REASON.ReceivedUrgentData,
  TCP_UPLOAD_REASON.TimeoutExpiration,
  TCP_UPLOAD_REASON.InvalidState,
  TCP_UPLOAD_REASON.UploadRequested,
  TCP_UPLOAD_REASON.HardwareFailure,
]);

/**
 * Whether a host must take the connection back for this reason; for the others it may ignore the request.
 * Source: `nc-ndischimney-ndis_tcp_offload_event_indicate.md`.
 */
export function isMandatoryUpload(reason: number): boolean {
  return MANDATORY.has(reason);
}

/**
 * True for the statuses that say: not sent, because the connection goes back to the host, which sends the rest. Source:
 * `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export function isUploadStatus(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_UPLOAD_IN_PROGRESS || asksForUpload(status);
}

/** True for the two statuses by which an intermediate driver without memory asks for the upload. */
export function asksForUpload(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_REQUEST_UPLOAD || status === NDIS_STATUS_UPLOAD_REQUESTED;
}
