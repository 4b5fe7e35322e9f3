import type { FaultDescription } from './fault.ts';
import { faults } from './faults/index.ts';

/** Every fault there is, by its id, in the order of the catalogue: what a plan may name. */
export const FAULTS: Readonly<Record<string, FaultDescription>> = Object.fromEntries(faults.map((fault) => [fault.id, fault]));
