// Draws mutants, runs them several at a time, and counts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../workspace.mjs';
import { createTypeCheck } from './programs.mjs';
import { isDifferent, isReached, runMutant } from './runs.mjs';

/** @typedef {import('./mutants.mjs').Mutant} Mutant */
/** @typedef {import('./runs.mjs').Verdict} Verdict */
/** @typedef {import('./runs.mjs').Baseline} Baseline */
/** @typedef {{ mutant: Mutant, verdict: Verdict }} Result */

/**
 * Goes through mutants in their order and gives those that are any: that compile, and differ in what runs.
 * @param {readonly Mutant[]} drawn
 * @param {string} [root]
 * @returns {Generator<Mutant, void, void>}
 */
export function* soundMutants(drawn, root = repositoryRoot) {
  const compiles = createTypeCheck([...new Set(drawn.map(({ file }) => file))], root);
  /** @type {Map<string, string>} */
  const originals = new Map();
  for (const mutant of drawn) {
    const { file, text } = mutant;
    const original = originals.get(file) ?? readFileSync(join(root, file), 'utf8');
    originals.set(file, original);
    if (compiles(file, text) && isDifferent(original, text)) yield mutant;
  }
}

/**
 * Runs mutants until so many count: those that cannot be loaded do not, nor those that are known to be equivalent.
 * @param {Iterable<Mutant>} mutants
 * @param {object} options
 * @param {ReadonlyMap<string, Baseline>} options.baselines by suite
 * @param {ReadonlySet<string>} options.equivalent ids
 * @param {number} options.size
 * @param {number} options.jobs processes at a time
 * @returns {Promise<Result[]>} in the order in which they were drawn
 */
export async function runSample(mutants, { baselines, equivalent, size, jobs }) {
  const iterator = mutants[Symbol.iterator]();
  /** @type {(Result & { place: number })[]} */
  const results = [];
  let place = 0;
  let counted = 0;
  const work = async () => {
    while (counted < size) {
      const next = iterator.next();
      if (next.done === true) return;
      const mutant = next.value;
      const baseline = baselines.get(mutant.suite);
      if (baseline === undefined) throw new Error(`no baseline of suite ${mutant.suite}`);
      const result = { mutant, place: place++ };
      const isCounted = !equivalent.has(mutant.id);
      if (isCounted) counted++;
      const verdict = await runMutant(mutant, baseline);
      if (isCounted && verdict.outcome === 'survived' && !(await isReached(mutant, baseline))) verdict.message = 'no case comes here';
      if (verdict.outcome !== 'unloadable') results.push({ ...result, verdict });
      else if (isCounted) counted--;
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results.sort((a, b) => a.place - b.place).map(({ mutant, verdict }) => ({ mutant, verdict }));
}
