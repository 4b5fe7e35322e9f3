// What a run found, for readers.
import { diffOf, whereOf } from './mutants.mjs';

/** @typedef {import('./sample.mjs').Result} Result */

/**
 * @typedef {object} Count
 * @property {number} killed
 * @property {number} survived
 * @property {number} equivalent
 */

/**
 * Counts results. What is argued to be equivalent counts neither way.
 * @param {readonly Result[]} results
 * @param {ReadonlySet<string>} equivalent ids
 * @returns {Count}
 */
export function countOf(results, equivalent) {
  const counted = results.filter(({ mutant }) => !equivalent.has(mutant.id));
  const killed = counted.filter(({ verdict }) => verdict.outcome === 'killed').length;
  return { killed, survived: counted.length - killed, equivalent: results.length - counted.length };
}

/**
 * The share of mutants that a case has noticed; 1 when there was none to notice.
 * @param {Count} count
 */
export const killRatio = ({ killed, survived }) => (killed + survived === 0 ? 1 : killed / (killed + survived));

/**
 * A row for each value of a key, and one for all.
 * @param {string} title
 * @param {readonly Result[]} results
 * @param {ReadonlySet<string>} equivalent
 * @param {(result: Result) => string} keyOf
 */
export function tableOf(title, results, equivalent, keyOf) {
  const keys = [...new Set(results.map(keyOf))].sort();
  const rows = keys.map((key) => ({ key, ...countOf(results.filter((result) => keyOf(result) === key), equivalent) }));
  rows.push({ key: 'all', ...countOf(results, equivalent) });
  const width = Math.max(title.length, ...rows.map(({ key }) => key.length));
  const line = (/** @type {(string | number)[]} */ [first, ...rest]) =>
    String(first).padEnd(width) + rest.map((cell) => String(cell).padStart(12)).join('');
  return [line([title, 'killed', 'survived', 'equivalent']), ...rows.map((row) => line([row.key, row.killed, row.survived, row.equivalent]))].join('\n');
}

/**
 * @param {Result} result
 * @returns {string} where, what, and which case noticed
 */
export function storyOf({ mutant, verdict }) {
  const { outcome, by, message } = verdict;
  const end = [by === '' ? outcome : `${outcome} by ${by}`, message].filter((text) => text !== '').join(': ');
  return `${whereOf(mutant)} ${mutant.place}\n${diffOf(mutant)}\n${end} (--id ${mutant.id})\n`;
}
