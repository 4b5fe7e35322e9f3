import {
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  TCP_FLAG_KEEP_ALIVE_RESTART,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_NAGLING_ENABLED,
  TCP_FLAG_UPDATE_RCV_WND,
  TcpOffloadStateCached,
} from '@ndis-chimney/types';

/** What an update may change about a connection: members of TCP_OFFLOAD_STATE_CACHED, flags by what they do. */
export interface ConnectionChange {
  /** Bytes. The target advertises a new window when it differs from the present one. */
  readonly initialRcvWnd?: number;
  /** Bytes; 0: as much as possible in one indication. */
  readonly rcvIndicationSize?: number;
  readonly kaProbeCount?: number;
  /** Ticks. */
  readonly kaTimeout?: number;
  /** Ticks. */
  readonly kaInterval?: number;
  /** Ticks; `MAX_RT_NO_LIMIT`, `MAX_RT_UNUSED`. */
  readonly maxRT?: number;
  readonly flowLabel?: number;
  readonly ttlOrHopLimit?: number;
  readonly tosOrTrafficClass?: number;
  readonly userPriority?: number;
  /** Keepalive on or off. */
  readonly isKeepAliveEnabled?: boolean;
  /** Nagle's algorithm on or off. */
  readonly isNaglingEnabled?: boolean;
  /** Command: the keepalive timer begins again. */
  readonly restartKeepAlive?: boolean;
  /** Command: the time spent retransmitting is zero again. */
  readonly restartMaxRT?: boolean;
}

/** Flags that are commands: they are in the update and not in what is kept. */
const COMMANDS = TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND;

/** Members that are copied, with the number of bits the structure has for them. */
const BITS: Readonly<Record<string, number>> = {
  initialRcvWnd: 32,
  rcvIndicationSize: 32,
  kaProbeCount: 8,
  kaTimeout: 32,
  kaInterval: 32,
  maxRT: 32,
  flowLabel: 20,
  ttlOrHopLimit: 8,
  tosOrTrafficClass: 8,
  userPriority: 3,
};
const FLAGS: Readonly<Record<string, number>> = { isKeepAliveEnabled: TCP_FLAG_KEEP_ALIVE_ENABLED, isNaglingEnabled: TCP_FLAG_NAGLING_ENABLED };
const COMMAND_FLAGS: Readonly<Record<string, number>> = { restartKeepAlive: TCP_FLAG_KEEP_ALIVE_RESTART, restartMaxRT: TCP_FLAG_MAX_RT_RESTART };

/** Cached state with a change in it, the commands included. @throws TypeError for a member or value that there is not. */
export function changedCached(cached: Readonly<TcpOffloadStateCached>, change: ConnectionChange): TcpOffloadStateCached {
  const next = new TcpOffloadStateCached().copyFrom(cached);
  next.flags &= ~COMMANDS;
  for (const [name, value] of Object.entries(change) as [string, unknown][]) {
    if (value === undefined) continue;
    if (name in BITS) setNumber(next, name, value);
    else if (name in FLAGS) next.flags = value === true ? next.flags | FLAGS[name]! : next.flags & ~FLAGS[name]!;
    else if (name in COMMAND_FLAGS) next.flags |= value === true ? COMMAND_FLAGS[name]! : 0;
    else throw new TypeError(`ChimneyConnection.update: there is no ${name} in the cached state`);
  }
  if (next.initialRcvWnd !== cached.initialRcvWnd) next.flags |= TCP_FLAG_UPDATE_RCV_WND;
  return next;
}

function setNumber(cached: TcpOffloadStateCached, name: string, value: unknown): void {
  const bits = BITS[name]!;
  const isSigned = bits === 32 && value === -1;
  if (!Number.isInteger(value) || (!isSigned && ((value as number) < 0 || (value as number) >= 2 ** bits))) {
    throw new TypeError(`ChimneyConnection.update: ${name} is ${String(value)}, not a number of ${bits} bits`);
  }
  (cached as unknown as Record<string, number>)[name] = (value as number) | 0;
}

/** Cached state without the flags that were commands. */
export function withoutCommands(cached: TcpOffloadStateCached): TcpOffloadStateCached {
  const kept = new TcpOffloadStateCached().copyFrom(cached);
  kept.flags &= ~COMMANDS;
  return kept;
}
