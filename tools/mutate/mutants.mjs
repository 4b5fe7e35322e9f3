// Mutants: the edits of the listed files, each with a name that survives edits elsewhere in its file.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

import { repositoryRoot } from '../workspace.mjs';
import { editsOf } from './operators.mjs';

/**
 * @typedef {object} Mutant
 * @property {string} id file, operator, and a hash of the place and the change: no line numbers
 * @property {string} file relative to the repository
 * @property {string} suite name of the suite that has to notice
 * @property {import('./operators.mjs').Operator} operator
 * @property {number} line counted from 1
 * @property {number} column counted from 1
 * @property {string} place the declaration it is in: `DataPath.schedule`
 * @property {string} before the lines that change
 * @property {string} after what they become
 * @property {string} text the whole file, broken
 * @property {string} tripwire the whole file, which throws where the change would be
 */

/**
 * @param {string} file relative to `root`
 * @param {string} suite
 * @param {string} [root]
 * @returns {Mutant[]} in the order of the text
 */
export const mutantsOfFile = (file, suite, root = repositoryRoot) =>
  mutantsOfText(readFileSync(join(root, file), 'utf8'), file, suite);

/**
 * @param {string} original
 * @param {string} file
 * @param {string} suite
 * @returns {Mutant[]}
 */
export function mutantsOfText(original, file, suite) {
  const source = ts.createSourceFile(file, original, ts.ScriptTarget.ES2022, true);
  /** @type {Map<string, number>} */
  const seen = new Map();
  return editsOf(source).map(({ operator, start, end, text }) => {
    const { line, character } = source.getLineAndCharacterOfPosition(start);
    const from = original.lastIndexOf('\n', start - 1) + 1;
    const nextBreak = original.indexOf('\n', end);
    const to = nextBreak === -1 ? original.length : nextBreak;
    const before = original.slice(from, to);
    const after = original.slice(from, start) + text + original.slice(end, to);
    const place = placeOf(source, start);
    const key = JSON.stringify([place, operator, before.trim(), after.trim()]);
    const twin = seen.get(key) ?? 0;
    seen.set(key, twin + 1);
    const hash = createHash('sha256').update(`${file} ${key} ${twin}`).digest('hex').slice(0, 8);
    return {
      id: `${file}:${operator}:${hash}`,
      file,
      suite,
      operator,
      line: line + 1,
      column: character + 1,
      place,
      before,
      after,
      text: original.slice(0, start) + text + original.slice(end),
      get tripwire() {
        return withTripwire(source, start);
      },
    };
  });
}

/**
 * A source that throws instead of doing what is at a position: the smallest statement or body of a function around it.
 * @param {ts.SourceFile} source
 * @param {number} position
 */
function withTripwire(source, position) {
  let [start, end] = [0, 0];
  const visit = (/** @type {ts.Node} */ node) => {
    if (position < node.getStart(source) || position >= node.end) return;
    const isBody = ts.isArrowFunction(node.parent) && node.parent.body === node;
    if (isBody || (ts.isStatement(node) && !ts.isFunctionDeclaration(node) && !ts.isClassDeclaration(node))) {
      [start, end] = [node.getStart(source), node.end];
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return `${source.text.slice(0, start)}{ throw new Error('a case came here'); }${source.text.slice(end)}`;
}

/**
 * The declarations around a position, from the outermost in.
 * @param {ts.SourceFile} source
 * @param {number} position
 */
function placeOf(source, position) {
  /** @type {string[]} */
  const names = [];
  const visit = (/** @type {ts.Node} */ node) => {
    if (position < node.getStart(source) || position >= node.end) return;
    const name = nameOf(node, source);
    if (name !== undefined) names.push(name);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names.join('.');
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 */
function nameOf(node, source) {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const isPlace =
    ts.isClassDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isAccessor(node) ||
    (ts.isVariableDeclaration(node) && ts.isVariableStatement(node.parent.parent));
  return isPlace ? node.name?.getText(source) : undefined;
}

/**
 * Puts mutants in the order in which a seed draws them. Each has a place of its own, whatever else there is: a change of
 * the code moves only the mutants it touches.
 * @template {{ id: string }} T
 * @param {readonly T[]} mutants
 * @param {string | number} seed
 * @returns {T[]}
 */
export function drawingOrder(mutants, seed) {
  const rank = (/** @type {string} */ id) => createHash('sha256').update(`${seed} ${id}`).digest('hex');
  return mutants
    .map((mutant) => ({ mutant, rank: rank(mutant.id) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant);
}

/** @param {Mutant} mutant */
export const whereOf = ({ file, line, column }) => `${file}:${line}:${column}`;

/**
 * The change on one line, as the list of equivalent mutants has it.
 * @param {Pick<Mutant, 'before' | 'after'>} mutant
 */
export const changeOf = ({ before, after }) => `${flat(before)} → ${flat(after)}`;

/** @param {string} text */
const flat = (text) => text.trim().replaceAll(/\s*\n\s*/g, ' ');

/** @param {Mutant} mutant */
export function diffOf(mutant) {
  const mark = (/** @type {string} */ text, /** @type {string} */ sign) =>
    text.split('\n').map((line) => `${sign} ${line}`).join('\n');
  return `${mark(mutant.before, '-')}\n${mark(mutant.after, '+')}`;
}
