import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NDIS_STATUS_BAD_VERSION,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  NdisTcpConnectionOffload,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportInitParameters,
  type OffloadTargetEnvironment,
} from '@ndis-chimney/types';

import { MemoryAdapter } from './memory-adapter.ts';
import type { ResolvedOptions } from './options.ts';
import type { PeerRegistry } from './peer-registry.ts';

/** Bytes of an Ethernet payload. */
const MTU_BYTES = 1500;
/** What the link to an in-process peer is announced as, in bits per second: fast, and a number. */
const LINK_SPEED = 10_000_000_000;
/** NET_IF_MEDIA_CONNECT_STATE: connected. Source: ifdef.h. */
const MEDIA_CONNECTED = 1;
/** NET_IF_MEDIA_DUPLEX_STATE: full. Source: ifdef.h. */
const FULL_DUPLEX = 2;
const MAC_ADDRESS_BYTES = 6;

/**
 * `MiniportInitializeEx`: attributes, the table of offload handlers, the adapter's record.
 * @returns the record, or the status the adapter cannot come up for.
 */
export function bringUp(
  miniport: NdisMiniport,
  { adapterName }: NdisMiniportInitParameters,
  environment: OffloadTargetEnvironment,
  options: ResolvedOptions,
  peers: PeerRegistry,
): MemoryAdapter | NDIS_STATUS {
  const { status, offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
  if (offloadHandlers === null) return status;
  const { type, revision, size } = offloadHandlers.header;
  const isKnown =
    type === PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS &&
    revision >= NDIS_OBJECT_TCP_OFFLOAD_REVISION_1 &&
    size >= NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1;
  if (!isKnown) return NDIS_STATUS_BAD_VERSION;
  const adapter = new MemoryAdapter(adapterName, miniport, offloadHandlers, environment, options, peers);
  const registration = new NdisMiniportAdapterRegistrationAttributes<MemoryAdapter>();
  registration.miniportAdapterContext = adapter;
  const general = new NdisMiniportAdapterGeneralAttributes();
  general.mtuSize = MTU_BYTES;
  general.maxXmitLinkSpeed = LINK_SPEED;
  general.xmitLinkSpeed = LINK_SPEED;
  general.maxRcvLinkSpeed = LINK_SPEED;
  general.rcvLinkSpeed = LINK_SPEED;
  general.mediaConnectState = MEDIA_CONNECTED;
  general.mediaDuplexState = FULL_DUPLEX;
  general.lookaheadSize = MTU_BYTES;
  general.macAddress = macAddressOf(adapterName);
  const offload = new NdisMiniportAdapterOffloadAttributes();
  offload.defaultTcpConnectionOffloadConfiguration = capabilities(options);
  offload.tcpConnectionOffloadHardwareCapabilities = capabilities(options);
  for (const attributes of [registration, general, offload]) {
    const result = miniport.setMiniportAttributes(attributes);
    if (result === NDIS_STATUS_SUCCESS) continue;
    adapter.indications.close();
    return result;
  }
  return adapter;
}

function capabilities(options: ResolvedOptions): NdisTcpConnectionOffload {
  const offload = new NdisTcpConnectionOffload();
  offload.encapsulation = NDIS_ENCAPSULATION_IEEE_802_3;
  offload.supportIPv4 = NDIS_OFFLOAD_SUPPORTED;
  offload.supportIPv6 = NDIS_OFFLOAD_SUPPORTED;
  offload.supportIPv6ExtensionHeaders = NDIS_OFFLOAD_SUPPORTED;
  // Both directions are in order, so there is never anything to acknowledge selectively.
  offload.supportSack = NDIS_OFFLOAD_SUPPORTED;
  offload.tcpConnectionOffloadCapacity = options.connectionCapacity;
  return offload;
}

/** A locally administered unicast address made from the name: the same name, the same address (FNV-1a). */
function macAddressOf(name: string): Uint8Array {
  let low = 0x811C9DC5 | 0;
  let high = 0x9E3779B9 | 0;
  for (let i = 0; i < name.length; i++) {
    low = Math.imul(low ^ name.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ low, 0x01000193);
  }
  const address = new Uint8Array(MAC_ADDRESS_BYTES);
  for (let i = 0; i < MAC_ADDRESS_BYTES; i++) address[i] = (i < 2 ? high >>> (8 * i) : low >>> (8 * (i - 2))) & 0xFF;
  address[0] = (address[0]! & 0xFC) | 0x02;
  return address;
}
