/**
 * The names in the documentation of the NDIS TCP chimney (its pages, the header `ndischimney.h`, what they use of base
 * NDIS), grouped as the DDI map has them. A name is added here first; then the map lacks a row, and the test says so.
 */

/** Functions of the chimney that NDIS has and drivers call. */
const functions: readonly string[] = [
  'NdisSetOptionalHandlers', 'NdisMGetOffloadHandlers', 'NdisInitiateOffload', 'NdisTerminateOffload',
  'NdisUpdateOffload', 'NdisInvalidateOffload', 'NdisQueryOffloadState', 'NdisMInitiateOffloadComplete',
  'NdisMTerminateOffloadComplete', 'NdisMUpdateOffloadComplete', 'NdisMInvalidateOffloadComplete',
  'NdisMQueryOffloadStateComplete', 'NdisMOffloadEventIndicate', 'NdisOffloadTcpSend', 'NdisOffloadTcpReceive',
  'NdisOffloadTcpDisconnect', 'NdisOffloadTcpForward', 'NdisOffloadTcpReceiveReturn', 'NdisTcpOffloadSendComplete',
  'NdisTcpOffloadReceiveComplete', 'NdisTcpOffloadDisconnectComplete', 'NdisTcpOffloadForwardComplete',
  'NdisTcpOffloadEventHandler', 'NdisTcpOffloadReceiveHandler',
];

/** Functions of the chimney that drivers have and NDIS calls, and the types of both kinds. */
const entries: readonly string[] = [
  'MiniportInitiateOffload', 'MiniportTerminateOffload', 'MiniportUpdateOffload', 'MiniportInvalidateOffload',
  'MiniportQueryOffload', 'MiniportTcpOffloadSend', 'MiniportTcpOffloadReceive', 'MiniportTcpOffloadDisconnect',
  'MiniportTcpOffloadForward', 'MiniportTcpOffloadReceiveReturn', 'ProtocolInitiateOffloadComplete',
  'ProtocolTerminateOffloadComplete', 'ProtocolUpdateOffloadComplete', 'ProtocolInvalidateOffloadComplete',
  'ProtocolQueryOffloadComplete', 'ProtocolIndicateOffloadEvent', 'ProtocolTcpOffloadSendComplete',
  'ProtocolTcpOffloadReceiveComplete', 'ProtocolTcpOffloadDisconnectComplete', 'ProtocolTcpOffloadForwardComplete',
  'ProtocolTcpOffloadEvent', 'ProtocolTcpOffloadReceiveIndicate', 'W_INITIATE_OFFLOAD_HANDLER',
  'W_TERMINATE_OFFLOAD_HANDLER', 'W_UPDATE_OFFLOAD_HANDLER', 'W_INVALIDATE_OFFLOAD_HANDLER',
  'W_QUERY_OFFLOAD_HANDLER', 'W_TCP_OFFLOAD_SEND_HANDLER', 'W_TCP_OFFLOAD_RECEIVE_HANDLER',
  'W_TCP_OFFLOAD_DISCONNECT_HANDLER', 'W_TCP_OFFLOAD_FORWARD_HANDLER', 'W_TCP_OFFLOAD_RECEIVE_RETURN_HANDLER',
  'INITIATE_OFFLOAD_COMPLETE_HANDLER', 'TERMINATE_OFFLOAD_COMPLETE_HANDLER', 'UPDATE_OFFLOAD_COMPLETE_HANDLER',
  'INVALIDATE_OFFLOAD_COMPLETE_HANDLER', 'QUERY_OFFLOAD_COMPLETE_HANDLER', 'INDICATE_OFFLOAD_EVENT_HANDLER',
  'TCP_OFFLOAD_SEND_COMPLETE_HANDLER', 'TCP_OFFLOAD_RECV_COMPLETE_HANDLER',
  'TCP_OFFLOAD_DISCONNECT_COMPLETE_HANDLER', 'TCP_OFFLOAD_FORWARD_COMPLETE_HANDLER', 'TCP_OFFLOAD_EVENT_HANDLER',
  'TCP_OFFLOAD_RECEIVE_INDICATE_HANDLER', 'NDIS_TCP_OFFLOAD_EVENT_INDICATE', 'NDIS_TCP_OFFLOAD_RECEIVE_INDICATE',
  'NDIS_TCP_OFFLOAD_SEND_COMPLETE', 'NDIS_TCP_OFFLOAD_RECEIVE_COMPLETE', 'NDIS_TCP_OFFLOAD_DISCONNECT_COMPLETE',
  'NDIS_TCP_OFFLOAD_FORWARD_COMPLETE',
];

/** What those functions are passed. */
const parameters: readonly string[] = [
  'NdisHandle', 'OptionalHandlers', 'NdisDriverHandle', 'NdisProtocolHandle', 'NdisMiniportHandle',
  'NdisBindingHandle', 'ProtocolBindingContext', 'MiniportAdapterContext', 'NdisOffloadHandle', 'OffloadContext',
  'MiniportOffloadContext', 'OffloadBlockList', 'NetBufferList', 'Flags', 'ChimneyType', 'OffloadHandlers',
  'IndicationCode', 'EventType', 'EventSpecificInformation', 'Status', 'BytesConsumed', 'DataOffsetDelta', 'FreeMdl',
];

