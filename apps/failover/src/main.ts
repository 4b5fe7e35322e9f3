import 'reflect-metadata';

import { USAGE, UsageError, parseArguments } from './arguments.ts';
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
    const done = await run(args, await sizeOf(args.file));
    console.log(args.json ? JSON.stringify(jsonOf(done)) : textOf(done));
    return done.problems.length === 0 ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${error.message}\n\n${USAGE}` : String(error instanceof Error ? error.message : error));
    return isUsage ? 2 : 1;
  }
}
