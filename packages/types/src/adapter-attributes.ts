import { DL_ADDRESS_LENGTH } from './limits.ts';
import {
  NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
  NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
  NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
  NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
  NDIS_SIZEOF_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
  NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
  NdisObjectHeader,
} from './object-header.ts';
import type { NdisTcpConnectionOffload } from './tcp-connection-offload.ts';

// Bits of NdisMiniportAdapterRegistrationAttributes.attributeFlags that mean something here.

/** The adapter is hardware, not virtual. Source: ndis.h. */
export const NDIS_MINIPORT_ATTRIBUTES_HARDWARE_DEVICE = 0x00000001;
/** The adapter may disappear without warning. Source: ndis.h. */
export const NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK = 0x00000004;
/** The adapter is not halted when the system sleeps. Source: ndis.h. */
export const NDIS_MINIPORT_ATTRIBUTES_NO_HALT_ON_SUSPEND = 0x00000020;
/** The adapter is not paused before `OID_PNP_SET_POWER`. Source: ndis.h. */
export const NDIS_MINIPORT_ATTRIBUTES_NO_PAUSE_ON_SUSPEND = 0x00000100;

/**
 * NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES: the first attributes that a miniport driver sets in
 * `MiniportInitializeEx`; mandatory. Written by the miniport driver. Source: ndis.h.
 */
export class NdisMiniportAdapterRegistrationAttributes<AdapterContext = unknown> {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
    NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
  );
  /** The driver's own record for the adapter: first argument of every miniport entry from now on. */
  miniportAdapterContext: AdapterContext | null = null;
  /** `NDIS_MINIPORT_ATTRIBUTES_` bits. */
  attributeFlags = 0;
  /** Seconds between two checks for a hung adapter; 0: NDIS's default. */
  checkForHangTimeInSeconds = 0;
  /** An NDIS_INTERFACE_TYPE; 0 (internal) for an adapter without a bus. */
  interfaceType = 0;
}

/**
 * NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES: what the adapter is, set after the registration attributes. Written by the
 * miniport driver. A subset: members that neither the chimney nor this NDIS reads (power management, RSS, packet
 * filters, statistics, OID list) are left out; the names of the others and the size in `header` are the header's.
 * Source: ndis.h.
 */
export class NdisMiniportAdapterGeneralAttributes {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
    NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
  );
  /** An NDIS_MEDIUM; 0 is NdisMedium802_3. */
  mediaType = 0;
  /** An NDIS_PHYSICAL_MEDIUM; 0 is unspecified. */
  physicalMediumType = 0;
  /** Bytes. Largest packet without the link-layer header. */
  mtuSize = 0;
  /** Bits per second, exact to 2^53. */
  maxXmitLinkSpeed = 0;
  /** Bits per second, exact to 2^53. */
  xmitLinkSpeed = 0;
  /** Bits per second, exact to 2^53. */
  maxRcvLinkSpeed = 0;
  /** Bits per second, exact to 2^53. */
  rcvLinkSpeed = 0;
  /** A NET_IF_MEDIA_CONNECT_STATE: 0 unknown, 1 connected, 2 disconnected. */
  mediaConnectState = 0;
  /** A NET_IF_MEDIA_DUPLEX_STATE: 0 unknown, 1 half, 2 full. */
  mediaDuplexState = 0;
  /** Bytes of a received packet that are sure to be in the first MDL. */
  lookaheadSize = 0;
  /** Bytes of the two addresses that count. */
  macAddressLength = 0;
  /** In the first `macAddressLength` bytes. */
  readonly permanentMacAddress: Uint8Array = new Uint8Array(DL_ADDRESS_LENGTH);
  /** In the first `macAddressLength` bytes. */
  readonly currentMacAddress: Uint8Array = new Uint8Array(DL_ADDRESS_LENGTH);

  /** The current address at its own length, a view. Setting it copies the bytes into both addresses. */
  get macAddress(): Uint8Array {
    return this.currentMacAddress.subarray(0, this.macAddressLength);
  }

  set macAddress(address: Uint8Array) {
    if (address.length > DL_ADDRESS_LENGTH) {
      throw new TypeError(`a MAC address has at most ${DL_ADDRESS_LENGTH} bytes, not ${address.length}`);
    }
    this.macAddressLength = address.length;
    this.permanentMacAddress.fill(0).set(address);
    this.currentMacAddress.fill(0).set(address);
  }
}

/**
 * NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES: what the adapter offloads, set in `MiniportInitializeEx`; an adapter
 * without the two connection-offload members has no chimney. Written by the miniport driver.
 * Source: `ns-ndis-_ndis_miniport_adapter_offload_attributes.md`.
 */
export class NdisMiniportAdapterOffloadAttributes {
  readonly header: NdisObjectHeader = new NdisObjectHeader(
    NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
    NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
    NDIS_SIZEOF_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
  );
  /** Task offload (an NDIS_OFFLOAD, not modelled): current configuration. */
  defaultOffloadConfiguration: unknown = null;
  /** Task offload (an NDIS_OFFLOAD, not modelled): hardware capabilities. */
  hardwareOffloadCapabilities: unknown = null;
  /** Connection offload: current configuration. */
  defaultTcpConnectionOffloadConfiguration: NdisTcpConnectionOffload | null = null;
  /** Connection offload: hardware capabilities, what registry keywords disabled included. */
  tcpConnectionOffloadHardwareCapabilities: NdisTcpConnectionOffload | null = null;
}

/**
 * NDIS_MINIPORT_ADAPTER_ATTRIBUTES: what `NdisMSetMiniportAttributes` accepts; told apart by `header.type`.
 * Source: ndis.h.
 */
export type NdisMiniportAdapterAttributes<AdapterContext = unknown> =
  | NdisMiniportAdapterRegistrationAttributes<AdapterContext>
  | NdisMiniportAdapterGeneralAttributes
  | NdisMiniportAdapterOffloadAttributes;
