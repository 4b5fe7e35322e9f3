import 'reflect-metadata';

import { Presets, SingleBar } from 'cli-progress';

import { USAGE, UsageError, parseArguments, type TransferArguments } from './arguments.ts';
import { jsonOf, textOf } from './report.ts';
import { run, sizeOf } from './run.ts';

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 0 when all is well, 1 when something differs or fails, 2 for a bad command line. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = parseArguments(argv);
    if (args === null) {
      console.log(USAGE);
      return 0;
    }
    return await transfer(args);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${error.message}\n\n${USAGE}` : String(error instanceof Error ? error.message : error));
    return isUsage ? 2 : 1;
  }
}

async function transfer(args: TransferArguments): Promise<number> {
  const bytes = await sizeOf(args.file);
  const bar = process.stderr.isTTY && !args.json ? new SingleBar({ format: '{bar} {percentage}% of {total} bytes', clearOnComplete: true }, Presets.shades_grey) : null;
  bar?.start(bytes, 0);
  try {
    const done = await run(args, bytes, (acknowledged) => bar?.increment(acknowledged));
    bar?.stop();
    console.log(args.json ? JSON.stringify(jsonOf(done)) : textOf(done));
    return done.problems.length === 0 ? 0 : 1;
  } finally {
    bar?.stop();
  }
}
