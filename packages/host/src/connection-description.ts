import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TCP_FLAG_NAGLING_ENABLED,
  TCP_FLAG_SACK_ENABLED,
  TCP_FLAG_TIMESTAMP_ENABLED,
  TCP_FLAG_WINDOW_SCALING_ENABLED,
  TCP_OFFLOAD_CONNECTION_STATE,
  TIMEOUT_DELTA_NOT_RUNNING,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import ipaddr from 'ipaddr.js';

import { writeRoundTrip, type RoundTrip } from './ticks.ts';

/** One end of a TCP connection. */
export interface Endpoint {
  /** `192.0.2.1`, `2001:db8::1`, or the 4 or 16 bytes of either. */
  readonly address: string | Uint8Array<ArrayBufferLike>;
  readonly port: number;
}

/** What a host has to say about a connection it offers; everything but the two ends has a default. */
export interface ConnectionDescription {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** MAC address of the next hop, 6 bytes. Default: a locally administered one. */
  readonly nextHopMac?: Uint8Array<ArrayBufferLike>;
  /** Bytes. Default 1500. */
  readonly pathMtu?: number;
  /** Next sequence number to send, int32. The host's initial one in a connection just established. */
  readonly sndNxt?: number;
  /** Next sequence number expected from the peer, int32. */
  readonly rcvNxt?: number;
  /** Receive window, bytes. Default 262144. */
  readonly rcvWnd?: number;
  /** Send window, bytes. Default 262144. */
  readonly sndWnd?: number;
  /** The peer's MSS, bytes. Default 1460. */
  readonly remoteMss?: number;
  /** Best size of an indication, bytes; 0 lets the target indicate as much as it has. Default 0. */
  readonly rcvIndicationSize?: number;
  /** State of the connection. Default TcpConnectionEstablished. */
  readonly tcpState?: TCP_OFFLOAD_CONNECTION_STATE;
  /** First sequence number not acknowledged, int32: that of the first byte of `sendData`. Default `sndNxt`. */
  readonly sndUna?: number;
  /** Highest sequence number sent, int32. Default `sndNxt`. */
  readonly sndMax?: number;
  /** Data from `sndUna` on: what was sent and not acknowledged, then what was not sent yet. Default: none. */
  readonly sendData?: readonly Uint8Array<ArrayBufferLike>[];
  /** Received data that nobody has read, ending just before `rcvNxt`. Default: none. */
  readonly bufferedData?: Uint8Array<ArrayBufferLike>;
  /** Smoothed round-trip time and its variation, ticks. Default: none measured. */
  readonly roundTrip?: RoundTrip;
  /** Timestamps were negotiated (RFC 7323). Default false. */
  readonly timestamps?: boolean;
  /** SACK was negotiated (RFC 2018). Default false. */
  readonly sack?: boolean;
  /** Shifts of the windows, when window scaling was negotiated. Default: it was not. */
  readonly windowScale?: { readonly snd: number; readonly rcv: number };
  /** VLAN of the next hop, 12 bits. Default 0. */
  readonly vlanId?: number;
  /** Ticks since the next hop was last known to be reachable. Default 0: just now. */
  readonly reachableTicksAgo?: number;
}

/** The three layers of state that a connection is offloaded with, and its data in flight. */
export interface ConnectionState {
  /** Ip4OffloadState or Ip6OffloadState: the type of the path block. */
  readonly pathType: typeof OFFLOAD_STATE_TYPE.Ip4OffloadState | typeof OFFLOAD_STATE_TYPE.Ip6OffloadState;
  readonly neighbor: NeighborOffloadState;
  readonly path: PathOffloadState;
  readonly tcp: TcpOffloadState;
  /**
   * Data to be sent, beginning at `sndUna`. The bytes are lent until the sends of `ChimneyConnection.inheritedSends` have
   * ended.
   */
  readonly sendData?: readonly Uint8Array<ArrayBufferLike>[];
  /** Received and acknowledged data that nobody has read, ending at `rcvNxt`. The target copies it. */
  readonly bufferedData?: Uint8Array<ArrayBufferLike>;
  /** StackDelta: what the host adds to its clock for the connection's timestamps, ticks. 0 before the first offload. */
  readonly stackDelta?: number;
  /**
   * When the state was taken back, in milliseconds of the clock of the host's NDIS: timers have gone on since. Leave it
   * out for a host with another clock.
   */
  readonly uploadedAtMs?: number;
}

const DEFAULT_WINDOW_BYTES = 262_144;
const DEFAULT_MSS_BYTES = 1460;
const DEFAULT_MTU_BYTES = 1500;
const DEFAULT_TTL = 128;
const INITIAL_SEGMENTS = 10;

/**
 * Builds the state of a connection, by default in ESTABLISHED with nothing in flight, ready to be offloaded.
 * @throws TypeError when an address, a port or a MAC address is not one.
 */
