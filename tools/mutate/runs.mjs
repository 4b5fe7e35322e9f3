// Runs of the cases over the sources as they are, and with one of them broken: each in a process of its own.
import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import { repositoryRoot } from '../workspace.mjs';
import { createPack, moduleScript, strip } from './pack.mjs';

/** @typedef {import('./child.mjs').News} News */
/** @typedef {import('./child.mjs').Task} Task */

/**
 * What became of a mutant. `unloadable`: its sources throw while they load, so that it is none.
 * @typedef {object} Verdict
 * @property {'killed' | 'survived' | 'unloadable'} outcome
 * @property {string} by id of the case that failed, or empty
 * @property {string} message what the case said, or what happened to the process; of a survivor whether any case came by
 * @property {number} ms
 */

/**
 * Where sources and suites come from, and how long a case may take before it is taken to run in a circle, besides twenty
 * times as long as the slowest takes when nothing is broken.
 * @typedef {object} Setting
 * @property {string} root
 * @property {string} suites URL of a module that exports `SUITES`
 * @property {number} patienceMs
 */

/** @type {Setting} */
const REPOSITORY = { root: repositoryRoot, suites: new URL('suites.mjs', import.meta.url).href, patienceMs: 4000 };

/**
 * A suite that has passed over the sources as they are.
 * @typedef {object} Baseline
 * @property {Setting} setting
 * @property {string} suite
 * @property {string} script
 * @property {string[]} order ids of its cases, the cheapest first
 * @property {readonly string[]} files what its cases load
 * @property {number} slowestMs how long the longest case takes
 * @property {number} ms how long they take together
 */

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));

/** A mutant that fills the memory is to die of it soon. */
const HEAP_MIB = 512;

/**
 * @param {Task} task
 * @param {number} patienceMs for the start, and again for each case
 * @returns {Promise<{ news: News | null, at: string, end: string }>} the result, or null when the process ended without one;
 * then the case it was at, and how it ended
 */
function runChild(task, patienceMs) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [], { execArgv: [`--max-old-space-size=${HEAP_MIB}`], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    /** @type {News | null} */
    let result = null;
    let at = '';
    let end = '';
    let begunMs = performance.now();
    const watch = setInterval(() => {
      // News that came while this process was busy are read first.
      setImmediate(() => {
        if (performance.now() - begunMs < patienceMs || child.exitCode !== null) return;
        end = `no end after ${patienceMs} ms`;
        child.kill('SIGKILL');
      });
    }, patienceMs / 4);
    let isOpen = true;
    const settle = () => {
      if (isOpen || (child.exitCode === null && child.signalCode === null)) return;
      clearInterval(watch);
      const code = child.signalCode ?? child.exitCode;
      resolve({ news: result, at, end: end !== '' ? end : code === 0 ? 'waits for what never comes' : `the process died: ${code}` });
    };
    child.on('error', reject);
    child.on('message', (/** @type {News} */ news) => {
      if (news.kind === 'begun') {
        at = news.id;
        begunMs = performance.now();
      } else {
        result = news;
      }
    });
    child.on('disconnect', () => {
      isOpen = false;
      settle();
    });
    child.on('exit', settle);
    child.send(task);
  });
}

/**
 * Runs a suite over the sources as they are.
 * @param {string} suite
 * @param {Partial<Setting>} [changes]
 * @returns {Promise<Baseline>}
 * @throws Error when a case fails
 */
export async function runBaseline(suite, changes = {}) {
  const setting = { ...REPOSITORY, ...changes };
  const { root, suites, patienceMs } = setting;
  /** @type {typeof import('./suites.mjs')} */
  const { SUITES } = await import(suites);
  const found = SUITES[suite];
  if (found === undefined) throw new Error(`there is no suite ${suite}, only ${Object.keys(SUITES).join(', ')}`);
  const { script, files } = createPack(found.entries, root);
  const { news, at, end } = await runChild({ root, script, suites, suite, broken: null, order: null }, 15 * patienceMs);
  if (news?.kind !== 'passed') {
    const id = news?.kind === 'failed' ? news.id : at;
    throw new Error(`suite ${suite}: ${id} fails although nothing is broken: ${news !== null && 'message' in news ? news.message : end}`);
  }
  if (news.durationsMs.length === 0) throw new Error(`suite ${suite} has no cases`);
  const byCost = news.durationsMs.toSorted(([, a], [, b]) => a - b);
  const ms = byCost.reduce((sum, [, each]) => sum + each, 0);
  return { setting, suite, script, files, order: byCost.map(([id]) => id), slowestMs: byCost.at(-1)?.[1] ?? 0, ms };
}

/**
 * Does the mutant differ from its original in anything that runs?
 * @param {string} original
 * @param {string} text
 */
export const isDifferent = (original, text) => strip(original) !== strip(text);

/**
 * Runs the cases over a mutant, until one fails.
 * @param {{ file: string, text: string }} mutant
 * @param {Baseline} baseline of the mutant's suite
 * @returns {Promise<Verdict>}
 */
export async function runMutant({ file, text }, { setting, suite, script, order, slowestMs }) {
  const { root, suites, patienceMs } = setting;
  const broken = { file, script: moduleScript(file, strip(text)) };
  const startMs = performance.now();
  const { news, at, end } = await runChild({ root, script, suites, suite, broken, order }, Math.ceil(patienceMs + 20 * slowestMs));
  const ms = performance.now() - startMs;
  if (news?.kind === 'passed') return { outcome: 'survived', by: '', message: '', ms };
  if (news?.kind === 'failed') return { outcome: 'killed', by: news.id, message: news.message, ms };
  if (news?.kind === 'unloadable') return { outcome: 'unloadable', by: '', message: news.message, ms };
  return { outcome: 'killed', by: at, message: end, ms };
}

/**
 * Why did a mutant survive? @returns whether any case comes to where it is broken
 * @param {{ file: string, tripwire: string }} mutant
 * @param {Baseline} baseline of the mutant's suite
 */
export async function isReached({ file, tripwire }, baseline) {
  const { outcome } = await runMutant({ file, text: tripwire }, baseline);
  return outcome !== 'survived';
}
