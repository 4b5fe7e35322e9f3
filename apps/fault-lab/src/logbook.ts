import type { Clock } from '@ndis-chimney/types';

/** Who says something. */
export type Voice = 'fault' | 'NDIS' | 'verifier' | 'host' | 'application' | 'lab';

/** One thing that happened. */
export interface LogEntry {
  readonly atMs: number;
  readonly voice: Voice;
  readonly what: string;
}

/** What happened in an experiment, in order, all voices in one. */
export class Logbook {
  readonly entries: LogEntry[] = [];
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  note(voice: Voice, what: string): void {
    this.entries.push({ atMs: this.clock.now(), voice, what });
  }
}
