// Mutants that are no mistakes: whoever looks from outside, at whatever time, sees the same.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { changeOf } from './mutants.mjs';

/** @typedef {import('./mutants.mjs').Mutant} Mutant */

/**
 * @typedef {object} Equivalent
 * @property {string} id of the mutant
 * @property {string} change the mutant's change on one line, for the reader
 * @property {string} why no case can ever tell: one sentence or two
 */

/** @returns {Equivalent[]} */
export const readEquivalents = () =>
  JSON.parse(readFileSync(fileURLToPath(new URL('equivalent.json', import.meta.url)), 'utf8'));

/**
 * What is wrong with the list: entries whose mutant is gone or has changed, that give no reason, or come twice.
 * @param {readonly Equivalent[]} equivalents
 * @param {readonly Mutant[]} mutants all that there are
 * @returns {string[]}
 */
export function problemsOf(equivalents, mutants) {
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  /** @type {Set<string>} */
  const seen = new Set();
  return equivalents.flatMap(({ id, change, why }) => {
    const mutant = byId.get(id);
    if (mutant === undefined) return [`${id} is argued to be equivalent, but there is no such mutant any more: ${change}`];
    if (changeOf(mutant) !== change) return [`${id} is argued to be equivalent as ${change}, but it is ${changeOf(mutant)}`];
    if (seen.has(id)) return [`${id} is argued to be equivalent twice`];
    seen.add(id);
    return /\w+ \w+ \w+/.test(why) ? [] : [`${id} is said to be equivalent without a reason`];
  });
}
