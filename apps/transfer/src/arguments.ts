import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface TransferArguments {
  readonly file: string;
  readonly intermediates: number;
  readonly chunkBytes: number;
  /** Name of one of our targets, or a module to load one from. */
  readonly target: string;
  readonly json: boolean;
}

/** A command line that cannot be carried out; `message` says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm start -- [file] [options]

Sends a file through a TCP chimney to a peer that echoes it, and compares.

  file                 what to send; default: this repository's lockfile
  --intermediates n    intermediate drivers between host and target; default 3
  --chunk bytes        bytes per NET_BUFFER_LIST; default 65536
  --target name|module offload target: memory, or a module that exports a plugin; default memory
  --json               print one JSON object instead of tables
  --help               this text`;

const DEFAULT_FILE = fileURLToPath(new URL('../../../pnpm-lock.yaml', import.meta.url));
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

/** Reads the command line. @returns null when it asks for help. @throws UsageError */
export function parseArguments(argv: readonly string[]): TransferArguments | null {
  const { values, positionals } = parse(argv);
  if (values.help === true) return null;
  if (positionals.length > 1) throw new UsageError(`one file at a time, not ${positionals.length}`);
  return {
    file: positionals[0] ?? DEFAULT_FILE,
    intermediates: wholeNumber('--intermediates', values.intermediates ?? '3', 0, 64),
    chunkBytes: wholeNumber('--chunk', values.chunk ?? '65536', 1, MAX_CHUNK_BYTES),
    target: values.target ?? 'memory',
    json: values.json ?? false,
  };
}

interface Parsed {
  readonly values: { intermediates?: string; chunk?: string; target?: string; json?: boolean; help?: boolean };
  readonly positionals: string[];
}

function parse(argv: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        intermediates: { type: 'string' },
        chunk: { type: 'string' },
        target: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || text.trim() === '' || value < least || value > most) {
    throw new UsageError(`${name} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  }
  return value;
}
