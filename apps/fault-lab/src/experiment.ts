import type { MemoryTargetOptions } from '@ndis-chimney/target-memory';
import type { FaultPlan } from '@ndis-chimney/target-faulty';

/** Something that is done to the stack from outside, while it works. */
export interface Intervention {
  readonly atMs: number;
  /**
   * `pause`, `restart`: the operating system pauses the target's adapter and starts it again. `remove`: it takes the
   * adapter away. `takeBack`: the host terminates everything. `sleep`, `wake`: power states D3 and D0.
   */
  readonly does: 'pause' | 'restart' | 'remove' | 'takeBack' | 'sleep' | 'wake';
}

/** What every connection does. Time is virtual: an hour of it takes no longer than the work in it. */
export interface Work {
  readonly connections: number;
  /** Messages of each connection, sent one after the other; a peer sends each of them back. */
  readonly messages: number;
  readonly messageBytes: number;
  /** From one message of a connection to the next. */
  readonly intervalMs: number;
  /** Messages of a connection that may be on their way at once. */
  readonly inFlight: number;
  /** From one read of an application to the next, each of one message; null: it reads what comes when it comes. */
  readonly readEveryMs: number | null;
  /** How long a connection that came back stays with the host before it is offered again; null: for good. */
  readonly offerAgainMs: number | null;
  /** Whether the host takes back connections for reasons it may ignore. */
  readonly obeys: boolean;
}

/** One experiment: what works, what goes wrong in whom, and how long to watch. All of it is plain data. */
export interface Experiment {
  /** Faults of the offload target. */
  readonly target: FaultPlan;
  /** Faults of the intermediate driver next to the host. */
  readonly intermediate: FaultPlan;
  /** Faults of the host. */
  readonly host: FaultPlan;
  readonly intermediates: number;
  readonly work: Work;
  readonly interventions: readonly Intervention[];
  readonly targetOptions: MemoryTargetOptions;
  /** How long to watch before everything is taken down, and how long to wait for that. */
  readonly horizonMs: number;
  readonly seed: string;
}

const NOTHING: FaultPlan = { faults: [] };

/** Eight connections with a message every 50 ms, two seconds of it, and nothing goes wrong. */
export const QUIET: Experiment = {
  target: NOTHING,
  intermediate: NOTHING,
  host: NOTHING,
  intermediates: 1,
  work: { connections: 8, messages: 40, messageBytes: 1000, intervalMs: 50, inFlight: 4, readEveryMs: null, offerAgainMs: 100, obeys: true },
  interventions: [],
  targetOptions: { peer: 'echo', latencyMs: 2 },
  horizonMs: 60_000,
  seed: '1',
};
