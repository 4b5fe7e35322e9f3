import type { NDIS_STATUS } from '@ndis-chimney/types';

import type { OffloadedObject } from './offloaded-object.ts';

/**
 * Whose an object is. The first four are the names of TCP_CONNECTION_OFFLOAD_STATE; `Invalid` is an offloaded object
 * that an invalidate has stopped, `Lost` one whose terminate failed: only another terminate ends that.
 */
export type OffloadState = 'InHost' | 'Offloading' | 'Offloaded' | 'Invalid' | 'Uploading' | 'Lost';

/**
 * Why an object is taken back. The first four are the user's to choose; the others are the host's own:
 *
 * - `retrieve`, `abort`: the target asked, or the peer reset the connection;
 * - `requestUpload`: an intermediate driver had no memory for a request;
 * - `uploadAll`, `pause`, `unbind`, `power`, `parametersChanged`: something happened to the adapter;
 * - `lastDependentGone`: nothing depends on a neighbor or path any more;
 * - `queryFailed`, `updateFailed`: a target that cannot do that does not keep the object (CHIM-QRY-005, CHIM-UPD-009).
 */
export type UploadReason =
  | 'requested'
  | 'priorityChange'
  | 'lowActivity'
  | 'mediaDisconnect'
  | 'retrieve'
  | 'abort'
  | 'requestUpload'
  | 'uploadAll'
  | 'pause'
  | 'unbind'
  | 'power'
  | 'parametersChanged'
  | 'lastDependentGone'
  | 'queryFailed'
  | 'updateFailed';

/** Why an object's state changed: an {@link UploadReason} on the way to `Uploading`, otherwise how an operation ended. */
export type OffloadStateReason = UploadReason | 'offered' | 'accepted' | 'refused' | 'invalidated' | 'uploaded' | 'lost' | 'givenUp';

/** One step in the life of a neighbor, path or connection. */
export interface OffloadStateChange {
  readonly object: OffloadedObject;
  readonly from: OffloadState;
  readonly to: OffloadState;
  readonly reason: OffloadStateReason;
  /** Status of the operation that made the change, or NDIS_STATUS_SUCCESS when it has only begun. */
  readonly status: NDIS_STATUS;
}

/** The reasons a user may name. */
export type UserUploadReason = Extract<UploadReason, 'requested' | 'priorityChange' | 'lowActivity' | 'mediaDisconnect'>;

/** True while the target has the object, or is about to: its life on the binding is not over. */
export function isAway(state: OffloadState): boolean {
  return state !== 'InHost';
}

/** True while the object can be named in queries; those that are not invalid also in updates. */
export function isWithTarget(state: OffloadState): boolean {
  return state === 'Offloaded' || state === 'Invalid';
}
