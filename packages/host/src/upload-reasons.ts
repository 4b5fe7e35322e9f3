import { NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_REQUESTED, type NDIS_STATUS } from '@ndis-chimney/types';

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
