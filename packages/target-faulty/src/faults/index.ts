import type { Fault } from '../fault.ts';
import { adapterFaults } from './adapter.ts';
import { completionFaults } from './completion.ts';
import { contractFaults } from './contract.ts';
import { dataFaults } from './data.ts';
import { handBackFaults } from './hand-back.ts';
import { indicationFaults } from './indications.ts';
import { offloadFaults } from './offload.ts';
import { slowFaults } from './slow.ts';
import { staleFaults } from './stale.ts';

const all = [
  ...completionFaults,
  ...contractFaults,
  ...offloadFaults,
  ...handBackFaults,
  ...staleFaults,
  ...indicationFaults,
  ...dataFaults,
  ...slowFaults,
  ...adapterFaults,
];

/** `B12` comes after `B9`. */
function placeOf({ id }: Fault): number {
  return id.charCodeAt(0) * 100 + Number(id.slice(1));
}

/** Every fault there is, in the order of the catalogue. */
export const faults: readonly Fault[] = [...all].sort((one, other) => placeOf(one) - placeOf(other));
