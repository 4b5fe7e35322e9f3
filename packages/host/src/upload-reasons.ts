import { TCP_UPLOAD_REASON } from '@ndis-chimney/types';

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