/** Structures and their members. */
const structures: Readonly<Record<string, readonly string[]>> = {
  NDIS_MINIPORT_OFFLOAD_BLOCK_LIST: [
    'Header', 'NextBlock', 'DependentBlockList', 'Status', 'NdisReserved', 'MiniportOffloadContext',
    'NdisOffloadHandle', 'ProtocolReserved', 'MiniportReserved', 'ImReserved', 'Scratch', 'SourceHandle',
    'PortNumber', 'NetBufferListChain',
  ],
  NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST: [
    'Header', 'NextBlock', 'DependentBlockList', 'Status', 'NdisReserved', 'OffloadHandle', 'ProtocolReserved',
    'MiniportReserved', 'ImReserved', 'Scratch', 'SourceHandle', 'PortNumber', 'NetBufferListChain',
  ],
  NDIS_OFFLOAD_HANDLE: ['NdisReserved', 'MiniportOffloadContext'],
  OFFLOAD_STATE_HEADER: ['Length', 'RecognizedOptions'],
  NEIGHBOR_OFFLOAD_STATE_CONST: ['Header', 'DlSourceAddress', 'VlanId'],
  NEIGHBOR_OFFLOAD_STATE_CACHED: ['Header', 'DlDestinationAddress', 'HostReachabilityDelta'],
  NEIGHBOR_OFFLOAD_STATE_DELEGATED: ['Header', 'NicReachabilityDelta'],
  PATH_OFFLOAD_STATE_CONST: ['Header', 'SourceAddress', 'DestinationAddress'],
  PATH_OFFLOAD_STATE_CACHED: ['Header', 'PathMtu'],
  PATH_OFFLOAD_STATE_DELEGATED: ['Header'],
  TCP_OFFLOAD_STATE_CONST: [
    'Header', 'Flags', 'RemotePort', 'LocalPort', 'SndWindScale', 'RcvWindScale', 'RemoteMss', 'HashValue',
  ],
  TCP_OFFLOAD_STATE_CACHED: [
    'Header', 'Flags', 'InitialRcvWnd', 'RcvIndicationSize', 'KaProbeCount', 'KaTimeout', 'KaInterval', 'MaxRT',
    'FlowLabel', 'TtlOrHopLimit', 'TosOrTrafficClass', 'UserPriority',
  ],
  TCP_OFFLOAD_STATE_DELEGATED: [
    'Header', 'State', 'Flags', 'RcvNxt', 'RcvWnd', 'SndUna', 'SndNxt', 'SndMax', 'SndWnd', 'MaxSndWnd', 'SendWL1',
    'CWnd', 'SsThresh', 'SRtt', 'RttVar', 'TsRecent', 'TsRecentAge', 'TsTime', 'TotalRT', 'DupAckCount',
    'SndWndProbeCount', 'KeepAlive', 'KeepAlive.ProbeCount', 'KeepAlive.TimeoutDelta', 'Retransmit',
    'Retransmit.Count', 'Retransmit.TimeoutDelta', 'SendDataHead', 'SendDataTail', 'SendBacklogSize', 'BufferedData',
    'ReceiveBacklogSize', 'DWnd',
  ],
  TCP_OFFLOAD_STATS: [
    'InSegments', 'OutSegments', 'CurrentlyEstablished', 'ResetEstablished', 'RetransmittedSegments', 'InErrors',
    'OutResets',
  ],
  IP_OFFLOAD_STATS: [
    'InReceives', 'InOctets', 'InDelivers', 'OutRequests', 'OutOctets', 'InHeaderErrors', 'InTruncatedPackets',
    'InDiscards', 'OutDiscards', 'OutNoRoutes',
  ],
  NDIS_DRIVER_OPTIONAL_HANDLERS: [],
  NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: [
    'Header', 'Flags', 'InitiateOffloadHandler', 'TerminateOffloadHandler', 'UpdateOffloadHandler',
    'InvalidateOffloadHandler', 'QueryOffloadHandler',
  ],
  NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS: [
    'Header', 'Flags', 'OffloadType', 'TcpOffloadSendHandler', 'TcpOffloadReceiveHandler',
    'TcpOffloadDisconnectHandler', 'TcpOffloadForwardHandler', 'TcpOffloadReceiveReturnHandler',
  ],
  NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: [
    'Header', 'Flags', 'InitiateOffloadCompleteHandler', 'TerminateOffloadCompleteHandler',
    'UpdateOffloadCompleteHandler', 'InvalidateOffloadCompleteHandler', 'QueryOffloadCompleteHandler',
    'IndicateOffloadEventHandler',
  ],
  NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS: [
    'Header', 'Flags', 'OffloadType', 'TcpOffloadSendCompleteHandler', 'TcpOffloadReceiveCompleteHandler',
    'TcpOffloadDisconnectCompleteHandler', 'TcpOffloadForwardCompleteHandler', 'TcpOffloadEventHandler',
    'TcpOffloadReceiveIndicateHandler',
  ],
  NDIS_TCP_OFFLOAD_EVENT_HANDLERS: [
    'Header', 'NdisTcpOffloadEventHandler', 'NdisTcpOffloadReceiveHandler', 'NdisTcpOffloadSendComplete',
    'NdisTcpOffloadReceiveComplete', 'NdisTcpOffloadDisconnectComplete', 'NdisTcpOffloadForwardComplete',
  ],
  NDIS_OBJECT_HEADER: ['Type', 'Revision', 'Size'],
  NDIS_TCP_CONNECTION_OFFLOAD: [
    'Header', 'Encapsulation', 'SupportIPv4', 'SupportIPv6', 'SupportIPv6ExtensionHeaders', 'SupportSack',
    'CongestionAlgorithm', 'TcpConnectionOffloadCapacity', 'Flags',
  ],
  NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS: [
    'Header', 'Encapsulation', 'TicksPerSecond', 'TcpAckFrequency', 'TcpDelayedAckTicks',
    'TcpMaximumRetransmissions', 'TcpDoubtReachabilityRetransmissions', 'TcpSwsPreventionTicks',
    'TcpDuplicateAckThreshold', 'TcpPushTicks', 'NceStaleTicks', 'CongestionAlgorithm',
  ],
  NDIS_LINK_STATE: [
    'Header', 'MediaConnectState', 'MediaDuplexState', 'XmitLinkSpeed', 'RcvLinkSpeed', 'PauseFunctions', 'AutoNegotiationFlags',
  ],
  NDIS_OFFLOAD_PARAMETERS: [
    'Header', 'IPv4Checksum', 'TCPIPv4Checksum', 'UDPIPv4Checksum', 'TCPIPv6Checksum', 'UDPIPv6Checksum',
    'LsoV1', 'IPsecV1', 'LsoV2IPv4', 'LsoV2IPv6', 'TcpConnectionIPv4', 'TcpConnectionIPv6', 'Flags',
  ],
  NDIS_OFFLOAD_ENCAPSULATION: [
    'Header', 'IPv4', 'IPv4.Enabled', 'IPv4.EncapsulationType', 'IPv4.HeaderSize', 'IPv6', 'IPv6.Enabled',
    'IPv6.EncapsulationType', 'IPv6.HeaderSize',
  ],
  NDIS_TCP_CONNECTION_OFFLOAD_ENCAPSULATION: [
    'V4', 'V4.Enabled', 'V4.EncapsulationType', 'V4.HeaderSize', 'V6', 'V6.Enabled', 'V6.EncapsulationType',
    'V6.HeaderSize',
  ],
  NDIS_MINIPORT_ADAPTER_ATTRIBUTES: [],
  NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES: [
    'Header', 'MiniportAdapterContext', 'AttributeFlags', 'CheckForHangTimeInSeconds', 'InterfaceType',
  ],
  NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES: [
    'Header', 'MediaType', 'PhysicalMediumType', 'MtuSize', 'MaxXmitLinkSpeed', 'XmitLinkSpeed', 'MaxRcvLinkSpeed',
    'RcvLinkSpeed', 'MediaConnectState', 'LookaheadSize', 'MacAddressLength', 'PermanentMacAddress',
    'CurrentMacAddress',
  ],
  NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES: [
    'Header', 'DefaultOffloadConfiguration', 'HardwareOffloadCapabilities',
    'DefaultTcpConnectionOffloadConfiguration', 'TcpConnectionOffloadHardwareCapabilities',
  ],
  NET_BUFFER_LIST: [
    'Next', 'FirstNetBuffer', 'Context', 'ParentNetBufferList', 'NdisPoolHandle', 'NdisReserved', 'ProtocolReserved',
    'MiniportReserved', 'Scratch', 'SourceHandle', 'NblFlags', 'ChildRefCount', 'Flags', 'Status',
    'NetBufferListInfo',
  ],
  NET_BUFFER: [
    'Next', 'CurrentMdl', 'CurrentMdlOffset', 'DataLength', 'MdlChain', 'DataOffset', 'ChecksumBias',
    'NdisPoolHandle', 'NdisReserved', 'ProtocolReserved', 'MiniportReserved', 'ScatterGatherList',
  ],
  NET_BUFFER_LIST_CONTEXT: ['Next', 'ContextData'],
  NET_BUFFER_LIST_POOL_PARAMETERS: ['ProtocolId'],
  MDL: ['Next', 'ByteCount', 'ByteOffset', 'StartVa', 'MappedSystemVa'],
  SCATTER_GATHER_LIST: ['NumberOfElements', 'Elements'],
  SCATTER_GATHER_ELEMENT: ['Address', 'Length'],
  NDIS_MINIPORT_DRIVER_CHARACTERISTICS: [
    'SetOptionsHandler', 'InitializeHandlerEx', 'HaltHandlerEx', 'UnloadHandler', 'PauseHandler', 'RestartHandler',
    'OidRequestHandler', 'SendNetBufferListsHandler', 'ReturnNetBufferListsHandler',
  ],
  NDIS_PROTOCOL_DRIVER_CHARACTERISTICS: [
    'Name', 'SetOptionsHandler', 'BindAdapterHandlerEx', 'UnbindAdapterHandlerEx', 'OpenAdapterCompleteHandlerEx',
    'CloseAdapterCompleteHandlerEx', 'NetPnPEventHandler', 'OidRequestCompleteHandler', 'StatusHandlerEx',
    'ReceiveNetBufferListsHandler', 'SendNetBufferListsCompleteHandler',
  ],
  NDIS_MINIPORT_INIT_PARAMETERS: ['IMDeviceInstanceContext'],
  NDIS_BIND_PARAMETERS: [
    'AdapterName', 'MtuSize', 'MacAddressLength', 'CurrentMacAddress', 'TcpConnectionOffloadCapabilities',
  ],
  NET_PNP_EVENT_NOTIFICATION: ['NetPnPEvent'],
  NDIS_STATUS_INDICATION: [
    'Header', 'SourceHandle', 'PortNumber', 'StatusCode', 'Flags', 'DestinationHandle', 'RequestId', 'StatusBuffer',
    'StatusBufferSize',
  ],
  NDIS_OID_REQUEST: [
    'Header', 'RequestType', 'PortNumber', 'Timeout', 'RequestId', 'RequestHandle', 'DATA.QUERY_INFORMATION.Oid',
    'DATA.QUERY_INFORMATION.InformationBuffer', 'DATA.QUERY_INFORMATION.InformationBufferLength',
    'DATA.QUERY_INFORMATION.BytesWritten', 'DATA.QUERY_INFORMATION.BytesNeeded', 'DATA.SET_INFORMATION.Oid',
    'DATA.SET_INFORMATION.InformationBuffer', 'DATA.SET_INFORMATION.InformationBufferLength',
    'DATA.SET_INFORMATION.BytesRead', 'DATA.SET_INFORMATION.BytesNeeded', 'NdisReserved', 'MiniportReserved',
    'SourceReserved', 'SupportedRevision',
  ],
};

