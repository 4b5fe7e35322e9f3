import { TCP_UPLOAD_REASON, isMandatoryUpload } from '@ndis-chimney/types';

const { UploadRequested, MaxUploadReason } = TCP_UPLOAD_REASON;

/** True for a `TCP_UPLOAD_REASON` that an engine may give. */
export function isUploadReason(reason: number): boolean {
  return Number.isInteger(reason) && reason > 0 && reason < MaxUploadReason;
}

/** True for a reason that may be given while the connection is half closed: what could wait has to. */
export function isAllowedHalfClosed(reason: number): boolean {
  return isMandatoryUpload(reason) && reason !== UploadRequested;
}
