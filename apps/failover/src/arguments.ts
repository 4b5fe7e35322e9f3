import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface FailoverArguments {
  readonly file: string;
  readonly adapters: number;
  /** How much of the file the peer has acknowledged when the adapter in use fails, in percent; one failure each. */
  readonly failAt: readonly number[];
  readonly latencyMs: number;
  readonly chunkBytes: number;
  readonly json: boolean;
}

/** A command line that cannot be carried out; `message` says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `npm run failover -- [file] [options]

Sends a file through a mux above several adapters to a peer that echoes it. The adapter in use is pulled out on the way;
the connection is taken back, offloaded to the next one, and goes on.

  file                 what to send; default: this repository's lockfile
  --adapters n         adapters below the mux; default 2
  --fail-at list       percent of the file at which the adapter in use fails, once each; default 50
  --latency ms         how long a segment takes one way; default 1
  --chunk bytes        bytes per NET_BUFFER_LIST; default 4096
  --json               print one JSON object instead of tables
  --help               this text`;

const DEFAULT_FILE = fileURLToPath(new URL('../../../pnpm-lock.yaml', import.meta.url));

/** Reads the command line. @returns null when it asks for help. @throws UsageError */
export function parseArguments(argv: readonly string[]): FailoverArguments | null {
  const { values, positionals } = parse(argv);
  if (values.help === true) return null;
  if (positionals.length > 1) throw new UsageError(`one file at a time, not ${positionals.length}`);
  const adapters = wholeNumber('--adapters', values.adapters ?? '2', 2, 64);
  const failAt = (values['fail-at'] ?? '50').split(',').map((text) => wholeNumber('--fail-at', text, 0, 100));
  if (failAt.length >= adapters) throw new UsageError(`${failAt.length} of ${adapters} adapters cannot fail: one has to be left`);
  return {
    file: positionals[0] ?? DEFAULT_FILE,
    adapters,
    failAt: failAt.sort((a, b) => a - b),
    latencyMs: wholeNumber('--latency', values.latency ?? '1', 0, 10_000),
    chunkBytes: wholeNumber('--chunk', values.chunk ?? '4096', 1, 64 * 1024 * 1024),
    json: values.json ?? false,
  };
}

interface Parsed {
  readonly values: { 'adapters'?: string; 'fail-at'?: string; 'latency'?: string; 'chunk'?: string; 'json'?: boolean; 'help'?: boolean };
  readonly positionals: string[];
}

function parse(argv: readonly string[]): Parsed {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { 'adapters': text, 'fail-at': text, 'latency': text, 'chunk': text, 'json': flag, 'help': flag },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${name} takes whole numbers from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