/** Enumerations and their constants. */
const enumerations: Readonly<Record<string, readonly string[]>> = {
  NDIS_CHIMNEY_OFFLOAD_TYPE: [
    'NdisTcpChimneyOffload', 'NdisIpsecChimneyOffload', 'NdisRdmaChimneyOffload', 'NdisMaxChimneyOffload',
  ],
  INDICATE_OFFLOAD_EVENT: ['NeighborReachabilityInDoubt', 'NeighborReachabilityQuery', 'MaxOffloadEvent'],
  OFFLOAD_STATE_TYPE: [
    'NeighborOffloadConstState', 'NeighborOffloadCachedState', 'NeighborOffloadDelegatedState',
    'NeighborOffloadState', 'Ip4OffloadConstState', 'Ip4OffloadCachedState', 'Ip4OffloadDelegatedState',
    'Ip4OffloadState', 'Ip6OffloadConstState', 'Ip6OffloadCachedState', 'Ip6OffloadDelegatedState',
    'Ip6OffloadState', 'TcpOffloadConstState', 'TcpOffloadCachedState', 'TcpOffloadDelegatedState',
    'TcpOffloadResourceState', 'TcpOffloadState', 'FilterReservedOffloadState', 'MaximumOffloadState',
  ],
  TCP_OFFLOAD_CONNECTION_STATE: [
    'TcpConnectionClosed', 'TcpConnectionListen', 'TcpConnectionSynSent', 'TcpConnectionSynRcvd',
    'TcpConnectionEstablished', 'TcpConnectionFinWait1', 'TcpConnectionFinWait2', 'TcpConnectionCloseWait',
    'TcpConnectionClosing', 'TcpConnectionLastAck', 'TcpConnectionTimeWait', 'TcpConnectionMaxState',
  ],
  TCP_UPLOAD_REASON: [
    'LowActivity', 'HighDropRate', 'SmallIO', 'NoBufferPreposting', 'ReceivedUrgentData', 'HighFragmentation',
    'HighOutOfOrderPackets', 'TimeoutExpiration', 'InvalidState', 'UploadRequested', 'HardwareFailure',
    'MaxUploadReason',
  ],
  TCP_OFFLOAD_EVENT_TYPE: [
    'TcpIndicateSendBacklogChange', 'TcpIndicateDisconnect', 'TcpIndicateRetrieve', 'TcpIndicateAbort',
  ],
  NDIS_NET_BUFFER_LIST_INFO: [
    'TcpIpChecksumNetBufferListInfo', 'TcpOffloadBytesTransferred', 'IPsecOffloadV1NetBufferListInfo',
    'IPsecOffloadV2NetBufferListInfo', 'TcpLargeSendNetBufferListInfo', 'TcpReceiveNoPush',
    'ClassificationHandleNetBufferListInfo', 'Ieee8021QNetBufferListInfo', 'NetBufferListCancelId',
    'MediaSpecificInformation', 'NetBufferListFrameType', 'NetBufferListProtocolId', 'NetBufferListHashValue',
    'NetBufferListHashInfo', 'WfpNetBufferListInfo', 'IPsecOffloadV2TunnelNetBufferListInfo',
    'IPsecOffloadV2HeaderNetBufferListInfo', 'NetBufferListCorrelationId', 'NetBufferListFilteringInfo',
    'MediaSpecificInformationEx', 'NblOriginalInterfaceIfIndex', 'NblReAuthWfpFlowContext',
    'TcpReceiveBytesTransferred', 'NrtNameResolutionId', 'UdpRecvSegCoalesceOffloadInfo', 'MaxNetBufferListInfo',
  ],
  NDIS_HALT_ACTION: [
    'NdisHaltDeviceDisabled', 'NdisHaltDeviceInstanceDeInitialized', 'NdisHaltDevicePoweredDown',
    'NdisHaltDeviceSurpriseRemoved', 'NdisHaltDeviceFailed', 'NdisHaltDeviceInitializationFailed',
    'NdisHaltDeviceStopped',
  ],
  NET_PNP_EVENT_CODE: ['NetEventBindsComplete', 'NetEventPause', 'NetEventRestart'],
  NDIS_DEVICE_POWER_STATE: [
    'NdisDeviceStateUnspecified', 'NdisDeviceStateD0', 'NdisDeviceStateD1', 'NdisDeviceStateD2', 'NdisDeviceStateD3',
    'NdisDeviceStateMaximum',
  ],
  NDIS_REQUEST_TYPE: [
    'NdisRequestQueryInformation', 'NdisRequestSetInformation', 'NdisRequestQueryStatistics', 'NdisRequestOpen',
    'NdisRequestClose', 'NdisRequestSend', 'NdisRequestTransferData', 'NdisRequestReset', 'NdisRequestGeneric1',
    'NdisRequestGeneric2', 'NdisRequestGeneric3', 'NdisRequestGeneric4', 'NdisRequestMethod',
  ],
};

