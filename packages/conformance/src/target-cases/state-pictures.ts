import {
  OffloadBlockState,
  OFFLOAD_STATE_TYPE,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TCP_FLAG_KEEP_ALIVE_RESTART,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_SACK_ENABLED,
  TCP_FLAG_TIMESTAMP_ENABLED,
  TCP_FLAG_UPDATE_RCV_WND,
  TCP_FLAG_WINDOW_SCALING_ENABLED,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  offloadLayerOf,
  type NeighborOffloadState,
  type OffloadHandle,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { present } from '../probes/present.ts';

/** Members of a state structure and their values, for comparison. */
export type Picture = Readonly<Record<string, unknown>>;

/** Flags of the cached state that are commands of an update: whether they are reported afterwards is nobody's business. */
const COMMANDS = TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND;

/** Every member of a connection's constant state. */
export function pictureOfConst({ const: state }: TcpOffloadState): Picture {
  const { flags, remotePort, localPort, sndWindScale, rcvWindScale, remoteMss, hashValue } = present(state);
  return { flags, remotePort, localPort, sndWindScale, rcvWindScale, remoteMss, hashValue };
}

/** Every member of a connection's cached state. */
export function pictureOfCached({ cached }: TcpOffloadState): Picture {
  const { flags, initialRcvWnd, rcvIndicationSize, kaProbeCount, kaTimeout, kaInterval, maxRT, flowLabel, ttlOrHopLimit, tosOrTrafficClass, userPriority } = present(cached);
  return { flags: flags & ~COMMANDS, initialRcvWnd, rcvIndicationSize, kaProbeCount, kaTimeout, kaInterval, maxRT, flowLabel, ttlOrHopLimit, tosOrTrafficClass, userPriority };
}

/** What does not change of an idle connection's delegated state while no time passes, but for what is the target's own: its window and its clock. */
export function pictureOfDelegated({ delegated }: TcpOffloadState): Picture {
  const { state, rcvNxt, sndUna, sndNxt, sndMax, sndWnd, maxSndWnd, sendWL1, cWnd, ssThresh, sRtt, rttVar, tsRecent, totalRT, dupAckCount, sndWndProbeCount, keepAlive, retransmit } = present(delegated);
  const timers = [keepAlive.probeCount, keepAlive.timeoutDelta, retransmit.count, retransmit.timeoutDelta];
  return { state, rcvNxt, sndUna, sndNxt, sndMax, sndWnd, maxSndWnd, sendWL1, cWnd, ssThresh, sRtt, rttVar, tsRecent, totalRT, dupAckCount, sndWndProbeCount, timers };
}

/** Gives every member of a connection's state a value of its own that an idle connection can have, up to the limits of its bits. */
export function fillTcp({ const: constant, cached, delegated }: TcpOffloadState, seed = 0): void {
  Object.assign(present(constant), {
    flags: TCP_FLAG_TIMESTAMP_ENABLED | TCP_FLAG_SACK_ENABLED | TCP_FLAG_WINDOW_SCALING_ENABLED,
    remotePort: 65_535 - seed,
    sndWindScale: 14,
    rcvWindScale: 11,
    remoteMss: 8960,
    hashValue: 0x9E37_79B9 | 0,
  });
  fillCached(present(cached), seed);
  Object.assign(present(delegated), {
    sndWnd: 0x3FFF_1234,
    maxSndWnd: 0x3FFF_5678,
    cWnd: 0x0012_3456,
    ssThresh: 0x7FFF_FFFF,
    sRtt: 0xF234,
    rttVar: 0x8FED,
    tsRecent: 0x8765_4321 | 0,
    totalRT: 777,
  });
}

/** The same for the cached state. */
export function fillCached(cached: TcpOffloadStateCached, seed = 0): void {
  Object.assign(cached, {
    flags: seed & 3,
    initialRcvWnd: 60_000 + seed,
    rcvIndicationSize: 4000 + seed,
    kaProbeCount: 200 + seed,
    kaTimeout: 7_200_000 + seed,
    kaInterval: 75_000 + seed,
    maxRT: -1 - seed,
    flowLabel: 0xFEDCB - seed,
    ttlOrHopLimit: 255 - seed,
    tosOrTrafficClass: 0xB8 + seed,
    userPriority: (5 + seed) & 7,
  });
}

/** Const and cached state of a neighbor; its times are for cases about them. */
export function pictureOfNeighbor({ const: constant, cached }: NeighborOffloadState): Picture {
  return {
    source: [...present(constant).dlSourceAddress],
    vlanId: present(constant).vlanId,
    destination: [...present(cached).dlDestinationAddress],
  };
}

/** Const and cached state of a path. */
export function pictureOfPath({ const: constant, cached }: PathOffloadState): Picture {
  const { sourceAddress, destinationAddress } = present(constant);
  return { source: [...sourceAddress], destination: [...destinationAddress], pathMtu: present(cached).pathMtu };
}

type StructureName = 'const' | 'cached' | 'delegated' | 'all';

/** Types of a block that announce these structures, by layer: the neighbor's, an IPv4 path's, an IPv6 path's, a connection's. */
const TYPES = {
  neighbor: [OFFLOAD_STATE_TYPE.NeighborOffloadConstState, OFFLOAD_STATE_TYPE.NeighborOffloadCachedState, OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState, OFFLOAD_STATE_TYPE.NeighborOffloadState],
  path: [OFFLOAD_STATE_TYPE.Ip4OffloadConstState, OFFLOAD_STATE_TYPE.Ip4OffloadCachedState, OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState, OFFLOAD_STATE_TYPE.Ip4OffloadState],
  path6: [OFFLOAD_STATE_TYPE.Ip6OffloadConstState, OFFLOAD_STATE_TYPE.Ip6OffloadCachedState, OFFLOAD_STATE_TYPE.Ip6OffloadDelegatedState, OFFLOAD_STATE_TYPE.Ip6OffloadState],
  tcp: [OFFLOAD_STATE_TYPE.TcpOffloadConstState, OFFLOAD_STATE_TYPE.TcpOffloadCachedState, OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, OFFLOAD_STATE_TYPE.TcpOffloadState],
} as const;
const NAMES: readonly StructureName[] = ['const', 'cached', 'delegated', 'all'];

/**
 * A block for the object that another block was offered with, followed by these state structures, new ones.
 * It is of the type that announces them.
 */
export function stateBlock(offered: ProtocolOffloadBlockList, which: StructureName): ProtocolOffloadBlockList {
  const layer = present(offloadLayerOf(offered.header.type));
  const isIPv6 = offered.header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState;
  const type = present(TYPES[layer === 'path' && isIPv6 ? 'path6' : layer][NAMES.indexOf(which)]);
  return createProtocolOffloadBlockList(type, present<OffloadHandle>(offered.offloadHandle), stateOf(layer, which));
}

function stateOf(layer: 'neighbor' | 'path' | 'tcp', which: StructureName): OffloadBlockState {
  const has = (name: StructureName): boolean => which === 'all' || which === name;
  const makers = {
    neighbor: [NeighborOffloadStateConst, NeighborOffloadStateCached, NeighborOffloadStateDelegated],
    path: [PathOffloadStateConst, PathOffloadStateCached, PathOffloadStateDelegated],
    tcp: [TcpOffloadStateConst, TcpOffloadStateCached, TcpOffloadStateDelegated],
  } as const;
  const [Const, Cached, Delegated] = makers[layer];
  return new OffloadBlockState(has('const') ? new Const() : null, has('cached') ? new Cached() : null, has('delegated') ? new Delegated() : null);
}
