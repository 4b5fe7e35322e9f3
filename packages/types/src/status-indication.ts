import {
  NDIS_OBJECT_TYPE_STATUS_INDICATION,
  NDIS_SIZEOF_STATUS_INDICATION_REVISION_1,
  NDIS_STATUS_INDICATION_REVISION_1,
  NdisObjectHeader,
} from './object-header.ts';
import type { NDIS_STATUS } from './status.ts';

/**
 * NDIS_STATUS_INDICATION: something changed at an adapter; argument of `NdisMIndicateStatusEx` and `ProtocolStatusEx`.
 * Written by the indicating driver, which owns it; valid only during the call, `statusBuffer` included, so a receiver
 * copies what it keeps. The reserved members at the end of the C structure are left out. Source: ndis.h.
 */
export class NdisStatusIndication<StatusBuffer = unknown> {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_STATUS_INDICATION,
    NDIS_STATUS_INDICATION_REVISION_1,
    NDIS_SIZEOF_STATUS_INDICATION_REVISION_1,
  );
  /** Handle of the adapter that indicates. */
  sourceHandle: unknown = null;
  /** 0: the default port. */
  portNumber = 0;
  /** What happened: `NDIS_STATUS_OFFLOAD_PAUSE` and the like. */
  statusCode: NDIS_STATUS = 0;
  /** Reserved. */
  flags = 0;
  /** Whom it is for; null: every driver above. */
  destinationHandle: unknown = null;
  /** The `requestId` of the OID request that this answers; otherwise null. */
  requestId: unknown = null;
  /**
   * The structure that belongs to `statusCode`, itself and not its bytes: an `NdisTcpConnectionOffload` for
   * `NDIS_STATUS_OFFLOAD_RESUME`; null when there is none.
   */
  statusBuffer: StatusBuffer | null = null;
  /** Bytes that the C structure in `statusBuffer` has. */
  statusBufferSize = 0;
}