/** Statuses, OIDs, flags, revisions, sizes, other macros, and numbers without a name. */
const constants: readonly string[] = [
  'TCP_DISCONNECT_GRACEFUL_CLOSE', 'TCP_DISCONNECT_ABORTIVE_CLOSE', 'TCP_FLAG_TIMESTAMP_ENABLED',
  'TCP_FLAG_SACK_ENABLED', 'TCP_FLAG_WINDOW_SCALING_ENABLED', 'TCP_FLAG_KEEP_ALIVE_ENABLED',
  'TCP_FLAG_NAGLING_ENABLED', 'TCP_FLAG_KEEP_ALIVE_RESTART', 'TCP_FLAG_MAX_RT_RESTART', 'TCP_FLAG_UPDATE_RCV_WND',
  'NDIS_STATUS', 'NT_SUCCESS', 'NDIS_STATUS_SUCCESS', 'NDIS_STATUS_PENDING', 'NDIS_STATUS_NOT_ACCEPTED',
  'NDIS_STATUS_FAILURE', 'NDIS_STATUS_INVALID_PARAMETER', 'NDIS_STATUS_RESOURCES', 'NDIS_STATUS_NOT_SUPPORTED',
  'NDIS_STATUS_INVALID_STATE', 'NDIS_STATUS_CLOSING', 'NDIS_STATUS_BAD_VERSION', 'NDIS_STATUS_BAD_CHARACTERISTICS',
  'NDIS_STATUS_ADAPTER_NOT_FOUND', 'NDIS_STATUS_OPEN_FAILED', 'NDIS_STATUS_REQUEST_ABORTED',
  'NDIS_STATUS_RESET_IN_PROGRESS', 'NDIS_STATUS_INVALID_LENGTH', 'NDIS_STATUS_INVALID_DATA',
  'NDIS_STATUS_BUFFER_TOO_SHORT', 'NDIS_STATUS_INVALID_OID', 'NDIS_STATUS_ADAPTER_REMOVED',
  'NDIS_STATUS_SEND_ABORTED', 'NDIS_STATUS_PAUSED', 'NDIS_STATUS_UPLOAD_IN_PROGRESS', 'NDIS_STATUS_REQUEST_UPLOAD',
  'NDIS_STATUS_UPLOAD_REQUESTED', 'NDIS_STATUS_OFFLOAD_TCP_ENTRIES', 'NDIS_STATUS_OFFLOAD_PATH_ENTRIES',
  'NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES', 'NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES',
  'NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES', 'NDIS_STATUS_OFFLOAD_VLAN_ENTRIES',
  'NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER', 'NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER', 'NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW',
  'NDIS_STATUS_OFFLOAD_VLAN_MISMATCH', 'NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED', 'NDIS_STATUS_OFFLOAD_POLICY',
  'NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED', 'NDIS_STATUS_OFFLOAD_REQUEST_RESET',
  'NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED', 'STATUS_NDIS_OFFLOAD_PATH_REJECTED', 'NDIS_STATUS_OFFLOAD_PATH_MTU',
  'NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS', 'NDIS_STATUS_MEDIA_CONNECT', 'NDIS_STATUS_MEDIA_DISCONNECT',
  'NDIS_STATUS_OFFLOAD_PAUSE', 'NDIS_STATUS_UPLOAD_ALL', 'NDIS_STATUS_OFFLOAD_RESUME',
  'NDIS_STATUS_OFFLOAD_STATE_INVALID', 'NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG',
  'NDIS_STATUS_TASK_OFFLOAD_HARDWARE_CAPABILITIES', 'NDIS_STATUS_OFFLOAD_ENCASPULATION_CHANGE',
  'NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES', 'NDIS_STATUS_OFFLOAD_IM_RESERVED1',
  'NDIS_STATUS_OFFLOAD_IM_RESERVED2', 'NDIS_STATUS_OFFLOAD_IM_RESERVED3', 'NDIS_OID',
  'OID_GEN_CURRENT_PACKET_FILTER', 'OID_GEN_LINK_STATE', 'OID_GEN_STATISTICS', 'OID_OFFLOAD_ENCAPSULATION',
  'OID_TCP_TASK_OFFLOAD', 'OID_TCP4_OFFLOAD_STATS', 'OID_TCP6_OFFLOAD_STATS', 'OID_IP4_OFFLOAD_STATS',
  'OID_IP6_OFFLOAD_STATS', 'OID_TCP_OFFLOAD_CURRENT_CONFIG', 'OID_TCP_OFFLOAD_PARAMETERS',
  'OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES', 'OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG',
  'OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES', 'OID_TCP_CONNECTION_OFFLOAD_PARAMETERS', 'OID_PNP_SET_POWER',
  'OID_PNP_QUERY_POWER', 'NDIS_OBJECT_TYPE_DEFAULT',
  'NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS',
  'NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS',
  'NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS',
  'NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS', 'NDIS_OBJECT_TYPE_OID_REQUEST',
  'NDIS_OBJECT_TYPE_STATUS_INDICATION', 'NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES',
  'NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES', 'NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES',
  'NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION', 'type of NDIS_TCP_OFFLOAD_EVENT_HANDLERS',
  'NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1',
  'NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1',
  'NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1',
  'NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1',
  'revision of NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS',
  'size of NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS',
  'revision of NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS',
  'size of NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS', 'NDIS_OBJECT_TCP_OFFLOAD_REVISION_1',
  'NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1', 'revision of NDIS_MINIPORT_OFFLOAD_BLOCK_LIST',
  'size of NDIS_MINIPORT_OFFLOAD_BLOCK_LIST', 'NDIS_TCP_CONNECTION_OFFLOAD_REVISION_1',
  'NDIS_TCP_CONNECTION_OFFLOAD_REVISION_2', 'NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_1',
  'NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_2', 'NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1',
  'NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2', 'NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_1',
  'NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_2', 'NDIS_LINK_STATE_REVISION_1',
  'NDIS_SIZEOF_LINK_STATE_REVISION_1', 'NDIS_OFFLOAD_PARAMETERS_REVISION_1',
  'NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_1', 'NDIS_OFFLOAD_ENCAPSULATION_REVISION_1',
  'NDIS_SIZEOF_OFFLOAD_ENCAPSULATION_REVISION_1', 'NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1',
  'NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1',
  'NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2',
  'NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2',
  'NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1',
  'NDIS_SIZEOF_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1', 'NDIS_STATUS_INDICATION_REVISION_1',
  'NDIS_SIZEOF_STATUS_INDICATION_REVISION_1', 'NDIS_OID_REQUEST_REVISION_1', 'NDIS_SIZEOF_OID_REQUEST_REVISION_1',
  'size of OFFLOAD_STATE_HEADER', 'size of NEIGHBOR_OFFLOAD_STATE_CONST', 'size of NEIGHBOR_OFFLOAD_STATE_CACHED',
  'size of NEIGHBOR_OFFLOAD_STATE_DELEGATED', 'size of PATH_OFFLOAD_STATE_CONST',
  'size of PATH_OFFLOAD_STATE_CACHED', 'size of PATH_OFFLOAD_STATE_DELEGATED', 'size of TCP_OFFLOAD_STATE_CONST',
  'size of TCP_OFFLOAD_STATE_CACHED', 'size of TCP_OFFLOAD_STATE_DELEGATED', 'NDIS_ENCAPSULATION_NOT_SUPPORTED',
  'NDIS_ENCAPSULATION_NULL', 'NDIS_ENCAPSULATION_IEEE_802_3', 'NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q',
  'NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q_IN_OOB', 'NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED',
  'NDIS_OFFLOAD_NOT_SUPPORTED', 'NDIS_OFFLOAD_SUPPORTED', 'NDIS_OFFLOAD_SET_NO_CHANGE', 'NDIS_OFFLOAD_SET_ON',
  'NDIS_OFFLOAD_SET_OFF', 'NDIS_OFFLOAD_PARAMETERS_NO_CHANGE', 'NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED',
  'NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_ENABLED', 'NDIS_MINIPORT_ATTRIBUTES_HARDWARE_DEVICE',
  'NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK', 'NDIS_MINIPORT_ATTRIBUTES_NO_HALT_ON_SUSPEND',
  'NDIS_MINIPORT_ATTRIBUTES_NO_PAUSE_ON_SUSPEND', 'NDIS_PROTOCOL_ID_TCP_IP', 'NDIS_DEFAULT_PORT_NUMBER',
  'MEMORY_ALLOCATION_ALIGNMENT', 'NDIS_RECEIVE_FLAGS_RESOURCES', '*TCPConnectionOffloadIPv4',
  '*TCPConnectionOffloadIPv6', 'ticks per second: 10, 100 or 1000', 'ticks per second: default',
  'push timer: default', 'FIN_WAIT_2 timer: initial value', 'TimeoutDelta 0xFFFFFFFF: timer not running',
  'TimeoutDelta 0: timer due now', 'MaxRT 0xFFFFFFFF: no limit', 'MaxRT 0: unused', 'SRtt times 8', 'RttVar times 4',
  'backlog size 0xFFFFFFFF: unsupported', 'IPv4 identification of the target: 0x8000 to 0xFFFF',
  'IPv6 fragment identification of the target: upper half', 'blind reset: keepalive time',
  'blind reset: keepalive probes', 'blind reset: keepalive interval', 'blind reset: challenge ACK interval',
  'bytes of a MAC address field', 'unit of a NET_BUFFER_LIST context size',
];

