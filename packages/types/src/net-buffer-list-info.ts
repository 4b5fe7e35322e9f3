/**
 * Index of a slot of `NetBufferList.netBufferListInfo`, in the order of NDIS 6.20. Slots are shared: what one holds
 * depends on the path that the NET_BUFFER_LIST is on, so read a slot only by the name that belongs to your path.
 * Source: ndis.h, `ns-nbl-net_buffer_list.md`.
 */
export const NDIS_NET_BUFFER_LIST_INFO = {
  TcpIpChecksumNetBufferListInfo: 0,
  /**
   * Chimney: bytes moved, a number. The target writes it before it completes a send, receive or disconnect; the host
   * reads it.
   */
  TcpOffloadBytesTransferred: 0,
  IPsecOffloadV1NetBufferListInfo: 1,
  IPsecOffloadV2NetBufferListInfo: 1,
  TcpLargeSendNetBufferListInfo: 2,
  /** Chimney: a boolean on a receive request, true = nonpush mode. The host writes it, the target reads it. */
  TcpReceiveNoPush: 2,
  ClassificationHandleNetBufferListInfo: 3,
  Ieee8021QNetBufferListInfo: 4,
  NetBufferListCancelId: 5,
  MediaSpecificInformation: 6,
  NetBufferListFrameType: 7,
  NetBufferListProtocolId: 7,
  NetBufferListHashValue: 8,
  NetBufferListHashInfo: 9,
  WfpNetBufferListInfo: 10,
  IPsecOffloadV2TunnelNetBufferListInfo: 11,
  IPsecOffloadV2HeaderNetBufferListInfo: 12,
  NetBufferListCorrelationId: 13,
  NetBufferListFilteringInfo: 14,
  MediaSpecificInformationEx: 15,
  NblOriginalInterfaceIfIndex: 16,
  NblReAuthWfpFlowContext: 16,
  /**
   * Chimney, NDIS 6.20 and later: bytes that the host already placed in the buffer of a receive request, a number. The
   * host writes it, the target reads it.
   */
  TcpReceiveBytesTransferred: 17,
  NrtNameResolutionId: 17,
  /** NDIS 6.84 and later. */
  UdpRecvSegCoalesceOffloadInfo: 17,
  /**
   * End marker: how many slots a NET_BUFFER_LIST has here. NDIS 6.30 and later append more, none of them for chimney.
   */
  MaxNetBufferListInfo: 18,
} as const;
/** A value of {@link NDIS_NET_BUFFER_LIST_INFO}. */
export type NDIS_NET_BUFFER_LIST_INFO = (typeof NDIS_NET_BUFFER_LIST_INFO)[keyof typeof NDIS_NET_BUFFER_LIST_INFO];
