// The process of one mutant: loads the sources with one of them broken, runs the cases, and stops at the first that
// fails. It is forked by runs.mjs, and does one task.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Script } from 'node:vm';

import { writeWhole } from './write-whole.mjs';

/**
 * @typedef {object} Task
 * @property {string} root
 * @property {string} script of the pack
 * @property {string} suites URL of the module that exports `SUITES`
 * @property {string} suite
 * @property {{ file: string, script: string } | null} broken the module that is exchanged
 * @property {readonly string[] | null} order ids of the cases to run, in this order; null for all
 */

/**
 * @typedef {{ kind: 'begun', id: string }
 *   | { kind: 'unloadable', message: string }
 *   | { kind: 'failed', id: string, message: string }
 *   | { kind: 'passed', durationsMs: [id: string, ms: number][] }} News
 */

/** @typedef {(exports: object, require: (specifier: string) => unknown) => void} Module */

/** The case that runs. */
let current = '';

/** @param {News} news */
const tell = (news) => process.send?.(news);

/** @param {News} news */
function end(news) {
  process.send?.(news, () => process.exit());
}

/** @param {unknown} error */
const textOf = (error) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

/** @param {unknown} error */
const fail = (error) => {
  end({ kind: 'failed', id: current, message: textOf(error) });
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

/**
 * Evaluates the pack, from compiled code when the run before has left some.
 * @param {string} path
 * @returns {{ modules: Record<string, Module>, script: Script }}
 */
function evaluate(path) {
  const code = `${path}.code`;
  const cached = existsSync(code) ? { cachedData: readFileSync(code) } : {};
  const script = new Script(readFileSync(path, 'utf8'), { filename: path, ...cached });
  return { modules: script.runInThisContext(), script };
}

/**
 * @param {Task} task
 * @param {Record<string, Module>} modules
 * @returns {(file: string) => any}
 */
function loader({ root, script, broken }, modules) {
  /** @type {Record<string, Record<string, string>>} */
  const imports = JSON.parse(readFileSync(`${script}on`, 'utf8'));
  const replaced = broken === null ? {} : new Script(broken.script, { filename: join(root, broken.file) }).runInThisContext();
  /** @type {Map<string, object>} */
  const loaded = new Map();
  return function load(file) {
    const known = loaded.get(file);
    if (known !== undefined) return known;
    const exports = {};
    loaded.set(file, exports);
    const run = replaced[file] ?? modules[file];
    if (run === undefined) throw new Error(`${file} is not in ${script}`);
    run(exports, (/** @type {string} */ specifier) => {
      const found = imports[file]?.[specifier];
      return found === undefined ? createRequire(join(root, file))(specifier) : load(found);
    });
    return exports;
  };
}

/** @param {Task} task */
async function casesOf(task) {
  const { modules, script } = evaluate(task.script);
  /** @type {typeof import('./suites.mjs')} */
  const { SUITES } = await import(task.suites);
  const suite = SUITES[task.suite];
  if (suite === undefined) throw new Error(`there is no suite ${task.suite}`);
  const load = loader(task, modules);
  const all = suite.cases(load).filter(({ missing, isAdvisory }) => missing.length === 0 && !isAdvisory);
  if (task.order === null) return { cases: all, script };
  const byId = new Map(all.map((found) => [found.id, found]));
  return { cases: task.order.flatMap((id) => byId.get(id) ?? []), script };
}

/** @param {Task} task */
async function perform(task) {
  let found;
  try {
    found = await casesOf(task);
  } catch (error) {
    end({ kind: 'unloadable', message: textOf(error) });
    return;
  }
  /** @type {[string, number][]} */
  const durationsMs = [];
  for (const { id, run } of found.cases) {
    current = id;
    tell({ kind: 'begun', id });
    const startMs = performance.now();
    try {
      await run();
    } catch (error) {
      fail(error);
      return;
    }
    durationsMs.push([id, performance.now() - startMs]);
  }
  // Everything that the cases call has been compiled by now.
  if (task.broken === null) writeWhole(`${task.script}.code`, found.script.createCachedData());
  end({ kind: 'passed', durationsMs });
}

// With no listener left the channel keeps nothing alive: a case that waits for ever ends the process.
process.once('message', (/** @type {Task} */ task) => {
  void perform(task);
});
