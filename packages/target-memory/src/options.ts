import { optionsSchemaOf, resolveOptions as resolve, type OptionSchemas } from '@ndis-chimney/offload-target';
import type { JsonSchema } from '@ndis-chimney/types';

/** What the far end of every connection does by itself. */
export type MemoryPeerMode = 'manual' | 'echo' | 'sink' | 'source';

/** Options of the memory target. All are optional and plain data. */
export interface MemoryTargetOptions {
  /** Names the driver in violations and traces. Default `target-memory`. */
  readonly name?: string;
  /**
   * What the peers do. `manual`: what your code does with a {@link MemoryPeer}. `echo`: send back every byte, and a FIN
   * after the host's. `sink`: read and discard, answer FIN with FIN. `source`: send `sourceBytes` bytes, then a FIN, and
   * discard what comes. Default `manual`.
   */
  readonly peer?: MemoryPeerMode;
  /** How long a segment takes one way, in milliseconds. Default 0: the next DPC pass, without timers. */
  readonly latencyMs?: number;
  /** Most milliseconds by which a segment takes longer, drawn per segment; a connection's order is kept. Default 0. */
  readonly jitterMs?: number;
  /** Most bytes of data in one segment, either way. Default 1460. */
  readonly maxSegmentBytes?: number;
  /** Receive window of a peer, in bytes: what it takes from the host before somebody reads it. Default 262144. */
  readonly peerWindowBytes?: number;
  /** What a peer in mode `source` sends, in bytes. Default 1048576. */
  readonly sourceBytes?: number;
  /** Connections one adapter has room for. Default 4096. */
  readonly connectionCapacity?: number;
  /** Received bytes the target keeps per connection before its peer has to wait. Default 262144. */
  readonly bufferBytes?: number;
}

/** The options with their defaults filled in. */
export type ResolvedOptions = Required<MemoryTargetOptions>;

/** 1 GiB: the largest window that TCP can advertise (RFC 7323 section 2.3). */
const LARGEST_WINDOW = 0x4000_0000;

const properties = {
  name: { type: 'string', description: 'Names the driver in violations and traces.', default: 'target-memory', minLength: 1 },
  peer: {
    type: 'string',
    description: 'What the peers do: what your code makes them do (manual), send everything back (echo), discard (sink), send sourceBytes (source).',
    default: 'manual',
    enum: ['manual', 'echo', 'sink', 'source'],
  },
  latencyMs: { type: 'number', description: 'How long a segment takes one way, in milliseconds.', default: 0, minimum: 0, maximum: 3_600_000 },
  jitterMs: { type: 'number', description: 'Most milliseconds by which a segment takes longer.', default: 0, minimum: 0, maximum: 3_600_000 },
  maxSegmentBytes: { type: 'integer', description: 'Most bytes of data in one segment, either way.', default: 1460, minimum: 1, maximum: 65_535 },
  peerWindowBytes: { type: 'integer', description: 'Receive window of a peer, in bytes.', default: 262_144, minimum: 1, maximum: LARGEST_WINDOW },
  sourceBytes: { type: 'integer', description: 'What a peer in mode source sends, in bytes.', default: 1_048_576, minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  connectionCapacity: { type: 'integer', description: 'Connections one adapter has room for.', default: 4096, minimum: 0, maximum: 0x7FFF_FFFF },
  bufferBytes: {
    type: 'integer',
    description: 'Received bytes the target keeps per connection before its peer has to wait.',
    default: 262_144,
    minimum: 1,
    maximum: LARGEST_WINDOW,
  },
} as const satisfies OptionSchemas<MemoryTargetOptions>;

/** JSON Schema (draft 2020-12) of {@link MemoryTargetOptions}. */
export const memoryTargetOptionsSchema: JsonSchema = optionsSchemaOf('Options of @ndis-chimney/target-memory', properties);

/** Fills in the defaults. @throws TypeError that names an option that does not exist or whose value is not allowed. */
export function resolveOptions(options: MemoryTargetOptions): ResolvedOptions {
  return resolve<MemoryTargetOptions>('target-memory', options, properties);
}
