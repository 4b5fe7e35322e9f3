import { TCP_UPLOAD_REASON } from './chimney-enums.ts';

const { HardwareFailure, InvalidState, ReceivedUrgentData, TimeoutExpiration, UploadRequested } = TCP_UPLOAD_REASON;

/**
 * True for a `TCP_UPLOAD_REASON` that the host must heed, and after which the target stops processing. After the others
 * the target goes on until the host takes the connection back, if ever.
 *
 * Source: `nc-ndischimney-ndis_tcp_offload_event_indicate.md`.
 */
export function isMandatoryUpload(reason: number): boolean {
  return reason === HardwareFailure || reason === InvalidState || reason === ReceivedUrgentData || reason === TimeoutExpiration || reason === UploadRequested;
}