/** Functions and macros for net buffers and MDLs. */
const netBuffers: readonly string[] = [
  'NdisAllocateNetBufferListPool', 'NdisFreeNetBufferListPool', 'NdisAllocateNetBufferAndNetBufferList',
  'NdisAllocateNetBuffer', 'NdisFreeNetBuffer', 'NdisFreeNetBufferList', 'NdisAllocateNetBufferListContext',
  'NdisFreeNetBufferListContext', 'NdisAdvanceNetBufferDataStart', 'NdisRetreatNetBufferDataStart',
  'NdisGetNetBufferListProtocolId', 'NdisMAllocateNetBufferSGList', 'NdisMFreeNetBufferSGList',
  'NET_BUFFER_LIST_INFO', 'NET_BUFFER_LIST_NEXT_NBL', 'NET_BUFFER_LIST_FIRST_NB', 'NET_BUFFER_LIST_FLAGS',
  'NET_BUFFER_LIST_NBL_FLAGS', 'NET_BUFFER_LIST_STATUS', 'NET_BUFFER_LIST_PROTOCOL_RESERVED',
  'NET_BUFFER_LIST_MINIPORT_RESERVED', 'NET_BUFFER_LIST_CONTEXT_DATA_START', 'NET_BUFFER_NEXT_NB',
  'NET_BUFFER_FIRST_MDL', 'NET_BUFFER_CURRENT_MDL', 'NET_BUFFER_CURRENT_MDL_OFFSET', 'NET_BUFFER_DATA_LENGTH',
  'NET_BUFFER_DATA_OFFSET', 'NET_BUFFER_CHECKSUM_BIAS', 'NET_BUFFER_PROTOCOL_RESERVED',
  'NET_BUFFER_MINIPORT_RESERVED', 'MmGetMdlByteCount', 'MmGetMdlByteOffset', 'MmGetMdlVirtualAddress',
  'MmGetSystemAddressForMdlSafe',
];

