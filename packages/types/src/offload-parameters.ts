import {
  NDIS_OBJECT_TYPE_DEFAULT,
  NDIS_OFFLOAD_PARAMETERS_REVISION_1,
  NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_1,
  NdisObjectHeader,
} from './object-header.ts';

/** Leave the setting as it is. Source: `ns-ntddndis-_ndis_offload_parameters.md`. */
export const NDIS_OFFLOAD_PARAMETERS_NO_CHANGE = 0;
/** Turn connection offload off. Source: ntddndis.h. */
export const NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED = 1;
/** Turn connection offload on. Source: ntddndis.h. */
export const NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED = 2;

/**
 * NDIS_OFFLOAD_PARAMETERS: the administrator's switches, the buffer of `OID_TCP_OFFLOAD_PARAMETERS`. The last two turn
 * the chimney on and off; the others are for task offload, of which only the members are here. As made, nothing is
 * changed. Members have 8 bits. Source: `ns-ntddndis-_ndis_offload_parameters.md`, revision 1.
 */
export class NdisOffloadParameters {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_DEFAULT,
    NDIS_OFFLOAD_PARAMETERS_REVISION_1,
    NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_1,
  );
  ipv4Checksum: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  tcpIPv4Checksum: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  udpIPv4Checksum: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  tcpIPv6Checksum: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  udpIPv6Checksum: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  lsoV1: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  ipsecV1: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  lsoV2IPv4: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  lsoV2IPv6: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  /** Connection offload of IPv4: `NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED`, `…_DISABLED`, or no change. */
  tcpConnectionIPv4: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  /** Connection offload of IPv6, likewise. */
  tcpConnectionIPv6: number = NDIS_OFFLOAD_PARAMETERS_NO_CHANGE;
  /** 32 bits. */
  flags = 0;
}
