// Breaks the sources of targets and drivers, one small mistake at a time, and sees whether the conformance kit notices.
// `--help` lists the options; CONTRIBUTING.md says what to do about a survivor.
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { problemsOf, readEquivalents } from './mutate/equivalents.mjs';
import { brokenFiles, isJudged, matches } from './mutate/files.mjs';
import { changeOf, drawingOrder, mutantsOfFile, whereOf } from './mutate/mutants.mjs';
import { OPERATORS } from './mutate/operators.mjs';
import { countOf, killRatio, storyOf, tableOf } from './mutate/report.mjs';
import { runBaseline } from './mutate/runs.mjs';
import { runSample, soundMutants } from './mutate/sample.mjs';
import { isMain } from './workspace.mjs';

const HELP = `node tools/mutate.mjs [options]
  --sample <n>      mutants to draw; default 20, nightly 300 (TEST_SIZE)
  --all             every mutant there is
  --seed <s>        which ones; default 1
  --files <glob>    of these files only: 'packages/intermediate/**'
  --id <id>         this one only, with what it changes and which case notices
  --list            what would be drawn, without running it
  --jobs <n>        processes at a time; default: the processors
  --at-least <r>    share that has to be killed; default 0.95
  --json            one JSON object instead of a table
The exit code is 1 when fewer were killed, or when the list of equivalent mutants is wrong; 2 when nothing could be run.
operators
${Object.entries(OPERATORS).map(([name, what]) => `  ${name.padEnd(18)}${what}`).join('\n')}`;

/** Mutants of one run, by size. */
const SIZES = new Map([['test', 20], ['ci', 20], ['nightly', 300]]);

/** @typedef {import('./mutate/mutants.mjs').Mutant} Mutant */
/** @typedef {import('./mutate/sample.mjs').Result} Result */

/** @returns {number} what the run takes unless it is told otherwise. @throws Error for a size that there is not */
function sizeOfRun() {
  const name = process.env['TEST_SIZE'] ?? 'test';
  const size = SIZES.get(name);
  if (size === undefined) throw new Error(`TEST_SIZE is ${name}, not one of ${[...SIZES.keys()].join(', ')}`);
  return size;
}

/**
 * @param {string} option
 * @param {string | undefined} text
 * @param {number} fallback
 */
function numberOf(option, text, fallback) {
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= 0)) throw new Error(`--${option} is ${text}, not a number`);
  return value;
}

/** @param {string[]} args */
export async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      sample: { type: 'string' },
      all: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      files: { type: 'string', default: '**' },
      id: { type: 'string' },
      list: { type: 'boolean', default: false },
      jobs: { type: 'string' },
      'at-least': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const size = values.all || values.id !== undefined ? Infinity : numberOf('sample', values.sample, sizeOfRun());
  const jobs = Math.max(1, numberOf('jobs', values.jobs, availableParallelism()));
  const atLeast = numberOf('at-least', values['at-least'], 0.95);
  const startMs = performance.now();

  const everything = brokenFiles()
    .flatMap(({ file, suite }) => mutantsOfFile(file, suite))
    .filter(isJudged);
  const equivalents = readEquivalents();
  const equivalent = new Set(equivalents.map(({ id }) => id));
  const chosen = everything.filter(({ file, id }) => matches(file, values.files) && (values.id ?? id) === id);
  if (chosen.length === 0) throw new Error(`there is no mutant ${values.id ?? `in files ${values.files}`}`);
  const drawn = soundMutants(values.all ? chosen : drawingOrder(chosen, values.seed));
  if (values.list) {
    list(drawn, size);
    return;
  }
  const baselines = await baselinesOf(chosen);
  const results = await runSample(drawn, { baselines, equivalent, size, jobs });
  const count = countOf(results, equivalent);
  const problems = [...problemsOf(equivalents, everything), ...refuted(results, equivalent)];
  if (count.killed + count.survived === 0 && values.id === undefined) problems.push('nothing was drawn');
  const ratio = killRatio(count);
  const seconds = (performance.now() - startMs) / 1000;
  if (values.json) {
    console.log(JSON.stringify({ seed: values.seed, ...count, ratio, seconds, problems, mutants: results.map(plain) }));
  } else if (values.id !== undefined) {
    for (const result of results) console.log(storyOf(result));
  } else {
    for (const result of results) if (isNews(result, equivalent)) console.log(storyOf(result));
    console.log(`${tableOf('operator', results, equivalent, ({ mutant }) => mutant.operator)}\n`);
    console.log(`${tableOf('file', results, equivalent, ({ mutant }) => mutant.file)}\n`);
    console.log(
      `${count.killed} of ${count.killed + count.survived} mutants killed (${(ratio * 100).toFixed(1)} %, at least ${atLeast * 100} % asked for), ` +
        `seed ${values.seed}, ${seconds.toFixed(1)} s`,
    );
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0 || (values.id === undefined && ratio < atLeast)) process.exitCode = 1;
}

/** @param {readonly Mutant[]} mutants */
async function baselinesOf(mutants) {
  const suites = [...new Set(mutants.map(({ suite }) => suite))];
  const baselines = new Map();
  for (const suite of suites) baselines.set(suite, await runBaseline(suite));
  for (const { file, suite } of mutants) {
    if (!baselines.get(suite).files.includes(file)) throw new Error(`${file} is broken, but suite ${suite} does not load it`);
  }
  return baselines;
}

/**
 * @param {Iterable<Mutant>} mutants
 * @param {number} size
 */
function list(mutants, size) {
  let left = size;
  for (const mutant of mutants) {
    if (left-- <= 0) return;
    console.log(`${mutant.id}\n  ${whereOf(mutant)} ${mutant.place}\n  ${changeOf(mutant)}`);
  }
}

/**
 * @param {readonly Result[]} results
 * @param {ReadonlySet<string>} equivalent
 */
const refuted = (results, equivalent) =>
  results
    .filter(({ mutant, verdict }) => equivalent.has(mutant.id) && verdict.outcome === 'killed')
    .map(({ mutant, verdict }) => `${mutant.id} is argued to be equivalent, but ${verdict.by} tells: ${verdict.message}`);

/**
 * @param {Result} result
 * @param {ReadonlySet<string>} equivalent
 */
const isNews = ({ mutant, verdict }, equivalent) => verdict.outcome === 'survived' && !equivalent.has(mutant.id);

/** @param {Result} result */
const plain = ({ mutant, verdict }) => ({
  id: mutant.id,
  where: whereOf(mutant),
  place: mutant.place,
  change: changeOf(mutant),
  ...verdict,
});

if (isMain(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
