import type { MemoryPeer } from './memory-peer.ts';
import type { MemoryTarget } from './memory-target.ts';
import type { MemoryTargetOptions } from './options.ts';

/** What a peer takes before somebody reads, in the cases: little, so that filling it costs little. */
const PEER_WINDOW_BYTES = 4096;
const BUFFER_BYTES = 65_536;
/** So that there is something between a send and its acknowledgment. */
const ROUND_TRIP_MS = 10;

/** What memory targets can do for the cases of the conformance kit. */
export type MemoryTargetAbility = 'peer' | 'forward' | 'virtual-time' | 'control' | 'connection-capacity' | 'strict-invalidate' | 'neighbor-query' | 'round-trip' | 'statistics';
const ABILITIES: readonly MemoryTargetAbility[] = ['forward', 'virtual-time', 'control', 'connection-capacity', 'strict-invalidate', 'neighbor-query', 'round-trip', 'statistics'];

/** What the conformance kit may know of memory targets; its `ConformanceAbilities` says what each member means. */
export interface MemoryTargetAbilities {
  readonly abilities: readonly MemoryTargetAbility[];
  readonly options: MemoryTargetOptions;
  readonly peerWindowBytes: number;
  readonly bufferBytes: number;
  optionsFor(wishes: { readonly connectionCapacity?: number; readonly roundTripMs?: number }): MemoryTargetOptions;
  peer?(target: MemoryTarget, hostPort: number, peerPort: number): MemoryPeer;
  readonly control: {
    pauseOffload(target: MemoryTarget): void;
    uploadAll(target: MemoryTarget): void;
    resumeOffload(target: MemoryTarget): void;
  };
}

/**
 * What a memory target with these options can do for the conformance kit, which finds it by this name. A peer that acts by
 * itself is not at the kit's command.
 */
export function conformanceAbilities(options: MemoryTargetOptions = {}): MemoryTargetAbilities {
  const { peer: mode = 'manual', peerWindowBytes = PEER_WINDOW_BYTES, bufferBytes = BUFFER_BYTES } = options;
  const hasPeer = mode === 'manual';
  return {
    abilities: hasPeer ? ['peer', ...ABILITIES] : ABILITIES,
    options: { peerWindowBytes, bufferBytes, latencyMs: ROUND_TRIP_MS / 2 },
    peerWindowBytes,
    bufferBytes,
    optionsFor: ({ connectionCapacity, roundTripMs }) => ({
      ...(connectionCapacity !== undefined && { connectionCapacity }),
      ...(roundTripMs !== undefined && { latencyMs: roundTripMs / 2 }),
    }),
    ...(hasPeer && { peer: peerOf }),
    control: {
      pauseOffload: (target) => {
        target.pauseOffload();
      },
      uploadAll: (target) => {
        target.uploadAll();
      },
      resumeOffload: (target) => {
        target.resumeOffload();
      },
    },
  };
}

function peerOf(target: MemoryTarget, hostPort: number, peerPort: number): MemoryPeer {
  const peer = target.peerOf(hostPort, peerPort);
  if (peer === null) throw new Error(`no connection between ports ${hostPort} and ${peerPort} is offloaded`);
  return peer;
}
