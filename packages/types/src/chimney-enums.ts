/** Kind of chimney a driver registers for or asks handlers of. Source: ndischimney.h. */
export const NDIS_CHIMNEY_OFFLOAD_TYPE = {
  /** The only value that may be used. */
  NdisTcpChimneyOffload: 1,
  /** Reserved. */
  NdisIpsecChimneyOffload: 2,
  /** Reserved. */
  NdisRdmaChimneyOffload: 3,
  /** End marker. */
  NdisMaxChimneyOffload: 4,
} as const;
/** A value of {@link NDIS_CHIMNEY_OFFLOAD_TYPE}. */
export type NDIS_CHIMNEY_OFFLOAD_TYPE = (typeof NDIS_CHIMNEY_OFFLOAD_TYPE)[keyof typeof NDIS_CHIMNEY_OFFLOAD_TYPE];

/**
 * What an offload target asks about with `NdisMOffloadEventIndicate`, its argument `IndicationCode`.
 * Source: `nf-ndischimney-ndismoffloadeventindicate.md`.
 */
export const INDICATE_OFFLOAD_EVENT = {
  /** Reserved; never indicated. */
  NeighborReachabilityInDoubt: 1,
  /** The target's neighbor cache entry went stale; the host answers in `hostReachabilityDelta` before it returns. */
  NeighborReachabilityQuery: 2,
  /** End marker. */
  MaxOffloadEvent: 3,
} as const;
/** A value of {@link INDICATE_OFFLOAD_EVENT}. */
export type INDICATE_OFFLOAD_EVENT = (typeof INDICATE_OFFLOAD_EVENT)[keyof typeof INDICATE_OFFLOAD_EVENT];

/**
 * What an offload block list is about and which state structures follow it: stored in `header.type` of the block by
 * whoever builds the tree. The value gives the layer and the address family too: 1 to 4 neighbor, 5 to 8 IPv4 path,
 * 9 to 0xC IPv6 path, 0xD to 0x11 TCP. Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md`.
 */
export const OFFLOAD_STATE_TYPE = {
  NeighborOffloadConstState: 0x01,
  NeighborOffloadCachedState: 0x02,
  NeighborOffloadDelegatedState: 0x03,
  /** Neighbor: const, cached, delegated, in that order. */
  NeighborOffloadState: 0x04,
  Ip4OffloadConstState: 0x05,
  Ip4OffloadCachedState: 0x06,
  /** The structure has no variables. */
  Ip4OffloadDelegatedState: 0x07,
  /** IPv4 path: const, cached, delegated. */
  Ip4OffloadState: 0x08,
  Ip6OffloadConstState: 0x09,
  Ip6OffloadCachedState: 0x0A,
  /** The structure has no variables. */
  Ip6OffloadDelegatedState: 0x0B,
  /** IPv6 path: const, cached, delegated. */
  Ip6OffloadState: 0x0C,
  TcpOffloadConstState: 0x0D,
  TcpOffloadCachedState: 0x0E,
  TcpOffloadDelegatedState: 0x0F,
  /** Reserved, unused. */
  TcpOffloadResourceState: 0x10,
  /** TCP connection: const, cached, delegated. */
  TcpOffloadState: 0x11,
  /** Reserved for filter drivers. */
  FilterReservedOffloadState: 0xFE,
  /** End marker. */
  MaximumOffloadState: 0xFF,
} as const;
/** A value of {@link OFFLOAD_STATE_TYPE}. */
export type OFFLOAD_STATE_TYPE = (typeof OFFLOAD_STATE_TYPE)[keyof typeof OFFLOAD_STATE_TYPE];

/**
 * State of a TCP connection (RFC 793), in `state` of the delegated state. The host may initiate an offload only in the
 * six states from Established to LastAck; query, update, invalidate and terminate are allowed in every state.
 * Source: `ns-ndischimney-_tcp_offload_state_delegated.md`.
 */