/** Functions and entries of base NDIS. */
const lifeCycle: readonly string[] = [
  'NdisMRegisterMiniportDriver', 'NdisMDeregisterMiniportDriver', 'NdisRegisterProtocolDriver',
  'NdisDeregisterProtocolDriver', 'NdisIMAssociateMiniport', 'NdisIMInitializeDeviceInstanceEx',
  'NdisIMCancelInitializeDeviceInstance', 'NdisIMDeInitializeDeviceInstance', 'NdisOpenAdapterEx',
  'NdisCloseAdapterEx', 'NdisCompleteBindAdapterEx', 'NdisCompleteUnbindAdapterEx', 'NdisCompleteNetPnPEvent',
  'NdisMSetMiniportAttributes', 'NdisMPauseComplete', 'NdisMRestartComplete', 'NdisMIndicateStatusEx',
  'NdisOidRequest', 'NdisMOidRequestComplete', 'NdisSendNetBufferLists', 'NdisMSendNetBufferListsComplete',
  'NdisMIndicateReceiveNetBufferLists', 'NdisReturnNetBufferLists', 'NDIS_INTERMEDIATE_DRIVER', 'MiniportSetOptions',
  'MiniportInitializeEx', 'MiniportRestart', 'MiniportPause', 'MiniportHaltEx', 'MiniportDriverUnload',
  'MiniportOidRequest', 'MiniportSendNetBufferLists', 'MiniportReturnNetBufferLists', 'ProtocolSetOptions',
  'ProtocolBindAdapterEx', 'ProtocolOpenAdapterCompleteEx', 'ProtocolUnbindAdapterEx',
  'ProtocolCloseAdapterCompleteEx', 'ProtocolNetPnPEvent', 'ProtocolStatusEx', 'ProtocolOidRequestComplete',
  'ProtocolSendNetBufferListsComplete', 'ProtocolReceiveNetBufferLists', 'SET_OPTIONS', 'MINIPORT_INITIALIZE',
  'MINIPORT_RESTART', 'MINIPORT_PAUSE', 'MINIPORT_HALT', 'MINIPORT_UNLOAD', 'MINIPORT_OID_REQUEST',
  'MINIPORT_SEND_NET_BUFFER_LISTS', 'MINIPORT_RETURN_NET_BUFFER_LISTS', 'PROTOCOL_BIND_ADAPTER_EX',
  'PROTOCOL_OPEN_ADAPTER_COMPLETE_EX', 'PROTOCOL_UNBIND_ADAPTER_EX', 'PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX',
  'PROTOCOL_NET_PNP_EVENT', 'PROTOCOL_STATUS_EX', 'PROTOCOL_OID_REQUEST_COMPLETE',
  'PROTOCOL_SEND_NET_BUFFER_LISTS_COMPLETE', 'PROTOCOL_RECEIVE_NET_BUFFER_LISTS', 'KeGetCurrentIrql', 'KIRQL',
  'PASSIVE_LEVEL', 'DISPATCH_LEVEL', 'KDPC', 'KeInsertQueueDpc', 'KeRemoveQueueDpc', 'CONTAINING_RECORD',
];

