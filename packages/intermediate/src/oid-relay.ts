import { NDIS_STATUS_PENDING, NdisOidRequest, type NDIS_STATUS, type NdisBinding } from '@ndis-chimney/types';

/** An OID request that an intermediate driver has passed on. */
export interface RelayedRequest<UpperEdge> {
  readonly upperEdge: UpperEdge;
  readonly upperRequest: NdisOidRequest;
}

/**
 * Passes OID requests through an intermediate driver: the request of the driver above stays where it is, a request of
 * the driver's own goes down, and what came back is copied into the first.
 */
export class OidRelay<UpperEdge> {
  private readonly pending = new Map<NdisOidRequest, RelayedRequest<UpperEdge>>();

  /**
   * Sends a request on. @returns what the lower binding returned; only PENDING is followed by {@link up}.
   * @throws when the request is refused below; nothing is pending then.
   */
  down(lower: NdisBinding, upperEdge: UpperEdge, upperRequest: NdisOidRequest): NDIS_STATUS {
    const request = requestLike(upperRequest);
    this.pending.set(request, { upperEdge, upperRequest });
    let status: NDIS_STATUS;
    try {
      status = lower.oidRequest(request);
    } catch (error) {
      this.pending.delete(request);
      throw error;
    }
    if (status !== NDIS_STATUS_PENDING) this.up(request);
    return status;
  }

  /** Takes the answer of a request back to the one it was made for. */
  up(request: NdisOidRequest): RelayedRequest<UpperEdge> {
    const relayed = this.pending.get(request);
    if (relayed === undefined) throw new TypeError('OidRelay.up: the request was not sent down by this driver');
    this.pending.delete(request);
    const { upperRequest } = relayed;
    upperRequest.informationBuffer = request.informationBuffer;
    upperRequest.bytesWritten = request.bytesWritten;
    upperRequest.bytesRead = request.bytesRead;
    upperRequest.bytesNeeded = request.bytesNeeded;
    return relayed;
  }
}

/** A request of the driver's own that asks for what another one asks for, with the same buffer. */
export function requestLike(upperRequest: NdisOidRequest): NdisOidRequest {
  const request = new NdisOidRequest();
  request.requestType = upperRequest.requestType;
  request.portNumber = upperRequest.portNumber;
  request.timeout = upperRequest.timeout;
  request.requestId = upperRequest.requestId;
  request.oid = upperRequest.oid;
  request.informationBuffer = upperRequest.informationBuffer;
  request.informationBufferLength = upperRequest.informationBufferLength;
  return request;
}
