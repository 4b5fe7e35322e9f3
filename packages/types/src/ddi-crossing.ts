/** One kind of edge crossing: the function one driver calls and the function the next driver has for it. */
export interface DdiCrossing {
  /** Short name, the same going down and coming back. */
  readonly operation: string;
  /** `down` from host to target, `up` from target to host. */
  readonly direction: 'down' | 'up';
  /** The NDIS function the caller calls. */
  readonly call: string;
  /** The driver function NDIS calls in response. */
  readonly entry: string;
  /** What crosses. */
  readonly carries: 'nbl' | 'block' | 'handle' | 'status' | 'oid';
}

const crossing = (
  operation: string,
  direction: DdiCrossing['direction'],
  call: string,
  entry: string,
  carries: DdiCrossing['carries'],
): DdiCrossing => ({ operation, direction, call, entry, carries });

/** The methods that cross an edge. */
export type DdiCrossingName =
  | 'initiateOffload'
  | 'terminateOffload'
  | 'updateOffload'
  | 'invalidateOffload'
  | 'queryOffloadState'
  | 'initiateOffloadComplete'
  | 'terminateOffloadComplete'
  | 'updateOffloadComplete'
  | 'invalidateOffloadComplete'
  | 'queryOffloadStateComplete'
  | 'offloadTcpSend'
  | 'offloadTcpReceive'
  | 'offloadTcpDisconnect'
  | 'offloadTcpForward'
  | 'offloadTcpReceiveReturn'
  | 'tcpOffloadSendComplete'
  | 'tcpOffloadReceiveComplete'
  | 'tcpOffloadDisconnectComplete'
  | 'tcpOffloadForwardComplete'
  | 'tcpOffloadReceiveHandler'
  | 'tcpOffloadEventHandler'
  | 'offloadEventIndicate'
  | 'indicateStatusEx'
  | 'sendNetBufferLists'
  | 'sendNetBufferListsComplete'
  | 'indicateReceiveNetBufferLists'
  | 'returnNetBufferLists'
  | 'oidRequest'
  | 'oidRequestComplete';

/** Every crossing there is, by the name of the method that makes it. Compare the objects, or print their names. */
export const DDI_CROSSING: Readonly<Record<DdiCrossingName, DdiCrossing>> = {
  initiateOffload: crossing('InitiateOffload', 'down', 'NdisInitiateOffload', 'MiniportInitiateOffload', 'block'),
  terminateOffload: crossing('TerminateOffload', 'down', 'NdisTerminateOffload', 'MiniportTerminateOffload', 'block'),
  updateOffload: crossing('UpdateOffload', 'down', 'NdisUpdateOffload', 'MiniportUpdateOffload', 'block'),
  invalidateOffload: crossing('InvalidateOffload', 'down', 'NdisInvalidateOffload', 'MiniportInvalidateOffload', 'block'),
  queryOffloadState: crossing('QueryOffload', 'down', 'NdisQueryOffloadState', 'MiniportQueryOffload', 'block'),
  initiateOffloadComplete: crossing('InitiateOffload', 'up', 'NdisMInitiateOffloadComplete', 'ProtocolInitiateOffloadComplete', 'block'),
  terminateOffloadComplete: crossing('TerminateOffload', 'up', 'NdisMTerminateOffloadComplete', 'ProtocolTerminateOffloadComplete', 'block'),
  updateOffloadComplete: crossing('UpdateOffload', 'up', 'NdisMUpdateOffloadComplete', 'ProtocolUpdateOffloadComplete', 'block'),
  invalidateOffloadComplete: crossing('InvalidateOffload', 'up', 'NdisMInvalidateOffloadComplete', 'ProtocolInvalidateOffloadComplete', 'block'),
  queryOffloadStateComplete: crossing('QueryOffload', 'up', 'NdisMQueryOffloadStateComplete', 'ProtocolQueryOffloadComplete', 'block'),
  offloadTcpSend: crossing('TcpOffloadSend', 'down', 'NdisOffloadTcpSend', 'MiniportTcpOffloadSend', 'nbl'),
  offloadTcpReceive: crossing('TcpOffloadReceive', 'down', 'NdisOffloadTcpReceive', 'MiniportTcpOffloadReceive', 'nbl'),
  offloadTcpDisconnect: crossing('TcpOffloadDisconnect', 'down', 'NdisOffloadTcpDisconnect', 'MiniportTcpOffloadDisconnect', 'nbl'),
  offloadTcpForward: crossing('TcpOffloadForward', 'down', 'NdisOffloadTcpForward', 'MiniportTcpOffloadForward', 'nbl'),
  offloadTcpReceiveReturn: crossing('TcpOffloadReceiveReturn', 'down', 'NdisOffloadTcpReceiveReturn', 'MiniportTcpOffloadReceiveReturn', 'nbl'),
  tcpOffloadSendComplete: crossing('TcpOffloadSend', 'up', 'NdisTcpOffloadSendComplete', 'ProtocolTcpOffloadSendComplete', 'nbl'),
  tcpOffloadReceiveComplete: crossing('TcpOffloadReceive', 'up', 'NdisTcpOffloadReceiveComplete', 'ProtocolTcpOffloadReceiveComplete', 'nbl'),
  tcpOffloadDisconnectComplete: crossing('TcpOffloadDisconnect', 'up', 'NdisTcpOffloadDisconnectComplete', 'ProtocolTcpOffloadDisconnectComplete', 'nbl'),
  tcpOffloadForwardComplete: crossing('TcpOffloadForward', 'up', 'NdisTcpOffloadForwardComplete', 'ProtocolTcpOffloadForwardComplete', 'nbl'),
  tcpOffloadReceiveHandler: crossing('TcpOffloadReceiveIndicate', 'up', 'NdisTcpOffloadReceiveHandler', 'ProtocolTcpOffloadReceiveIndicate', 'nbl'),
  tcpOffloadEventHandler: crossing('TcpOffloadEvent', 'up', 'NdisTcpOffloadEventHandler', 'ProtocolTcpOffloadEvent', 'handle'),
  offloadEventIndicate: crossing('IndicateOffloadEvent', 'up', 'NdisMOffloadEventIndicate', 'ProtocolIndicateOffloadEvent', 'block'),
  indicateStatusEx: crossing('IndicateStatus', 'up', 'NdisMIndicateStatusEx', 'ProtocolStatusEx', 'status'),
  sendNetBufferLists: crossing('SendNetBufferLists', 'down', 'NdisSendNetBufferLists', 'MiniportSendNetBufferLists', 'nbl'),
  sendNetBufferListsComplete: crossing('SendNetBufferLists', 'up', 'NdisMSendNetBufferListsComplete', 'ProtocolSendNetBufferListsComplete', 'nbl'),
  indicateReceiveNetBufferLists: crossing('ReceiveNetBufferLists', 'up', 'NdisMIndicateReceiveNetBufferLists', 'ProtocolReceiveNetBufferLists', 'nbl'),
  returnNetBufferLists: crossing('ReturnNetBufferLists', 'down', 'NdisReturnNetBufferLists', 'MiniportReturnNetBufferLists', 'nbl'),
  oidRequest: crossing('OidRequest', 'down', 'NdisOidRequest', 'MiniportOidRequest', 'oid'),
  oidRequestComplete: crossing('OidRequest', 'up', 'NdisMOidRequestComplete', 'ProtocolOidRequestComplete', 'oid'),
};