/** Words of the documentation that stand for something here. */
const terms: readonly string[] = [
  'host stack', 'intermediate driver', 'offload target', 'offload block list', 'state tree',
  'depth-first, breadth-next traversal', 'layer', 'state structures behind a block',
  'placeholder, linker, new offload', 'offload context area', 'TCB', 'IM offload entry', 'IM call entry',
  'reusing an NDIS_MINIPORT_OFFLOAD_BLOCK_LIST', 'reusing an NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST',
  'information stored in the NET_BUFFER_LIST_CONTEXT', 'NdisXxxOffload', 'MiniportXxxOffload',
  'NdisMXxxOffloadComplete', 'ProtocolXxxOffloadComplete', 'NdisOffloadTcpXxx', 'MiniportTcpOffloadXxx',
  'ProtocolTcpOffloadXxxComplete', 'MiniportXxx', 'ProtocolXxx', 'XXX_OFFLOAD_STATE_DELEGATED',
];

/** Slips and older spellings of the pages, and the names they stand for. */
export const aliases: Readonly<Record<string, readonly string[]>> = {
  NdisOffloadTcpSendComplete: ['NdisTcpOffloadSendComplete'],
  NdisOffloadTcpReceiveComplete: ['NdisTcpOffloadReceiveComplete'],
  NdisOffloadTcpDisconnectComplete: ['NdisTcpOffloadDisconnectComplete'],
  NdisOffloadTcpForwardComplete: ['NdisTcpOffloadForwardComplete'],
  NdisOffloadTcpXxxComplete: [
    'NdisTcpOffloadSendComplete', 'NdisTcpOffloadReceiveComplete', 'NdisTcpOffloadDisconnectComplete',
    'NdisTcpOffloadForwardComplete',
  ],
  NdisMXxxComplete: [
    'NdisTcpOffloadSendComplete', 'NdisTcpOffloadReceiveComplete', 'NdisTcpOffloadDisconnectComplete',
    'NdisTcpOffloadForwardComplete',
  ],
  NdisTcpOffloadReceiveIndicate: ['NdisTcpOffloadReceiveHandler'],
  NdisTcpOffloadEventIndicate: ['NdisTcpOffloadEventHandler'],
  NdisMIndicateStatus: ['NdisMIndicateStatusEx'],
  NdisQueryOffload: ['NdisQueryOffloadState'],
  NdisMQueryOffloadComplete: ['NdisMQueryOffloadStateComplete'],
  MiniportTcpSendOffload: ['MiniportTcpOffloadSend'],
  MiniportOffloadTcpXxx: [
    'MiniportTcpOffloadSend', 'MiniportTcpOffloadReceive', 'MiniportTcpOffloadDisconnect',
    'MiniportTcpOffloadForward', 'MiniportTcpOffloadReceiveReturn',
  ],
  MiniportRequest: ['MiniportOidRequest'],
  ProtocolOffloadSendComplete: ['ProtocolTcpOffloadSendComplete'],
  ProtocolOffloadReceiveComplete: ['ProtocolTcpOffloadReceiveComplete'],
  ProtocolOffloadDisconnectComplete: ['ProtocolTcpOffloadDisconnectComplete'],
  ProtocolOffloadForwardComplete: ['ProtocolTcpOffloadForwardComplete'],
  PROTOCOL_MINIPORT_OFFLOAD_BLOCK_LIST: ['NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST'],
  NEIGHBOR_OFFLOAD_STATE_DELGATED: ['NEIGHBOR_OFFLOAD_STATE_DELEGATED'],
  NextBlockList: ['NDIS_MINIPORT_OFFLOAD_BLOCK_LIST.NextBlock'],
  DISourceAddress: ['NEIGHBOR_OFFLOAD_STATE_CONST.DlSourceAddress'],
  'NEIGHBOR_OFFLOAD_STATE_CACHED.DestinationAddress': ['NEIGHBOR_OFFLOAD_STATE_CACHED.DlDestinationAddress'],
  SndWL1: ['TCP_OFFLOAD_STATE_DELEGATED.SendWL1'],
  RcvNext: ['TCP_OFFLOAD_STATE_DELEGATED.RcvNxt'],
  KeepaliveProbeCount: ['TCP_OFFLOAD_STATE_DELEGATED.KeepAlive.ProbeCount'],
  KeepaliveTimeoutDelta: ['TCP_OFFLOAD_STATE_DELEGATED.KeepAlive.TimeoutDelta'],
  HRD: ['NEIGHBOR_OFFLOAD_STATE_CACHED.HostReachabilityDelta'],
  NRD: ['NEIGHBOR_OFFLOAD_STATE_DELEGATED.NicReachabilityDelta'],
  NCEStaleTicks: ['NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS.NceStaleTicks'],
  SupportIp4: ['NDIS_TCP_CONNECTION_OFFLOAD.SupportIPv4'],
  SupportIp6: ['NDIS_TCP_CONNECTION_OFFLOAD.SupportIPv6'],
  SupportIp6ExtensionHeaders: ['NDIS_TCP_CONNECTION_OFFLOAD.SupportIPv6ExtensionHeaders'],
  SupportISack: ['NDIS_TCP_CONNECTION_OFFLOAD.SupportSack'],
  NoBufferProposting: ['NoBufferPreposting'],
  HighOutofOrderPackets: ['HighOutOfOrderPackets'],
  NDIS_STATUS_REQUEST_ABORT: ['NDIS_STATUS_REQUEST_ABORTED'],
  NDIS_STATUS_ABORTED: ['NDIS_STATUS_REQUEST_ABORTED'],
  NDIS_STATUS_PARTIAL_SUCCESS: ['NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS'],
  NDIS_STATUS_OFFLOAD_VLAN_TAG_ENTRIES: ['NDIS_STATUS_OFFLOAD_VLAN_ENTRIES'],
  NDIS_STATUS_VLAN_MISMATCH: ['NDIS_STATUS_OFFLOAD_VLAN_MISMATCH'],
  STATUS_SUCCESS: ['NDIS_STATUS_SUCCESS'],
  STATUS_NOT_SUPPORTED: ['NDIS_STATUS_NOT_SUPPORTED'],
  NdisReserved2: ['NET_BUFFER_LIST.Status'],
  PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST: ['NDIS_MINIPORT_OFFLOAD_BLOCK_LIST'],
  PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST: ['NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST'],
  PNDIS_OFFLOAD_BLOCK_LIST: ['NDIS_MINIPORT_OFFLOAD_BLOCK_LIST'],
  PNDIS_OFFLOAD_HANDLE: ['NDIS_OFFLOAD_HANDLE'],
  PNET_BUFFER_LIST: ['NET_BUFFER_LIST'],
  PNDIS_DRIVER_OPTIONAL_HANDLERS: ['NDIS_DRIVER_OPTIONAL_HANDLERS'],
  PNDIS_OFFLOAD_EVENT_HANDLERS: ['NDIS_TCP_OFFLOAD_EVENT_HANDLERS'],
  PNDIS_TCP_OFFLOAD_EVENT_HANDLERS: ['NDIS_TCP_OFFLOAD_EVENT_HANDLERS'],
};