export const TCP_OFFLOAD_CONNECTION_STATE = {
  TcpConnectionClosed: 0,
  TcpConnectionListen: 1,
  TcpConnectionSynSent: 2,
  TcpConnectionSynRcvd: 3,
  /** May be offloaded: data both ways. */
  TcpConnectionEstablished: 4,
  /** May be offloaded: our FIN sent, not acknowledged. */
  TcpConnectionFinWait1: 5,
  /** May be offloaded: our FIN acknowledged, the peer still sends. */
  TcpConnectionFinWait2: 6,
  /** May be offloaded: the peer's FIN received, we still send. */
  TcpConnectionCloseWait: 7,
  /** May be offloaded: both FINs sent, ours not acknowledged. */
  TcpConnectionClosing: 8,
  /** May be offloaded: the peer closed first, our FIN not acknowledged. */
  TcpConnectionLastAck: 9,
  /** Not offloadable; a target that gets here should ask for the upload. */
  TcpConnectionTimeWait: 10,
  /** End marker. */
  TcpConnectionMaxState: 11,
} as const;
/** A value of {@link TCP_OFFLOAD_CONNECTION_STATE}. */
export type TCP_OFFLOAD_CONNECTION_STATE =
  (typeof TCP_OFFLOAD_CONNECTION_STATE)[keyof typeof TCP_OFFLOAD_CONNECTION_STATE];

/**
 * Why an offload target wants a connection uploaded: `EventSpecificInformation` of `TcpIndicateRetrieve`. Optional
 * reasons may be ignored and the target goes on; for mandatory ones the host always uploads and the target stops
 * processing the connection. Source: `nc-ndischimney-ndis_tcp_offload_event_indicate.md`.
 */
export const TCP_UPLOAD_REASON = {
  /** Optional: too little traffic. */
  LowActivity: 1,
  /** Optional: too many transmitted segments lost. */
  HighDropRate: 2,
  /** Optional: posted receive buffers are too small. */
  SmallIO: 3,
  /** Optional: no receive buffers posted. */
  NoBufferPreposting: 4,
  /** Alias of NoBufferPreposting; the header keeps the misspelling for old code. */
  NoBufferProposting: 4,
  /** Mandatory: a valid segment with URG arrived; the target has not acknowledged it. */
  ReceivedUrgentData: 5,
  /** Optional: too many fragments received. */
  HighFragmentation: 6,
  /** Optional: too much reordering. */
  HighOutOfOrderPackets: 7,
  /** Mandatory: a TCP timer ran out. */
  TimeoutExpiration: 8,
  /** Mandatory: the target had to send on a connection that depends on an invalidated object. */
  InvalidState: 9,
  /** Mandatory: unspecified; also, resources cannot be allocated. */
  UploadRequested: 10,
  /** Mandatory: the hardware's record of the connection is corrupt. */
  HardwareFailure: 11,
  /** End marker. */
  MaxUploadReason: 12,
} as const;
/** A value of {@link TCP_UPLOAD_REASON}. */
export type TCP_UPLOAD_REASON = (typeof TCP_UPLOAD_REASON)[keyof typeof TCP_UPLOAD_REASON];

/**
 * What happened on an offloaded connection: argument `EventType` of `NdisTcpOffloadEventHandler` and
 * `ProtocolTcpOffloadEvent`. Source: `nc-ndischimney-ndis_tcp_offload_event_indicate.md`.
 */
export const TCP_OFFLOAD_EVENT_TYPE = {
  /** `EventSpecificInformation` is the number of send bytes that should be outstanding. */
  TcpIndicateSendBacklogChange: 1,
  /** FIN received and everything before it consumed; no information. */
  TcpIndicateDisconnect: 2,
  /** Upload wanted; `EventSpecificInformation` is a {@link TCP_UPLOAD_REASON}. */
  TcpIndicateRetrieve: 3,
  /** Acceptable RST received; no information. */
  TcpIndicateAbort: 4,
} as const;
/** A value of {@link TCP_OFFLOAD_EVENT_TYPE}. */
export type TCP_OFFLOAD_EVENT_TYPE = (typeof TCP_OFFLOAD_EVENT_TYPE)[keyof typeof TCP_OFFLOAD_EVENT_TYPE];
