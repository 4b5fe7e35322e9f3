import {
  NDIS_OBJECT_TYPE_OID_REQUEST,
  NDIS_OID_REQUEST_REVISION_1,
  NDIS_SIZEOF_OID_REQUEST_REVISION_1,
  NdisObjectHeader,
} from './object-header.ts';
import type { NDIS_OID } from './oids.ts';

/** What an {@link NdisOidRequest} asks for. Source: ntddndis.h. */
export const NDIS_REQUEST_TYPE = {
  NdisRequestQueryInformation: 0,
  NdisRequestSetInformation: 1,
  NdisRequestQueryStatistics: 2,
  /** Not used in NDIS 6, nor are the others up to NdisRequestGeneric4. */
  NdisRequestOpen: 3,
  NdisRequestClose: 4,
  NdisRequestSend: 5,
  NdisRequestTransferData: 6,
  NdisRequestReset: 7,
  NdisRequestGeneric1: 8,
  NdisRequestGeneric2: 9,
  NdisRequestGeneric3: 10,
  NdisRequestGeneric4: 11,
  NdisRequestMethod: 12,
} as const;
/** A value of {@link NDIS_REQUEST_TYPE}. */
export type NDIS_REQUEST_TYPE = (typeof NDIS_REQUEST_TYPE)[keyof typeof NDIS_REQUEST_TYPE];

/**
 * NDIS_OID_REQUEST: a query or a set, from a protocol or NDIS to the adapter below. Written by the requester, which
 * gets it back, results filled in, from the completion and owns it again then. The members of the C union are one set
 * of members here; those for method requests are left out. Source: ndis.h.
 */
export class NdisOidRequest<InformationBuffer = unknown> {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_OID_REQUEST,
    NDIS_OID_REQUEST_REVISION_1,
    NDIS_SIZEOF_OID_REQUEST_REVISION_1,
  );
  requestType: NDIS_REQUEST_TYPE = NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
  /** 0: the default port. */
  portNumber = 0;
  /** Seconds after which NDIS may cancel the request; 0: none. */
  timeout = 0;
  /** By which the requester cancels, and which a status indication repeats that answers the request. */
  requestId: unknown = null;
  /** Who asked; written by NDIS. */
  requestHandle: unknown = null;
  oid: NDIS_OID = 0;
  /**
   * The structure of the OID, itself and not its bytes (a `TcpOffloadStats`, an `NDIS_DEVICE_POWER_STATE`). Set: the
   * driver below reads it and copies what it keeps. Query: the requester passes one to be filled, or null and the
   * driver below puts one here.
   */
  informationBuffer: InformationBuffer | null = null;
  /** Bytes that the C structure in `informationBuffer` has. Written by the requester. */
  informationBufferLength = 0;
  /** Query: bytes written. Written by the driver below. */
  bytesWritten = 0;
  /** Set: bytes read. Written by the driver below. */
  bytesRead = 0;
  /** Bytes needed, when the request fails with `NDIS_STATUS_BUFFER_TOO_SHORT`. Written by the driver below. */
  bytesNeeded = 0;
  /** NDIS's, while the request is under way. One slot for the reserved bytes of the C structure. */
  ndisReserved: unknown = null;
  /** The miniport's, while it holds the request. */
  miniportReserved0: unknown = null;
  /** The miniport's, while it holds the request. */
  miniportReserved1: unknown = null;
  /** The requester's; nobody else touches it. */
  sourceReserved0: unknown = null;
  /** The requester's; nobody else touches it. */
  sourceReserved1: unknown = null;
  /** Revision of the structure that the driver below supports. Written by it. 8 bits. */
  supportedRevision = 0;
}
