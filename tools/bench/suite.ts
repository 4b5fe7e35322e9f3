import type { CaseFactory, Effort, Samples } from './harness.ts';

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
  /** How long and how often, where the usual effort does not fit. */
  readonly efforts?: { readonly full: Effort; readonly quick: Effort };
  /** More flags of Node for the process of a case; a flag given twice counts as given last. */
  readonly flagsOf?: (name: string) => readonly string[];
  report(samples: Samples): Report;
}
