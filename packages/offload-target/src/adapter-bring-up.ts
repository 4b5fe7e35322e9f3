import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_OFFLOAD_NOT_SUPPORTED,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NDIS_STATUS_BAD_VERSION,
  NDIS_STATUS_FAILURE,
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

import { textOf, type EngineRule } from './engine-rules.ts';
import { OffloadAdapter, type EngineFactory } from './offload-adapter.ts';
import type { ResolvedLimits } from './target-limits.ts';

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
  targetName: string,
  limits: ResolvedLimits,
  createEngine: EngineFactory,
): OffloadAdapter | NDIS_STATUS {
  const { status, offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
  if (offloadHandlers === null) return status;
  const { type, revision, size } = offloadHandlers.header;
  const isKnown =
    type === PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS &&
    revision >= NDIS_OBJECT_TCP_OFFLOAD_REVISION_1 &&
    size >= NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1;
  if (!isKnown) return NDIS_STATUS_BAD_VERSION;
  let adapter: OffloadAdapter;
  try {
    adapter = new OffloadAdapter(targetName, adapterName, miniport, offloadHandlers, environment, limits, createEngine);
  } catch (error) {
    const detail = `engine of ${adapterName}: createEngine threw ${textOf(error)}`;
    miniport.ndis.reportViolation({ rule: 'CHIM-ENG-002' satisfies EngineRule, actor: targetName, detail, cause: error });
    return NDIS_STATUS_FAILURE;
  }
  const registration = new NdisMiniportAdapterRegistrationAttributes<OffloadAdapter>();
  registration.miniportAdapterContext = adapter;
  const general = new NdisMiniportAdapterGeneralAttributes();
  general.mtuSize = limits.mtuBytes;
  general.maxXmitLinkSpeed = limits.linkSpeed;
  general.xmitLinkSpeed = limits.linkSpeed;
  general.maxRcvLinkSpeed = limits.linkSpeed;
  general.rcvLinkSpeed = limits.linkSpeed;
  general.mediaConnectState = MEDIA_CONNECTED;
  general.mediaDuplexState = FULL_DUPLEX;
  general.lookaheadSize = limits.mtuBytes;
  general.macAddress = macAddressOf(adapterName);
  const offload = new NdisMiniportAdapterOffloadAttributes();
  offload.defaultTcpConnectionOffloadConfiguration = capabilitiesOf(limits);
  offload.tcpConnectionOffloadHardwareCapabilities = capabilitiesOf(limits);
  for (const attributes of [registration, general, offload]) {
    const result = miniport.setMiniportAttributes(attributes);
    if (result === NDIS_STATUS_SUCCESS) continue;
    adapter.halt();
    return result;
  }
  return adapter;
}

/** What an adapter with these limits can offload. */
export function capabilitiesOf(limits: ResolvedLimits): NdisTcpConnectionOffload {
  const offload = new NdisTcpConnectionOffload();
  offload.encapsulation = NDIS_ENCAPSULATION_IEEE_802_3;
  offload.supportIPv4 = NDIS_OFFLOAD_SUPPORTED;
  offload.supportIPv6 = NDIS_OFFLOAD_SUPPORTED;
  offload.supportIPv6ExtensionHeaders = NDIS_OFFLOAD_SUPPORTED;
  offload.supportSack = limits.hasSack ? NDIS_OFFLOAD_SUPPORTED : NDIS_OFFLOAD_NOT_SUPPORTED;
  offload.tcpConnectionOffloadCapacity = limits.connectionCapacity;
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
