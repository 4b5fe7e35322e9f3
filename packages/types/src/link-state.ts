import { NDIS_LINK_STATE_REVISION_1, NDIS_OBJECT_TYPE_DEFAULT, NDIS_SIZEOF_LINK_STATE_REVISION_1, NdisObjectHeader } from './object-header.ts';

/**
 * NDIS_LINK_STATE: what `OID_GEN_LINK_STATE` is answered with. NDIS fills it from the adapter's general attributes; a
 * miniport never sees the request. Source: `ns-ntddndis-_ndis_link_state.md`.
 */
export class NdisLinkState {
  readonly header: NdisObjectHeader = new NdisObjectHeader(NDIS_OBJECT_TYPE_DEFAULT, NDIS_LINK_STATE_REVISION_1, NDIS_SIZEOF_LINK_STATE_REVISION_1);
  /** A NET_IF_MEDIA_CONNECT_STATE: 0 unknown, 1 connected, 2 disconnected. */
  mediaConnectState = 0;
  /** A NET_IF_MEDIA_DUPLEX_STATE: 0 unknown, 1 half, 2 full. */
  mediaDuplexState = 0;
  /** Bits per second, exact to 2^53. */
  xmitLinkSpeed = 0;
  /** Bits per second, exact to 2^53. */
  rcvLinkSpeed = 0;
  /** An NDIS_SUPPORTED_PAUSE_FUNCTIONS; 0 is unsupported. */
  pauseFunctions = 0;
  autoNegotiationFlags = 0;
}
