import { parseArgs } from 'node:util';

/** A command line that cannot be carried out; `message` says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** At whose edge the faults of a plan are. */
type PlanEdge = 'target' | 'intermediate' | 'host';

/** What the command line asks for. */
export interface LabArguments {
  /** Id of an incident, or a file with a fault plan; null: nothing goes wrong. */
  readonly subject: string | null;
  /** Whose faults those of a plan are. */
  readonly at: PlanEdge;
  readonly seed: string | null;
  readonly intermediates: number | null;
  readonly connections: number | null;
  readonly messages: number | null;
  readonly bytes: number | null;
  readonly json: boolean;
  readonly list: boolean;
  /** Lines of the log that are printed. */
  readonly lines: number;
}

export const USAGE = `npm run fault-lab -- [incident | plan.json] [options]

Lets connections talk through a chimney while things go wrong, in virtual time, and says what somebody would notice.

  incident            one of the named incidents; --list shows them
  plan.json           a fault plan; its JSON Schema comes with @ndis-chimney/target-faulty
  --at edge           whose faults a plan's are: target, intermediate or host; default target
  --seed text         another course of the same; default the experiment's own
  --intermediates n   intermediate drivers between host and target
  --connections n     connections that talk
  --messages n        messages of each
  --bytes n           bytes of a message
  --lines n           lines of the log to print, from its beginning; default 40
  --json              print one JSON object instead
  --list              the incidents, and the faults a plan can have
  --help              this text`;

const DEFAULT_LINES = 40;

/** Reads the command line. @returns null when it asks for help. @throws UsageError */
export function parseArguments(argv: readonly string[]): LabArguments | null {
  const { values, positionals } = parse(argv);
  if (values.help === true) return null;
  if (positionals.length > 1) throw new UsageError(`one incident or plan at a time, not ${positionals.length}`);
  const at = values.at ?? 'target';
  if (at !== 'target' && at !== 'intermediate' && at !== 'host') throw new UsageError(`--at takes target, intermediate or host, not ${JSON.stringify(at)}`);
  return {
    subject: positionals[0] ?? null,
    at,
    seed: values.seed ?? null,
    intermediates: wholeNumber('--intermediates', values.intermediates, 0, 16),
    connections: wholeNumber('--connections', values.connections, 1, 1000),
    messages: wholeNumber('--messages', values.messages, 1, 1_000_000),
    bytes: wholeNumber('--bytes', values.bytes, 1, 65_536),
    lines: wholeNumber('--lines', values.lines, 0, 1_000_000) ?? DEFAULT_LINES,
    json: values.json ?? false,
    list: values.list ?? false,
  };
}

interface Parsed {
  readonly values: Partial<Record<'at' | 'seed' | 'intermediates' | 'connections' | 'messages' | 'bytes' | 'lines', string>> & { json?: boolean; list?: boolean; help?: boolean };
  readonly positionals: string[];
}

function parse(argv: readonly string[]): Parsed {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { at: text, seed: text, intermediates: text, connections: text, messages: text, bytes: text, lines: text, json: flag, list: flag, help: flag },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isInteger(value) || text.trim() === '' || value < least || value > most) {
    throw new UsageError(`${name} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  }
  return value;
}

/** The command that does the same again. */
export function commandOf({ subject, at, intermediates, connections, messages, bytes }: LabArguments, seed: string): string {
  const flags: [string, string | number | null][] = [
    ['--at', at === 'target' ? null : at],
    ['--seed', /^[\w.-]+$/.test(seed) ? seed : JSON.stringify(seed)],
    ['--intermediates', intermediates],
    ['--connections', connections],
    ['--messages', messages],
    ['--bytes', bytes],
  ];
  return ['npm run fault-lab --', ...(subject === null ? [] : [subject]), ...flags.flatMap(([flag, value]) => (value === null ? [] : [`${flag} ${value}`]))].join(' ');
}
