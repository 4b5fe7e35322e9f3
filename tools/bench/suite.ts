import type { CaseFactory, Samples } from './harness.ts';

/** What a suite makes of its samples. */
export interface Report {
  /** Goes into the JSON under the suite's name. */
  readonly figures: object;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Benchmarks that belong together and share a run. */
export interface Suite {
  readonly name: string;
  readonly cases: ReadonlyMap<string, CaseFactory>;
  report(samples: Samples): Report;
}
