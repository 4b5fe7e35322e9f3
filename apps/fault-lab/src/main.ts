import 'reflect-metadata';

import { USAGE, UsageError, parseArguments } from './arguments.ts';
import { chooseExperiment } from './choose.ts';
import { jsonOf, listText, textOf } from './report.ts';
import { run } from './run.ts';

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 0 whatever the experiment shows, 1 when the lab itself fails, 2 for a bad command line. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = parseArguments(argv);
    if (args === null || args.list) {
      console.log(args === null ? USAGE : listText());
      return 0;
    }
    const outcome = await run(await chooseExperiment(args));
    console.log(args.json ? JSON.stringify(jsonOf(args, outcome)) : textOf(args, outcome));
    return 0;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${error.message}\n\n${USAGE}` : String(error instanceof Error ? (error.stack ?? error.message) : error));
    return isUsage ? 2 : 1;
  }
}