export function describeConnection(description: ConnectionDescription): ConnectionState {
  const source = addressBytes(description.local.address, 'local.address');
  const destination = addressBytes(description.remote.address, 'remote.address');
  if (source.length !== destination.length) throw new TypeError('describeConnection: one end is IPv4 and the other IPv6');
  return {
    pathType: source.length === 4 ? OFFLOAD_STATE_TYPE.Ip4OffloadState : OFFLOAD_STATE_TYPE.Ip6OffloadState,
    neighbor: neighborState(description),
    path: pathState(description, source, destination),
    tcp: tcpState(description),
    ...(description.sendData !== undefined && { sendData: description.sendData }),
    ...(description.bufferedData !== undefined && { bufferedData: description.bufferedData }),
  };
}

function neighborState(description: ConnectionDescription): NeighborOffloadState {
  const cached = new NeighborOffloadStateCached();
  const mac = description.nextHopMac ?? Uint8Array.of(0x02, 0, 0, 0, 0, 1);
  if (mac.length !== 6) throw new TypeError(`describeConnection: nextHopMac has ${mac.length} bytes, not 6`);
  cached.dlDestinationAddress.set(mac);
  cached.hostReachabilityDelta = (description.reachableTicksAgo ?? 0) | 0;
  const constant = new NeighborOffloadStateConst();
  constant.vlanId = description.vlanId ?? 0;
  if (!Number.isInteger(constant.vlanId) || constant.vlanId < 0 || constant.vlanId > 0xFFF) throw new TypeError(`describeConnection: vlanId is ${constant.vlanId}, not a VLAN`);
  return new OffloadBlockState(constant, cached, new NeighborOffloadStateDelegated());
}

function pathState(description: ConnectionDescription, source: Uint8Array, destination: Uint8Array): PathOffloadState {
  const constant = new PathOffloadStateConst();
  constant.sourceAddress = source;
  constant.destinationAddress = destination;
  const cached = new PathOffloadStateCached();
  cached.pathMtu = description.pathMtu ?? DEFAULT_MTU_BYTES;
  return new OffloadBlockState(constant, cached, new PathOffloadStateDelegated());
}

function tcpState(description: ConnectionDescription): TcpOffloadState {
  const constant = new TcpOffloadStateConst();
  constant.localPort = port(description.local.port, 'local.port');
  constant.remotePort = port(description.remote.port, 'remote.port');
  constant.remoteMss = description.remoteMss ?? DEFAULT_MSS_BYTES;
  if (description.timestamps === true) constant.flags |= TCP_FLAG_TIMESTAMP_ENABLED;
  if (description.sack === true) constant.flags |= TCP_FLAG_SACK_ENABLED;
  if (description.windowScale !== undefined) {
    constant.flags |= TCP_FLAG_WINDOW_SCALING_ENABLED;
    constant.sndWindScale = description.windowScale.snd;
    constant.rcvWindScale = description.windowScale.rcv;
  }

  const cached = new TcpOffloadStateCached();
  cached.flags = TCP_FLAG_NAGLING_ENABLED;
  cached.initialRcvWnd = description.rcvWnd ?? DEFAULT_WINDOW_BYTES;
  cached.rcvIndicationSize = description.rcvIndicationSize ?? 0;
  cached.ttlOrHopLimit = DEFAULT_TTL;

  const delegated = new TcpOffloadStateDelegated();
  const sndNxt = (description.sndNxt ?? 1) | 0;
  delegated.state = description.tcpState ?? TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
  delegated.rcvNxt = (description.rcvNxt ?? 1) | 0;
  delegated.rcvWnd = cached.initialRcvWnd;
  delegated.sndUna = (description.sndUna ?? sndNxt) | 0;
  delegated.sndNxt = sndNxt;
  delegated.sndMax = (description.sndMax ?? sndNxt) | 0;
  delegated.sndWnd = description.sndWnd ?? DEFAULT_WINDOW_BYTES;
  delegated.maxSndWnd = delegated.sndWnd;
  // RFC 5681 section 3.1 with the initial window of RFC 6928 section 2.
  delegated.cWnd = INITIAL_SEGMENTS * constant.remoteMss;
  delegated.ssThresh = delegated.sndWnd;
  if (description.roundTrip !== undefined) writeRoundTrip(delegated, description.roundTrip);
  delegated.keepAlive.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  delegated.retransmit.timeoutDelta = TIMEOUT_DELTA_NOT_RUNNING;
  return new OffloadBlockState(constant, cached, delegated);
}

function addressBytes(address: string | Uint8Array<ArrayBufferLike>, what: string): Uint8Array {
  if (typeof address === 'string') {
    const isAddress = ipaddr.IPv4.isValidFourPartDecimal(address) || (ipaddr.IPv6.isValid(address) && !address.includes('%'));
    if (!isAddress) throw new TypeError(`describeConnection: ${what} is ${JSON.stringify(address)}, not an IP address`);
    return Uint8Array.from(ipaddr.parse(address).toByteArray());
  }
  if (address.length !== 4 && address.length !== 16) throw new TypeError(`describeConnection: ${what} has ${address.length} bytes, not 4 or 16`);
  return Uint8Array.from(address);
}

function port(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new TypeError(`describeConnection: ${what} is ${value}, not a port`);
  return value;
}
