import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface ConformanceArguments {
  /** Package or path of what is to be proved. */
  readonly module: string;
  /** Options of the target; absent when there are none. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly seed?: string | number;
  /** Modules whose intermediate drivers the target is tried behind, from the host down. */
  readonly behind: readonly string[];
  /** Intermediate drivers of the module one above the other. */
  readonly drivers?: number;
  /** Only cases that have one of these texts in id, title, rules or requirement. */
  readonly filters: readonly string[];
  readonly isList: boolean;
  readonly isJson: boolean;
  readonly junitFile?: string;
  readonly htmlFile?: string;
  readonly patienceMs?: number;
}

/** A command line that cannot be carried out; `message` says why. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A module that cannot be loaded or brings nothing to prove; `message` says why. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError';
}

export const USAGE = `conformance <module> [options]

Tries an offload target or an intermediate driver against the TCP chimney contract.

  <module>             a package that is installed here, or a path: a target plugin, or a module that exports conformance
                       or createIntermediate
  --options <json>     options of the target, an object
  --seed <seed>        where the order of deferred work and all chance come from; default 1
  --behind <module>    try the target behind the intermediate driver of this module; again for more, from the host down
  --drivers <n>        so many intermediate drivers of the module one above the other; default 1
  --filter <text>      only cases with this text in id, title, rules or requirement; again for more
  --list               list the cases instead of running them
  --timeout <seconds>  how long a case may take; default 120
  --json               print one JSON object
  --junit <file>       also write JUnit XML
  --html <file>        also write a page
  --version            the version of the kit
  --help               this text

Exit code: 0 when the subject passed, 1 when it failed or nothing could be decided, 2 when the cases could not be run.`;

const MAX_DRIVERS = 64;
const MAX_TIMEOUT_S = 86_400;
const FLAGS = {
  options: { type: 'string' },
  seed: { type: 'string' },
  behind: { type: 'string', multiple: true },
  drivers: { type: 'string' },
  filter: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  junit: { type: 'string' },
  html: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Reads the command line. @throws UsageError */
export function parseArguments(argv: readonly string[]): ConformanceArguments | 'help' | 'version' {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  const [module, ...more] = positionals;
  if (module === undefined) throw new UsageError('no module is named');
  if (more.length > 0) throw new UsageError(`one module at a time, not ${positionals.length}`);
  const { options, seed, drivers, timeout, junit, html } = values;
  return {
    module,
    behind: values.behind ?? [],
    filters: values.filter ?? [],
    isList: values.list ?? false,
    isJson: values.json ?? false,
    ...(options !== undefined && { options: objectOf('--options', options) }),
    // A whole number is the same seed as in a program.
    ...(seed !== undefined && { seed: /^\d+$/.test(seed) && Number.isSafeInteger(Number(seed)) ? Number(seed) : seed }),
    ...(drivers !== undefined && { drivers: wholeNumber('--drivers', drivers, 1, MAX_DRIVERS) }),
    ...(timeout !== undefined && { patienceMs: 1000 * wholeNumber('--timeout', timeout, 1, MAX_TIMEOUT_S) }),
    ...(junit !== undefined && { junitFile: junit }),
    ...(html !== undefined && { htmlFile: html }),
  };
}

type Parsed = ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: typeof FLAGS }>>;

function parse(argv: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: FLAGS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function objectOf(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} takes a JSON object; ${JSON.stringify(text)} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UsageError(`${name} takes a JSON object, not ${text}`);
  return value as Record<string, unknown>;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || text.trim() === '' || value < least || value > most) {
    throw new UsageError(`${name} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  }
  return value;
}
