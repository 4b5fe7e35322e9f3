import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TCP_FLAG_NAGLING_ENABLED,
  TCP_FLAG_SACK_ENABLED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  TIMEOUT_DELTA_NOT_RUNNING,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

/** Two bytes below the wrap of the sequence numbers: arithmetic that is not modulo 2^32 does not survive it. */
export const START_SEQ = -2;

/** State of a neighbor that was confirmed to be reachable just now. */
export function neighborState(): NeighborOffloadState {
  const cached = new NeighborOffloadStateCached();
  cached.dlDestinationAddress.set([2, 0, 0, 0, 0, 2]);
  cached.hostReachabilityDelta = 1;
  return new OffloadBlockState(new NeighborOffloadStateConst(), cached, new NeighborOffloadStateDelegated());
}

/** State of a path from 192.0.2.1 to 192.0.2.2, or from 2001:db8::1 to 2001:db8::2, with an Ethernet MTU. */
export function pathState(isIPv6 = false): PathOffloadState {
  const constant = new PathOffloadStateConst();
  constant.sourceAddress = documentationAddress(isIPv6, 1);
  constant.destinationAddress = documentationAddress(isIPv6, 2);
  const cached = new PathOffloadStateCached();
  cached.pathMtu = 1500;
  return new OffloadBlockState(constant, cached, new PathOffloadStateDelegated());
}

/** An address of the blocks that are set aside for documentation: RFC 5737 section 3, RFC 3849 section 2. */
function documentationAddress(isIPv6: boolean, last: number): Uint8Array<ArrayBuffer> {
  return isIPv6 ? Uint8Array.of(0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last) : Uint8Array.of(192, 0, 2, last);
}

/** State of an established, idle connection whose sequence numbers are about to wrap. */
export function tcpState(): TcpOffloadState {
  const constant = new TcpOffloadStateConst();
  constant.flags = TCP_FLAG_SACK_ENABLED;
  constant.localPort = 49_152;
  constant.remotePort = 80;
  constant.remoteMss = 1460;
  const cached = new TcpOffloadStateCached();
  cached.flags = TCP_FLAG_NAGLING_ENABLED;
  cached.initialRcvWnd = 65_536;
  cached.ttlOrHopLimit = 64;
  const delegated = new TcpOffloadStateDelegated();
  delegated.state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
  delegated.rcvNxt = START_SEQ;
  delegated.rcvWnd = 65_536;
  delegated.sndUna = START_SEQ;
  delegated.sndNxt = START_SEQ;
  delegated.sndMax = START_SEQ;
  delegated.sndWnd = 65_536;
  delegated.maxSndWnd = 65_536;
  delegated.sendWL1 = START_SEQ;
  delegated.cWnd = 14_600;
  delegated.ssThresh = 65_536;
  delegated.keepAlive.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  delegated.retransmit.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  return new OffloadBlockState(constant, cached, delegated);
}
