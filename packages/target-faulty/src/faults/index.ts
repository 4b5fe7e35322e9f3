import { faultsById, type Fault } from '../fault.ts';
import { completionFaults } from './completion.ts';

/** Every fault there is, by its id: what a plan may name. */
export const FAULTS: Readonly<Record<string, Fault>> = faultsById([...completionFaults]);