/** Names without a counterpart. */
const notModelled: readonly string[] = [
  'NDIS_TCP_OFFLOAD_CLIENT_HANDLERS', 'NDIS_OFFLOAD_CLIENT_HANDLERS', 'NDIS_OFFLOAD_EVENT_HANDLERS',
  'NDIS_OFFLOAD_HANDLE_PRIVATE', 'NDIS_OFFLOAD_HANDLE_PRIVATE.ProtocolBindingContext', 'TCP_OFFLOAD_RESOURCE_STATE',
  'NDIS_TASK_OFFLOAD_HEADER', 'NDIS_TASK_OFFLOAD',
  'NDIS_TASK_TCP_CONNECTION_OFFLOAD', 'NDIS_OFFLOAD', 'NicOffload', 'NicQuery', 'HostReachabilityTime',
  'NICReachabilityTime', 'HRT', 'NRT', 'NCT', 'NicTime', 'NicDelta', 'StackTime', 'StackDelta', 'TsEchoed',
  'OID_GEN_RECEIVE_SCALE_PARAMETERS', 'DriverEntry', 'NDIS_HANDLE', 'NDIS_PORT_NUMBER', 'NdisMAllocatePort', 'VOID',
  'PVOID', 'UCHAR', 'USHORT', 'ULONG', 'PULONG', 'SIZE_T', 'ULONG64', 'NET_BUFFER.stDataLength', 'NET_BUFFER.Link',
  'NET_BUFFER.NetBufferHeader', 'NET_BUFFER.Reserved', 'NET_BUFFER.DataPhysicalAddress',
  'NET_BUFFER.SharedMemoryInfo', 'NET_BUFFER_DATA', 'NET_BUFFER_HEADER', 'NET_BUFFER_DATA_PHYSICAL_ADDRESS',
  'NET_BUFFER_LIST.Link', 'NET_BUFFER_LIST.NetBufferListHeader', 'NET_BUFFER_LIST_CONTEXT.Size',
  'NET_BUFFER_LIST_CONTEXT.Offset', 'NET_BUFFER_LIST_CONTEXT_DATA_SIZE', 'ContextSize', 'ContextBackFill',
  'NET_BUFFER_LIST_POOL_PARAMETERS.Header', 'NET_BUFFER_LIST_POOL_PARAMETERS.Flags',
  'NET_BUFFER_LIST_POOL_PARAMETERS.PoolTag', 'NET_BUFFER_LIST_POOL_PARAMETERS.ContextSize',
  'NET_BUFFER_LIST_POOL_PARAMETERS.DataSize', 'NET_BUFFER_LIST_POOL_PARAMETERS.fAllocateNetBuffer',
  'SCATTER_GATHER_LIST.Reserved', 'SCATTER_GATHER_ELEMENT.Reserved', 'NDIS_SG_LIST_WRITE_TO_DEVICE',
  'MiniportProcessSGList', 'NDIS_STATUS_INDICATION.Guid', 'NDIS_STATUS_INDICATION.NdisReserved',
  'NDIS_OID_REQUEST.DATA.METHOD_INFORMATION', 'NDIS_OID_REQUEST.Reserved1', 'NDIS_OID_REQUEST.Reserved2',
];

/** Constants of `types` that are this project's own: no page has a name or a number for them. */
export const sdkConstants: readonly string[] = [
  'DDI_CROSSING', 'OFFLOAD_HANDLE_STATE', 'OFFLOAD_TARGET_API_VERSION',
];

const withMembers = (groups: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(groups).flatMap(([name, members]) => [name, ...members.map((member) => `${name}.${member}`)]);

const withConstants = (groups: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(groups).flatMap(([name, members]) => [name, ...members]);

/** Every name, by the heading of the map that it belongs under. A member of a structure has the structure's name in front. */
export const ddiNames: ReadonlyMap<string, readonly string[]> = new Map([
  ['Functions', functions],
  ['Entries and callbacks', entries],
  ['Handles, contexts and parameters', parameters],
  ['Structures', withMembers(structures)],
  ['Constants', [...withConstants(enumerations), ...constants]],
  ['Net buffers', netBuffers],
  ['Life cycle', lifeCycle],
  ['Terms', terms],
  ['Aliases', Object.keys(aliases)],
  ['Not modelled', notModelled],
]);
