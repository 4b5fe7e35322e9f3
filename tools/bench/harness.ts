// How things are measured here: every case runs in a fresh process, so that one case's type feedback never touches
// another's; the cases run in turn, round after round, so that a slow minute of the machine hits all alike; a process
// warms up, then times many short repetitions. Ratios are taken round by round; what is quoted is their median.
import { spawnSync } from 'node:child_process';

/** What one case does. */
export interface Case {
  /** Does `bursts` bursts. @returns the nanoseconds that count, where not all of the run does. */
  run(bursts: number): Promise<void> | number;
  /** What a burst consists of: figures are per one of these. */
  readonly itemsPerBurst: number;
  /** True where garbage is not counted: bursts are so large that the collector runs in the middle of them. */
  readonly isBulk?: boolean;
}

/** A case that is no matter of time: it does one thing and says what came of it. */
export interface Gauge {
  read(): Promise<Sample>;
}

/** Makes a case, in the process that measures it. */
export type CaseFactory = () => Case | Gauge;

/**
 * What a process found out about a case, by the figures' names. A timed case has `ns`, the median over the repetitions
 * per item, and unless it is bulk `bytesPerItem` and `bytesPerBurst`, the heap that it allocates.
 */
export type Sample = Readonly<Record<string, number>>;

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly repetitionMs: number;
  readonly repetitions: number;
}

export const FULL: Effort = { rounds: 15, warmUpMs: 500, repetitionMs: 20, repetitions: 11 };
export const QUICK: Effort = { rounds: 9, warmUpMs: 400, repetitionMs: 10, repetitions: 7 };

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Measures a case in this process. */
export async function measure(make: CaseFactory, effort: Effort): Promise<Sample> {
  const one = make();
  if ('read' in one) return one.read();
  // What lives long is moved to the old generation, where it is in a process that has run for a while: otherwise a case
  // that allocates would move it in the middle, and a case that does not never would. Compilation comes afterwards, for
  // a collection throws code away.
  await one.run(one.isBulk === true ? 1 : 8);
  globalThis.gc?.();
  globalThis.gc?.();
  const bursts = await warmUp(one, effort);
  const times: number[] = [];
  for (let i = 0; i < effort.repetitions; i++) {
    const start = process.hrtime.bigint();
    const counted = await one.run(bursts);
    const took = Number(process.hrtime.bigint() - start);
    times.push((typeof counted === 'number' ? counted : took) / (bursts * one.itemsPerBurst));
  }
  if (one.isBulk === true) return { ns: median(times) };
  const bytesPerBurst = await allocated(one);
  return { ns: median(times), bytesPerItem: bytesPerBurst / one.itemsPerBurst, bytesPerBurst };
}

/** @returns how many bursts take about as long as a repetition shall. */
async function warmUp(one: Case, effort: Effort): Promise<number> {
  const start = performance.now();
  let bursts = one.isBulk === true ? 1 : 16;
  for (;;) {
    const before = performance.now();
    await one.run(bursts);
    const after = performance.now();
    const tookMs = Math.max(after - before, 0.01);
    const wanted = Math.max(1, Math.round((bursts * effort.repetitionMs) / tookMs));
    if (after - start > effort.warmUpMs) return wanted;
    bursts = Math.min(wanted, bursts * 4);
  }
}

/** Heap bytes per burst: the least of several differences, for what else allocates can only add. */
async function allocated(one: Case): Promise<number> {
  const bursts = 200;
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await one.run(bursts);
    const bytes = (process.memoryUsage().heapUsed - before) / bursts;
    // A collection in between shows as a loss.
    if (bytes >= 0) least = Math.min(least, bytes);
  }
  return least;
}

/** All samples of each case, in round order. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Flags of Node that fix the size of each half of the young generation. */
export function youngGeneration(megabytes: number): readonly string[] {
  return [`--min-semi-space-size=${megabytes}`, `--max-semi-space-size=${megabytes}`];
}

/**
 * A flag of Node for cases that are compared to within a few percent: the collections before the warm-up leave no gaps.
 * Where objects come to lie depends otherwise on the garbage that lay between them, and on how the collector's threads
 * shared the work; a walk over some hundred of them takes up to 1.3 times as long in one process as in the next.
 */
export const COMPACTED: readonly string[] = ['--compact-on-every-full-gc'];

/** Runs cases by name in fresh processes of `script`, interleaved. @param flagsOf more flags of Node for a case. */
export function sampleInTurn(
  script: string,
  names: readonly string[],
  effort: Effort,
  effortName: string,
  flagsOf: (name: string) => readonly string[] = () => [],
): Samples {
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]));
  for (let round = 0; round < effort.rounds; round++) {
    for (const name of names) samples.get(name)?.push(sampleOnce(script, name, effortName, flagsOf(name)));
  }
  return samples;
}

function sampleOnce(script: string, name: string, effortName: string, more: readonly string[]): Sample {
  // The young generation is large enough that no collection falls into a repetition.
  const flags = ['--expose-gc', ...youngGeneration(64), ...more];
  const child = spawnSync(process.execPath, [...flags, script, '--case', name, '--effort', effortName], { encoding: 'utf8', timeout: 120_000 });
  if (child.status !== 0) throw new Error(`case ${name} failed: ${child.stderr || String(child.error)}`);
  return JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '') as Sample;
}

/** Median of `figure(a) / figure(b)` over the rounds. */
export function ratioOf(samples: Samples, a: string, b: string): number {
  const ofA = samples.get(a) ?? [];
  const ofB = samples.get(b) ?? [];
  return median(ofA.map((sample, round) => figureOf(sample, 'ns') / figureOf(ofB[round], 'ns')));
}

/** Median of one figure over the rounds. */
export function medianOf(samples: Samples, name: string, figure: string): number {
  return median((samples.get(name) ?? []).map((sample) => figureOf(sample, figure)));
}

/** One figure of a sample; not a number when it has none. */
export function figureOf(sample: Sample | undefined, figure: string): number {
  return sample?.[figure] ?? NaN;
}
