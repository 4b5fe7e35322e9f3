import {
  NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION,
  NDIS_OFFLOAD_ENCAPSULATION_REVISION_1,
  NDIS_SIZEOF_OFFLOAD_ENCAPSULATION_REVISION_1,
  NdisObjectHeader,
} from './object-header.ts';

// Bits of NdisTcpConnectionOffload.encapsulation and values of encapsulationType. An adapter that offloads connections
// reports IEEE_802_3, IEEE_LLC_SNAP_ROUTED or both, or its chimney is not recognised.

/** No encapsulation supported. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_NOT_SUPPORTED = 0x00000000;
/** No link-layer header. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_NULL = 0x00000001;
/** Ethernet. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_IEEE_802_3 = 0x00000002;
/** Ethernet with an 802.1P and 802.1Q tag. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q = 0x00000004;
/** Ethernet, tag passed beside the packet. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q_IN_OOB = 0x00000008;
/** LLC/SNAP, RFC 1483 routed. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED = 0x00000010;

// Values of the 2-bit support members of NdisTcpConnectionOffload.

/** The feature is missing or off. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_OFFLOAD_NOT_SUPPORTED = 0;
/** The feature is there and on. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_OFFLOAD_SUPPORTED = 1;

// Values of NdisOffloadEncapsulationSettings.enabled.

/** Leave the setting as it is. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_OFFLOAD_SET_NO_CHANGE = 0;
/** Switch offload on with these settings. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_OFFLOAD_SET_ON = 1;
/** Switch offload off. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_OFFLOAD_SET_OFF = 2;

/**
 * How packets of one IP version are framed: the nested `IPv4` and `IPv6` members of NDIS_OFFLOAD_ENCAPSULATION.
 * Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`.
 */
export class NdisOffloadEncapsulationSettings {
  /** An `NDIS_OFFLOAD_SET_` value. */
  enabled = 0;
  /** An `NDIS_ENCAPSULATION_` value; 0 unless `enabled` is `NDIS_OFFLOAD_SET_ON`. */
  encapsulationType = 0;
  /** Bytes of the link-layer header; 0 unless `enabled` is `NDIS_OFFLOAD_SET_ON`. */
  headerSize = 0;

  /** Copies every member. */
  copyFrom(from: NdisOffloadEncapsulationSettings): this {
    this.enabled = from.enabled;
    this.encapsulationType = from.encapsulationType;
    this.headerSize = from.headerSize;
    return this;
  }
}

/**
 * NDIS_OFFLOAD_ENCAPSULATION: how packets are framed on the link, written by the protocol. The buffer of
 * `OID_OFFLOAD_ENCAPSULATION` and a member of `NdisTcpConnectionOffloadParameters`.
 * Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`.
 */
export class NdisOffloadEncapsulation {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION,
    NDIS_OFFLOAD_ENCAPSULATION_REVISION_1,
    NDIS_SIZEOF_OFFLOAD_ENCAPSULATION_REVISION_1,
  );
  readonly ipv4: NdisOffloadEncapsulationSettings = new NdisOffloadEncapsulationSettings();
  readonly ipv6: NdisOffloadEncapsulationSettings = new NdisOffloadEncapsulationSettings();

  /** Copies every member, allocating nothing. */
  copyFrom(from: NdisOffloadEncapsulation): this {
    this.header.copyFrom(from.header);
    this.ipv4.copyFrom(from.ipv4);
    this.ipv6.copyFrom(from.ipv6);
    return this;
  }
}
