import type { Faults } from './world/faults.ts';

/** One party, wrong in one way, as a programmer might get it wrong. */
export interface Mutant {
  /** The group whose test notices. No other does. */
  readonly group: string;
  readonly party: 'NDIS' | 'an intermediate driver' | 'the host';
  /** What it does wrong: the rest of a sentence that begins with the party. */
  readonly does: string;
  /** Makes the faults of one world. */
  readonly createFaults: () => Faults;
}
