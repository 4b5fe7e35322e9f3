import type { Experiment } from '../experiment.ts';

/** A failure that was met in the field, made to happen again. */
export interface Incident {
  /** Names it on the command line and its page. */
  readonly id: string;
  readonly title: string;
  /** Where it was met. */
  readonly source: string;
  /** What is different from a quiet experiment. */
  readonly experiment: Partial<Experiment>;
  /** What somebody notices: each is to match one of the symptoms, with the seed it comes with. */
  readonly symptoms: readonly RegExp[];
  /** Rules that NDIS finds broken. */
  readonly rules: readonly string[];
  /** And those that the verifier does. Default none. */
  readonly findings?: readonly string[];
}
