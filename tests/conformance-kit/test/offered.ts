// What the host has offered, for an engine that takes no connection it was not told everything of as the host said it.
import type { ConnectionRecord, ConnectionReport } from '@ndis-chimney/offload-target';
import { offloadLayerOf, type MiniportOffloadBlockList, type NeighborOffloadState, type PathOffloadState, type TcpOffloadState } from '@ndis-chimney/types';

type Values = Readonly<Record<string, unknown>>;

/** Variables that an engine is given and reports under the same name. */
const REPORTED = ['sndNxt', 'sndMax', 'sndWnd', 'maxSndWnd', 'sendWL1', 'cWnd', 'ssThresh', 'sRtt', 'rttVar', 'tsRecent', 'totalRT', 'dupAckCount', 'sndWndProbeCount', 'dWnd'] as const;
const TIMERS = ['keepAliveProbeCount', 'keepAliveTimeoutDelta', 'retransmitCount', 'retransmitTimeoutDelta'] as const;
const CACHED = ['flags', 'initialRcvWnd', 'kaProbeCount', 'kaTimeout', 'kaInterval', 'maxRT', 'flowLabel', 'ttlOrHopLimit', 'tosOrTrafficClass', 'userPriority'] as const;
const CONSTANT = ['localPort', 'remotePort', 'sndWindScale', 'rcvWindScale', 'remoteMss', 'hashValue'] as const;
const DELEGATED = ['state', 'rcvNxt', 'sndUna', 'tsRecentAge', 'tsTime', ...REPORTED] as const;

/** The connections that were offered, by their ports. */
export class Offered {
  private readonly connections = new Map<string, Values>();
  private readonly bufferBytes: number;

  /** @param bufferBytes what the target can hold of one connection. */
  constructor(bufferBytes: number) {
    this.bufferBytes = bufferBytes;
  }

  /** Notes the new connections of a tree. */
  note(first: MiniportOffloadBlockList | null, below: Values = {}): void {
    for (let block = first; block !== null; block = block.nextBlock) {
      const layer = offloadLayerOf(block.header.type);
      if (layer === 'tcp') this.noteTcp(block.state as TcpOffloadState | null, below);
      else if (layer === 'path') this.note(block.dependentBlockList, { ...below, ...valuesOfPath(block.state as PathOffloadState | null) });
      else this.note(block.dependentBlockList, valuesOfNeighbor(block.state as NeighborOffloadState | null));
    }
  }

  private noteTcp(state: TcpOffloadState | null, below: Values): void {
    if (state?.const == null || state.cached === null || state.delegated === null) return;
    const { const: constant, cached, delegated } = state;
    const { keepAlive, retransmit } = delegated;
    const room = cached.initialRcvWnd === 0 ? this.bufferBytes : Math.min(cached.initialRcvWnd >>> 0, this.bufferBytes);
    this.connections.set(`${constant.localPort} ${constant.remotePort}`, {
      ...below,
      ...pick(constant, CONSTANT),
      constFlags: constant.flags,
      ...pick(cached, CACHED),
      ...pick(delegated, DELEGATED),
      keepAliveProbeCount: keepAlive.probeCount,
      keepAliveTimeoutDelta: keepAlive.timeoutDelta,
      retransmitCount: retransmit.count,
      retransmitTimeoutDelta: retransmit.timeoutDelta,
      ...(delegated.bufferedData === null && { rcvWnd: room }),
    });
  }

  /** @throws Error that names a value that is not what the host said. */
  check(record: ConnectionRecord): void {
    const { addresses, settings, localPort, remotePort } = record;
    const { dlSourceAddress, dlDestinationAddress, vlanId, pathMtu } = settings;
    const told: Values = {
      ...pick(record, CONSTANT),
      constFlags: record.constFlags,
      ...pick(settings, CACHED),
      ...pick(record, DELEGATED),
      ...pick(record, TIMERS),
      rcvWnd: record.rcvWnd,
      isIPv6: addresses.isIPv6,
      source: addresses.source.join('.'),
      destination: addresses.destination.join('.'),
      pathMtu,
      vlanId,
      dlSourceAddress: dlSourceAddress.join('.'),
      dlDestinationAddress: dlDestinationAddress.join('.'),
    };
    const offered = this.connections.get(`${localPort} ${remotePort}`);
    if (offered === undefined) throw new Error(`nobody offered a connection between ports ${localPort} and ${remotePort}`);
    for (const [name, value] of Object.entries(offered)) {
      if (told[name] !== value) throw new Error(`${name} is ${String(told[name])}, and the host said ${String(value)}`);
    }
  }
}

/** What an engine that has changed nothing reports of a connection. */
export const unchangedReport = (record: ConnectionRecord): ConnectionReport => ({ ...pick(record, REPORTED), ...pick(record, TIMERS) });

function valuesOfNeighbor(state: NeighborOffloadState | null): Values {
  return {
    ...(state?.const != null && { vlanId: state.const.vlanId, dlSourceAddress: state.const.dlSourceAddress.join('.') }),
    ...(state?.cached != null && { dlDestinationAddress: state.cached.dlDestinationAddress.join('.') }),
  };
}

function valuesOfPath(state: PathOffloadState | null): Values {
  return {
    ...(state?.const != null && {
      isIPv6: state.const.sourceAddress.length === 16,
      source: state.const.sourceAddress.join('.'),
      destination: state.const.destinationAddress.join('.'),
    }),
    ...(state?.cached != null && { pathMtu: state.cached.pathMtu }),
  };
}

function pick<From extends object, Name extends keyof From>(from: From, names: readonly Name[]): Pick<From, Name> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<From, Name>;
}
