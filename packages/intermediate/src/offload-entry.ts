import { OffloadHandle, type NdisBinding } from '@ndis-chimney/types';

/**
 * IM offload entry: what an intermediate driver keeps per offloaded object, from its initiate to its terminate. It sits
 * between two handles: the upper driver's, which it replays in indications, and its own, which names the object below.
 *
 * Source: `referencing-offloaded-state-through-an-intermediate-driver.md`.
 */
export class OffloadEntry<UpperEdge = unknown> {
  /** The driver's own handle for the object, on the binding below. Its owner is this entry. */
  readonly handle: OffloadHandle<OffloadEntry<UpperEdge>>;
  /** The upper driver's handle: `NdisOffloadHandle` of the block the object came down in. */
  readonly upperHandle: OffloadHandle;
  /** The upper interface the object came down on. */
  readonly upperEdge: UpperEdge;
  /** True once a request of the connection was answered with NDIS_STATUS_REQUEST_UPLOAD. */
  isUploadRequested = false;

  constructor(lowerBinding: NdisBinding, upperHandle: OffloadHandle, upperEdge: UpperEdge) {
    this.handle = new OffloadHandle(lowerBinding, this);
    this.upperHandle = upperHandle;
    this.upperEdge = upperEdge;
  }
}
